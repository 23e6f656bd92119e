import Model

/// Sockets: both ends of a connection, clients that wait to be accepted, and datagrams to whoever is bound to a name.
extension ChannelJoin {
    /// A socket, and the network namespace that it is of.
    private struct Place {
        var namespace: UInt64
        var socket: Socket
    }

    mutating func joinSockets() {
        var found: [UInt64: UInt64] = [:]
        for (namespace, table) in facts.tables {
            for socket in table.sockets { found[socket.inode] = namespace }
        }
        func place(_ inode: UInt64) -> Place? {
            guard let namespace = found[inode], let socket = facts.tables[namespace]?[inode] else { return nil }
            return Place(namespace: namespace, socket: socket)
        }
        let crossing = facts.tables.count > 1 ? crossings() : [:]
        var done: Set<UInt64> = []
        for inode in holders.sockets.keys.sorted() {
            guard !done.contains(inode), let here = place(inode) else { continue }
            let table = facts.tables[here.namespace]
            if let peer = table?.peer(of: inode), !peer.inodes.isEmpty {
                let others = peer.inodes.map { (inode: $0, place: place($0)) }
                if peer.isAccepted, others.count == 1, isMutual(inode, others[0].place) {
                    done.insert(others[0].inode)
                    addPair(here, others[0].inode, others[0].place)
                } else {
                    addOneWay(here, others.compactMap(\.place), others.map(\.inode), isAccepted: peer.isAccepted)
                }
            } else if let other = crossing[inode] {
                done.insert(other)
                addPair(here, other, place(other), isCrossing: true)
            }
        }
    }

    /// A peer that no table has, that of a network namespace that cannot be entered, counts as mutual.
    private func isMutual(_ inode: UInt64, _ other: Place?) -> Bool {
        guard let other else { return true }
        return facts.tables[other.namespace]?.peer(of: other.socket.inode)?.inodes == [inode]
    }

    private struct Connection: Hashable {
        var transport: Socket.Transport
        var local: SocketAddress
        var remote: SocketAddress
    }

    /// Connections between network namespaces: who has the other's addresses the other way round. Others may have the same
    /// addresses in networks of their own, so that it is a guess.
    private func crossings() -> [UInt64: UInt64] {
        var ends: [Connection: UInt64] = [:]
        var lonely: [Socket] = []
        for table in facts.tables.values {
            for socket in table.sockets where !socket.transport.isUnix && socket.remote != .unnamed {
                guard table.peer(of: socket.inode) == nil, case .internet(let address, _) = socket.remote,
                    !address.isLoopback
                else { continue }
                ends[Connection(transport: socket.transport, local: socket.local, remote: socket.remote)] = socket.inode
                lonely.append(socket)
            }
        }
        var result: [UInt64: UInt64] = [:]
        for socket in lonely {
            let other = Connection(transport: socket.transport, local: socket.remote, remote: socket.local)
            if let peer = ends[other], peer != socket.inode { result[socket.inode] = peer }
        }
        return result
    }

    private func ends(of inode: UInt64, side: UInt8, role: Channel.Role = .both) -> [Channel.End] {
        (holders.sockets[inode] ?? []).map { .init(pid: $0.pid, fd: $0.descriptor, role: role, side: side) }
    }

