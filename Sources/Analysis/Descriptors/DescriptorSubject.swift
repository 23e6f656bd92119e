package import Model

/// What a group of descriptors have in common: what they lead to, as far as that says something about the program.
package enum DescriptorSubject: Hashable, Sendable {
    /// A path as bytes; of several like ones with `*` for what differs.
    case path([UInt8], isDeleted: Bool)
    /// Connections to one address.
    case client(Socket.Transport, SocketAddress)
    /// Connections that came in at one address. Of TCP only the port counts: a server has many addresses.
    case server(Socket.Transport, SocketAddress)
    case listener(Socket.Transport, SocketAddress)
    /// A unix socket without a name, whose other end one of these processes has (`socketpair`).
    case pair([ProcessIdentity])
    /// Without a partner.
    case unconnected(Socket.Transport, SocketAddress)
    /// The kernel tells of some families only.
    case unknownSocket
    /// The processes at the other end; nil: not known. `isReading`: nil where it is open for both.
    case pipe(isReading: Bool?, [ProcessIdentity]?)
    case process(Int32?)
    /// What the kernel calls it, where that is all there is.
    case named([UInt8])
}

extension DescriptorSubject {
    /// Of one descriptor alone.
    package init(_ descriptor: Descriptor) {
        switch descriptor.kind {
        case .socket: self = descriptor.socket.map { DescriptorSubject($0, descriptor) } ?? .unknownSocket
        case .pipe:
            let isReading: Bool? = descriptor.access == .both ? nil : descriptor.access == .read
            self = .pipe(isReading: isReading, descriptor.otherEnd?.processes)
        case .pidfd:
            if case .process(let pid)? = descriptor.detail { self = .process(pid) } else { self = .process(nil) }
        case .file, .directory, .fifo, .terminal, .device, .memfd:
            self = .path(descriptor.target, isDeleted: descriptor.isDeleted)
        case .eventfd, .epoll, .timerfd, .signalfd, .inotify, .fanotify, .ioUring, .other:
            self = .named(descriptor.target)
        }
    }

    private init(_ socket: Socket, _ descriptor: Descriptor) {
        let transport = socket.transport
        if socket.state == .listening {
            self = .listener(transport, socket.local)
        } else if transport.isUnix {
            if descriptor.isServer, descriptor.otherEnd != nil {
                self = .server(transport, socket.local)
            } else if descriptor.peerName != .unnamed {
                self = .client(transport, descriptor.peerName)
            } else if let end = descriptor.otherEnd {
                self = .pair(end.processes)
            } else {
                self = .unconnected(transport, socket.local)
            }
        } else if socket.remote == .unnamed {
            self = .unconnected(transport, socket.local)
        } else if descriptor.isServer {
            self = .server(transport, socket.local.withoutHost)
        } else {
            self = .client(transport, socket.remote)
        }
    }
}

extension SocketAddress {
    fileprivate var withoutHost: SocketAddress {
        guard case .internet(_, let port) = self else { return self }
        return .internet(InternetAddress(high: 0, low: 0), port: port)
    }
}
