// Descriptors whose numbers lost objects keep, and numbers that only look like it.

import DemoTruth
import Glibc

private class Endpoint {
    private let descriptor: Int32

    init(_ descriptor: Int32) { self.descriptor = descriptor }
}

private final class Connection {
    let name = (1, 2)
    let isOpen = true
    let fd: Int32

    init(_ fd: Int32) { self.fd = fd }
}

private struct FileDescriptor {
    let rawValue: CInt
}

private final class Reader {
    let source: FileDescriptor
    var fallback: FileDescriptor?

    init(_ source: Int32) { self.source = FileDescriptor(rawValue: source) }
}

private final class Link {
    var clientSocket: Int32?
    var oldSocket: Int32?

    init(_ socket: Int32) { clientSocket = socket }
}

private final class Session {
    let link: Link
    let started = 7

    init(_ link: Link) { self.link = link }
}

private final class Channel: Endpoint {
    var handler: Handler?
}

private final class Handler {
    var channel: Channel?
}

/// Has such a number, and another name for it.
private final class Counter {
    var retries: Int32 = 0
    var fdCount: Int32 = 0
}

/// One end of a pair of sockets; the other end stays in use.
private func socketPair() -> Int32 {
    var ends: (Int32, Int32) = (-1, -1)
    let result = withUnsafeMutablePointer(to: &ends) {
        $0.withMemoryRebound(to: Int32.self, capacity: 2) {
            socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, $0)
        }
    }
    if result != 0 { demo_give_up("no pair of sockets") }
    keep(Connection(ends.0))
    demo_say("held", Int(ends.0))
    return ends.1
}

@inline(never)
private func keep(_ object: AnyObject) {
    kept.append(object)
    demo_note(DEMO_REACHABLE, address(of: object), nil)
}

@inline(never)
private func lose(_ object: AnyObject, _ type: StaticString) {
    demo_note(DEMO_DEFINITE, UnsafeRawPointer(Unmanaged.passRetained(object).toOpaque()), constant(type))
}

private func owned(_ number: Int32) -> Int32 {
    demo_say("owned", Int(number))
    return number
}

@inline(never)
private func loseOwners() {
    for _ in 0..<5 { lose(Connection(owned(socketPair())), "Connection") }
    for _ in 0..<3 { lose(Reader(owned(socketPair())), "Reader") }
    for _ in 0..<2 {
        let link = Link(owned(socketPair()))
        demo_note(DEMO_INDIRECT, address(of: link), nil)
        lose(Session(link), "Session")
    }
    for _ in 0..<2 {
        let (channel, handler) = (Channel(owned(socketPair())), Handler())
        channel.handler = handler
        handler.channel = channel
        loseRing(channel, handler)
    }
}

@inline(never)
private func loseOthers() {
    let number = socketPair()
    // Of another name.
    let counter = Counter()
    counter.retries = number
    counter.fdCount = number
    lose(counter, "Counter")
    // Closed, and none.
    let closed = dup(number)
    close(closed)
    for fd in [closed, -1, 0, 2] { lose(Connection(fd), "Connection") }
    // Lost, and the same in use.
    keep(Endpoint(number))
    lose(Connection(number), "Connection")
    demo_say("held", Int(number))
}

private final class Client {
    let sockFD: Int32

    init(_ number: Int32) { sockFD = number }
}

/// A connection to a port of this machine.
@inline(never)
private func loseClient(port: UInt16) {
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    if result != 0 { demo_give_up("no connection") }
    lose(Client(owned(number)), "Client")
}

/// `argument`: a port to connect to as well.
func connections(_ argument: UnsafePointer<CChar>?) {
    loseOwners()
    if let argument, let port = UInt16(exactly: strtoul(argument, nil, 10)) { loseClient(port: port) }
    // Last: a number that is closed may be given anew, to something else.
    loseOthers()
}