    private mutating func addPair(_ one: Place, _ inode: UInt64, _ two: Place?, isCrossing: Bool = false) {
        var (one, two) = (one, two)
        let own = one.socket.inode
        var inodes = (own, inode)
        if let other = two, isServer(one) != isServer(other) ? isServer(one) : inode < own {
            (one, two) = (other, one)
            inodes = (inode, own)
        }
        let transport = one.socket.transport
        var channel = Channel(ChannelJoin.kind(transport), identity: "")
        channel.transport = transport
        channel.identity =
            transport.isUnix
            ? "unix:[\(inodes.0)]↔[\(inodes.1)]" : "\(one.socket.local.text)↔\(one.socket.remote.text)"
        channel.ends = ends(of: inodes.0, side: 0) + ends(of: inodes.1, side: 1)
        channel.name = (two?.socket.local ?? (transport.isUnix ? .unnamed : one.socket.remote)).nameBytes
        if channel.name.isEmpty, transport.isUnix { channel.name = one.socket.local.nameBytes }
        channel.waiting = two?.socket.receiveQueue.map { Int(clamping: $0) }
        channel.waitingBack = one.socket.receiveQueue.map { Int(clamping: $0) }
        channel.carriedBytes = two?.socket.receivedBytes ?? one.socket.deliveredBytes
        channel.carriedBytesBack = one.socket.receivedBytes ?? two?.socket.deliveredBytes
        let sides = Set(channel.ends.map(\.side))
        if sides.count < 2 {
            channel.owner = sides.contains(0) ? two?.socket.user : one.socket.user
            if hasUnseen { channel.details.insert(.otherEndUnseen) }
        } else {
            channel.owner = one.socket.user
        }
        if isCrossing {
            channel.sure = false
            channel.doubt = "their addresses fit, but they are of two network namespaces"
        }
        noteNamespace(one, &channel)
        add(channel, distinguishedBy: "socket:[\(inodes.0)]")
    }

    /// - Parameter inodes: of whoever listens, or is bound to the name.
    private mutating func addOneWay(_ client: Place, _ servers: [Place], _ inodes: [UInt64], isAccepted: Bool) {
        let (socket, transport) = (client.socket, client.socket.transport)
        var channel = Channel(ChannelJoin.kind(transport), identity: "")
        channel.transport = transport
        let target = inodes.map { "[\($0)]" }.joined(separator: ",")
        channel.identity =
            transport.isUnix
            ? "unix:[\(socket.inode)]→\(target)" : "\(socket.local.text)→\(socket.remote.text)"
        channel.ends = ends(of: socket.inode, side: 0, role: isAccepted ? .write : .both)
        for inode in inodes { channel.ends += ends(of: inode, side: 1, role: isAccepted ? .read : .listen) }
        channel.name = (servers.first?.socket.local ?? socket.remote).nameBytes
        channel.owner = servers.first?.socket.user ?? socket.user
        if isAccepted {
            if inodes.count == 1 {
                channel.waiting = servers.first?.socket.receiveQueue.map { Int(clamping: $0) }
            } else {
                channel.sure = false
                channel.doubt = "\(Units.grouped(inodes.count)) sockets have that name: any of them may get it"
            }
        } else {
            channel.details.insert(.notAccepted)
            channel.messages = servers.first?.socket.receiveQueue.map { Int(clamping: $0) }
            channel.messageLimit = servers.first?.socket.sendQueue.map { Int(clamping: $0) }
            channel.state = .unread
        }
        if hasUnseen, Set(channel.ends.map(\.side)).count < 2 { channel.details.insert(.otherEndUnseen) }
        noteNamespace(client, &channel)
        add(channel, distinguishedBy: "socket:[\(socket.inode)]")
    }

    private func isServer(_ place: Place) -> Bool { facts.tables[place.namespace]?.isServer(place.socket) ?? false }

    private func noteNamespace(_ place: Place, _ channel: inout Channel) {
        if place.namespace != facts.network { channel.details.insert(.namespace("net:[\(place.namespace)]")) }
    }

    private static func kind(_ transport: Socket.Transport) -> Channel.Kind {
        transport.isUnix ? .unix : transport == .tcp ? .tcp : .udp
    }
}

extension SocketAddress {
    /// A path, "@NAME", "127.0.0.1:80", "[::1]:80"; "*" for none.
    var text: String { self == .unnamed ? "*" : String(decoding: nameBytes, as: UTF8.self) }

    var nameBytes: [UInt8] {
        switch self {
        case .unnamed: []
        case .path(let path): path
        case .abstract(let name): [UInt8(ascii: "@")] + name
        case .internet(let address, let port):
            Array((address.v4 == nil ? "[\(address)]:\(port)" : "\(address):\(port)").utf8)
        }
    }
}
