/// The sockets of one network namespace, and which belong together. Building it is linear in their number.
package struct SocketTable: Sendable {
    /// The other end of a socket.
    package struct Peer: Hashable, Sendable {
        /// Mostly one. Several: any of these listens at, or is bound to, the address.
        package var inodes: [UInt64]
        /// false: they listen, and nobody has accepted the connection yet.
        package var isAccepted: Bool

        package init(_ inodes: [UInt64], isAccepted: Bool = true) {
            self.inodes = inodes
            self.isAccepted = isAccepted
        }
    }

    /// Those with a number, in the kernel's order.
    package let sockets: [Socket]
    package let gaps: [Gap]
    private var places: [UInt64: Int] = [:]
    private var peers: [UInt64: Peer] = [:]
    /// By name of unix sockets that listen or take datagrams.
    private var named: [SocketAddress: [UInt64]] = [:]
    private var listeningPorts: Set<Port> = []

    /// - Parameter rows: may hold connections that nobody has accepted, with number 0.
    package init(_ rows: [Socket], gaps: [Gap] = []) {
        sockets = rows.filter { $0.inode != 0 }
        self.gaps = gaps
        places.reserveCapacity(sockets.count)
        for (index, socket) in sockets.enumerated() { places[socket.inode] = index }
        joinUnix()
        joinInternet(rows)
    }

    package subscript(inode: UInt64) -> Socket? { places[inode].map { sockets[$0] } }

    /// nil where it has none, or that is not known: it may be on another machine, or in another network namespace.
    package func peer(of inode: UInt64) -> Peer? { peers[inode] }

    /// Who listens at, or takes datagrams at, a unix socket's name.
    package func bound(to name: SocketAddress) -> [UInt64] { named[name] ?? [] }

    /// Whether a connection was taken by a listener, not made: it has the listener's name.
    package func isServer(_ socket: Socket) -> Bool {
        if socket.transport.isUnix { return socket.local != .unnamed }
        guard case .internet(_, let port) = socket.local else { return false }
        return listeningPorts.contains(Port(transport: socket.transport, number: port))
    }

    private mutating func joinUnix() {
        for socket in sockets where socket.transport.isUnix {
            if let peer = socket.peer { peers[socket.inode] = Peer([peer]) }
            for client in socket.pending { peers[client] = Peer([socket.inode], isAccepted: false) }
            let isServer = socket.state == .listening || socket.transport.isDatagram
            if isServer, socket.local != .unnamed { named[socket.local, default: []].append(socket.inode) }
        }
    }

    private struct Connection: Hashable {
        var transport: Socket.Transport
        var local: SocketAddress
        var remote: SocketAddress
    }

    private struct Port: Hashable {
        var transport: Socket.Transport
        var number: UInt16
    }

    /// The two ends of a connection within the machine have each other's addresses.
    private mutating func joinInternet(_ rows: [Socket]) {
        var connections: [Connection: UInt64] = [:]
        var servers: [Port: [Socket]] = [:]
        for row in rows where !row.transport.isUnix {
            if row.remote != .unnamed {
                connections[Connection(transport: row.transport, local: row.local, remote: row.remote)] = row.inode
            } else if row.inode != 0, row.state == .listening || row.transport == .udp,
                case .internet(_, let port) = row.local
            {
                servers[Port(transport: row.transport, number: port), default: []].append(row)
            }
        }
        listeningPorts = Set(servers.keys)
        for socket in sockets where !socket.transport.isUnix && socket.remote != .unnamed {
            let other = Connection(transport: socket.transport, local: socket.remote, remote: socket.local)
            let found = connections[other]
            if let found, found != 0, found != socket.inode {
                peers[socket.inode] = Peer([found])
            } else if case .internet(let address, let port) = socket.remote,
                found == 0 || address.isLoopback || socket.local.hasAddress(address)
            {
                // A closed one has nobody at its other end; who listens there is somebody else's partner.
                guard found == 0 || socket.state == .connecting || socket.transport == .udp else { continue }
                let inodes = SocketTable.best(
                    servers[Port(transport: socket.transport, number: port)] ?? [], for: address)
                if !inodes.isEmpty { peers[socket.inode] = Peer(inodes, isAccepted: socket.transport == .udp) }
            }
        }
    }

    /// Who is bound to this very address, else who is bound to any.
    private static func best(_ servers: [Socket], for address: InternetAddress) -> [UInt64] {
        let exact = servers.filter { $0.local.hasAddress(address) }
        let chosen = exact.isEmpty ? servers.filter(\.local.isAnyAddress) : exact
        return chosen.map(\.inode)
    }
}

extension SocketAddress {
    fileprivate func hasAddress(_ address: InternetAddress) -> Bool {
        if case .internet(let own, _) = self { return own == address }
        return false
    }

    fileprivate var isAnyAddress: Bool {
        if case .internet(let own, _) = self { return own.isAny }
        return false
    }
}
