import Glibc
import Model
import Testing

@testable import Capture

@Suite("Table of sockets") struct SocketTableTests {
    private let loopback: [UInt8] = [127, 0, 0, 1]
    private let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1]

    private func read(_ fixture: MessageFixture, _ transport: Socket.Transport? = nil) -> SocketMessages {
        var messages = SocketMessages(transport)
        fixture.bytes.withUnsafeBytes { _ = messages.take($0) }
        return messages
    }

    @Test("Unix sockets: names, peers, clients that wait") func unix() {
        var fixture = MessageFixture()
        fixture.unix(
            state: 10, inode: 10,
            [
                (0, Array("/run/x\0".utf8)),
                (1, MessageFixture.bytes(UInt32(55)) + MessageFixture.bytes(UInt32(26 << 20 | 3))),
                (3, MessageFixture.bytes(UInt32(14)) + MessageFixture.bytes(UInt32(0))),
                (4, MessageFixture.bytes(UInt32(1)) + MessageFixture.bytes(UInt32(128))),
                (7, MessageFixture.bytes(UInt32(1000))),
            ])
        fixture.unix(state: 1, inode: 11, [(2, MessageFixture.bytes(UInt32(12)))])
        fixture.unix(state: 1, inode: 12, [(2, MessageFixture.bytes(UInt32(11))), (0, Array("\0name".utf8))])
        fixture.unix(state: 1, inode: 14)
        fixture.unix(type: 9, state: 1, inode: 15)
        fixture.done()
        let messages = read(fixture)
        #expect(messages.isDone && messages.sockets.count == 4)
        let table = SocketTable(messages.sockets)
        let listener = table[10]
        #expect(listener?.state == .listening && listener?.local == .path(Array("/run/x".utf8)))
        #expect(listener?.pending == [14] && listener?.user == 1000)
        #expect(listener?.receiveQueue == 1 && listener?.sendQueue == 128)
        #expect(listener?.file == Mapping.FileID(deviceMajor: 26, deviceMinor: 3, inode: 55))
        #expect(table[12]?.local == .abstract(Array("name".utf8)))
        #expect(table.peer(of: 11) == SocketTable.Peer([12]) && table.peer(of: 12) == SocketTable.Peer([11]))
        #expect(table.peer(of: 14) == SocketTable.Peer([10], isAccepted: false))
        #expect(table.bound(to: .path(Array("/run/x".utf8))) == [10])
        #expect(table.peer(of: 10) == nil && table[99] == nil)
    }

    @Test("Ends of a connection find each other, also where one has the address in the form of IPv6")
    func internet() {
        var fixture = MessageFixture()
        fixture.internet(state: 10, local: [0, 0, 0, 0], port: 80, remote: [0, 0, 0, 0], remotePort: 0, inode: 1)
        fixture.internet(state: 1, local: loopback, port: 5000, remote: loopback, remotePort: 80, inode: 2, unread: 7)
        fixture.internet(state: 1, local: mapped, port: 80, remote: mapped, remotePort: 5000, inode: 3)
        // Not accepted: the server's end has no number yet.
        fixture.internet(state: 1, local: loopback, port: 5001, remote: loopback, remotePort: 80, inode: 4)
        fixture.internet(state: 1, local: loopback, port: 80, remote: loopback, remotePort: 5001, inode: 0)
        // The listener's queue is full.
        fixture.internet(state: 2, local: loopback, port: 5002, remote: loopback, remotePort: 80, inode: 5)
        fixture.internet(state: 1, local: [10, 0, 0, 1], port: 5003, remote: [10, 0, 0, 2], remotePort: 80, inode: 6)
        // Its partner has gone.
        fixture.internet(state: 8, local: loopback, port: 5004, remote: loopback, remotePort: 80, inode: 7)
        let table = SocketTable(read(fixture, .tcp).sockets)
        #expect(table[2]?.receiveQueue == 7 && table[2]?.sendQueue == 5)
        #expect(table[1]?.remote == .unnamed)
        #expect(table.peer(of: 2) == SocketTable.Peer([3]) && table.peer(of: 3) == SocketTable.Peer([2]))
        #expect(table.peer(of: 4) == SocketTable.Peer([1], isAccepted: false))
        #expect(table.peer(of: 5) == SocketTable.Peer([1], isAccepted: false))
        #expect(table.peer(of: 6) == nil && table.peer(of: 7) == nil)
        #expect(table.sockets.allSatisfy { $0.inode != 0 })
    }

    @Test("What the kernel refuses is an error, and ends the answer") func refused() {
        var fixture = MessageFixture()
        fixture.message(kind: 2, MessageFixture.bytes(Int32(-2)))
        let messages = read(fixture)
        #expect(messages.error != nil && !messages.isDone && messages.sockets.isEmpty)
    }

    @Test("Messages cut and damaged at any place", arguments: Rounds.of(8, fuzz: 500)) func damaged(seed: UInt64) {
        var fixture = MessageFixture()
        fixture.unix(state: 10, inode: 10, [(0, Array("/run/x".utf8)), (3, [1, 0, 0, 0, 2, 0, 0, 0])])
        fixture.internet(state: 1, local: loopback, port: 5000, remote: mapped, remotePort: 80, inode: 2)
        fixture.done()
        for length in 0...fixture.bytes.count { take(Array(fixture.bytes[..<length])) }
        var random = SeededGenerator(state: seed)
        for _ in 0..<500 {
            var bytes = fixture.bytes
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            take(bytes)
        }
    }

    private func take(_ bytes: [UInt8]) {
        for transport in [nil, Socket.Transport.tcp] {
            var messages = SocketMessages(transport, limit: 100)
            bytes.withUnsafeBytes { _ = messages.take($0) }
            let table = SocketTable(messages.sockets)
            #expect(table.sockets.count <= 100)
            for socket in table.sockets { _ = table.peer(of: socket.inode) }
        }
    }

    @Test("The text of /proc/net says the same, but for peers of unix sockets") func files() throws {
        let tcp = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 12345 1 0 100 0
               1: 0100007F:1F90 0100007F:1388 01 00000002:00000003 00:00000000 00000000  1000        0 12346 1 0 20 4
               2: 0100007F:1F90 0100007F:1389 06 00000000:00000000 00:00000000 00000000     0        0 0 1 0 20 4

            """
        let tcp6 = """
              sl  local_address                         remote_address                        st tx_queue rx_queue
               0: 0000000000000000FFFF00000100007F:1388 0000000000000000FFFF00000100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 12347 1 0

            """
        let unix = """
            Num       RefCount Protocol Flags    Type St Inode Path
            0000000000000000: 00000002 00000000 00010000 0001 01 20 /run/a b
            0000000000000000: 00000003 00000000 00000000 0001 03 21 @abstract
            0000000000000000: 00000003 00000000 00000000 0002 01 22

            """
        let fixture = try ProcFixture()
        try fixture.write("self/net/tcp", tcp)
        try fixture.write("self/net/tcp6", tcp6)
        try fixture.write("self/net/unix", unix)
        let table = ProcFS(root: fixture.root).socketTable()
        #expect(table.sockets.map(\.inode) == [20, 21, 22, 12345, 12346, 12347])
        #expect(table[12346]?.receiveQueue == 3 && table[12346]?.sendQueue == 2 && table[12346]?.user == 1000)
        #expect(table.peer(of: 12346) == SocketTable.Peer([12347]))
        #expect(table[20]?.local == .path(Array("/run/a b".utf8)) && table[20]?.state == .listening)
        #expect(table[21]?.local == .abstract(Array("abstract".utf8)) && table[21]?.state == .connected)
        #expect(table[22]?.local == .unnamed)
    }

    @Test("Sockets of this very process, as the kernel tells of them") func live() throws {
        var pair: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        defer { for descriptor in pair { close(descriptor) } }
        let procfs = ProcFS()
        let inodes = try pair.map { try #require(Self.inode($0)) }
        let table = procfs.socketTable()
        #expect(table.gaps.isEmpty)
        #expect(table[inodes[0]]?.transport == .unixStream)
        #expect(table.peer(of: inodes[0]) == SocketTable.Peer([inodes[1]]))
        #expect(table.peer(of: inodes[1]) == SocketTable.Peer([inodes[0]]))
        let holders = procfs.channelHolders(among: [getpid()])
        #expect(holders.sockets[inodes[0]] == [ChannelHolders.Holder(pid: getpid(), descriptor: pair[0], access: 2)])
        #expect(holders.processes(ofSockets: inodes) == [getpid()])
    }

    private static func inode(_ descriptor: Int32) -> UInt64? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? UInt64(status.st_ino) : nil
    }
}

@Suite("Addresses of the internet") struct InternetAddressTests {
    @Test(arguments: [
        (InternetAddress(v4: 0x7f00_0001), "127.0.0.1"), (InternetAddress(high: 0, low: 1), "::1"),
        (InternetAddress(high: 0, low: 0), "::"),
        (InternetAddress(high: 0xfe80_0000_0000_0000, low: 1), "fe80::1"),
        (InternetAddress(high: 0x2001_0db8_0000_0001, low: 0x0001_0001_0001_0001), "2001:db8:0:1:1:1:1:1"),
        (InternetAddress(high: 0x2001_0db8_0000_0000, low: 0x0001_0000_0000_0000), "2001:db8:0:0:1::"),
    ]) func text(_ address: InternetAddress, _ text: String) { #expect(address.description == text) }

    @Test func kinds() {
        #expect(InternetAddress(v4: 0x7f12_0001).isLoopback && InternetAddress(high: 0, low: 1).isLoopback)
        #expect(!InternetAddress(v4: 0x0a00_0001).isLoopback && InternetAddress(v4: 0).isAny)
        #expect(InternetAddress(high: 0, low: 0).isAny && !InternetAddress(high: 0, low: 1).isAny)
    }
}
