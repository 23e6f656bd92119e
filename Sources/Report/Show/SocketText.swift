import Model

/// Sockets in words.
enum SocketText {
    /// What a thread waits for at a socket, behind "waits in recvfrom".
    /// - Parameter others: who has the other end open; nil where nobody is known.
    static func wait(_ wait: SocketWait, _ others: String?) -> String {
        guard let socket = wait.socket else { return "on a socket whose kind nusu cannot look into" }
        let place = place(socket.transport, wait.name)
        if let others {
            if wait.isPending { return "for \(others) to accept its connection to \(place)" }
            switch wait.purpose {
            case .send:
                let unread = wait.unreadBytes.map { " (\(Units.bytes($0)) lie unread)" } ?? ""
                return "for \(others) to read what was sent on \(place)\(unread)"
            case .receive where wait.isServer || wait.name == .unnamed: return "for \(others) to send on \(place)"
            default: return "for an answer from \(others) on \(place)"
            }
        }
        switch wait.purpose {
        case .accept: return "for a client on \(place)"
        case .receive where socket.state == .unconnected || socket.remote == .unnamed && socket.transport == .udp:
            return "for a message on \(place)"
        case _ where wait.isOwn: return "on \(place), whose other end only it has open"
        case .connect: return "for a connection to \(place)"
        case .receive: return "for data on \(remote(socket) ?? place)" + unknown(socket)
        case .send: return "for room to send on \(remote(socket) ?? place)" + unknown(socket)
        }
    }

    /// A partner on another machine is known by its address, and nothing more.
    private static func remote(_ socket: Socket) -> String? {
        socket.remote == .unnamed ? nil : "\(word(socket.transport)) to \(text(socket.remote))"
    }

    private static func unknown(_ socket: Socket) -> String {
        socket.remote == .unnamed ? "; no process that can be seen has the other end" : ""
    }

    private static func place(_ transport: Socket.Transport, _ name: SocketAddress) -> String {
        name == .unnamed && transport.isUnix ? "a unix socket without a name" : "\(word(transport)) \(text(name))"
    }

    static func word(_ transport: Socket.Transport) -> String { transport.isUnix ? "unix" : transport.rawValue }

    /// "/run/x", "@name" for an abstract one, "127.0.0.1:80", "[::1]:80". Escaped.
    static func text(_ address: SocketAddress) -> String {
        switch address {
        case .unnamed: "without a name"
        case .path(let bytes): TerminalText.escaped(bytes)
        case .abstract(let bytes): "@" + TerminalText.escaped(bytes)
        case .internet(let address, let port): address.v4 == nil ? "[\(address)]:\(port)" : "\(address):\(port)"
        }
    }

    static func json(_ wait: SocketWait) -> JSONValue {
        guard let socket = wait.socket else { return .object(["purpose": .string(wait.purpose.rawValue)]) }
        var fields: [String: JSONValue] = [
            "purpose": .string(wait.purpose.rawValue), "inode": .unsigned(socket.inode),
            "transport": .string(socket.transport.rawValue), "state": .string(socket.state.rawValue),
            "isAccepted": JSONValue(!wait.isPending), "unreadBytes": JSONValue(wait.unreadBytes),
        ]
        set(&fields, "local", socket.local)
        set(&fields, "remote", socket.remote)
        set(&fields, "name", wait.name)
        return .object(fields)
    }

    private static func set(_ fields: inout [String: JSONValue], _ key: String, _ address: SocketAddress) {
        switch address {
        case .unnamed: fields[key] = .null
        case .path(let bytes): fields.set(key, bytes: bytes)
        case .abstract(let bytes): fields.set(key, bytes: Array("@".utf8) + bytes)
        case .internet: fields[key] = .string(text(address))
        }
    }
}
