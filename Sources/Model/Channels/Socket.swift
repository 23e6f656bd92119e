/// Where a socket is: its own end, or the other.
package enum SocketAddress: Hashable, Sendable {
    /// It has no name, or that is not known.
    case unnamed
    /// Of the file system, as the program gave it: not escaped, and perhaps not absolute.
    case path([UInt8])
    /// Of Linux's abstract names, without the NUL that they start with. Not escaped.
    case abstract([UInt8])
    case internet(InternetAddress, port: UInt16)

    /// What bind(2) was given in `sun_path`: an abstract name starts with a NUL, a path may end with one.
    package init(unixName bytes: [UInt8]) {
        if bytes.isEmpty {
            self = .unnamed
        } else if bytes[0] == 0 {
            self = .abstract(Array(bytes.dropFirst()))
        } else {
            self = .path(Array(bytes.prefix { $0 != 0 }))
        }
    }
}

/// A socket of one network namespace, at one moment.
package struct Socket: Hashable, Sendable {
    /// What its number and kind say of how it speaks.
    package enum Transport: String, Hashable, Sendable {
        /// man 7 unix: SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET.
        case unixStream, unixDatagram, unixSequenced
        case tcp, udp

        package var isUnix: Bool { self != .tcp && self != .udp }
        package var isDatagram: Bool { self == .unixDatagram || self == .udp }
    }

    package enum State: String, Hashable, Sendable {
        /// Connected; for datagrams: has a fixed partner.
        case connected
        /// Waits for the other end to take the connection.
        case connecting
        case listening
        /// Bound or new, without a partner.
        case unconnected
        /// The other end has closed, this one has not: CLOSE_WAIT of TCP.
        case abandoned
        /// This end has closed, or both have.
        case closing
    }

    /// The number in `socket:[N]`; 0 for a connection that no process has taken yet.
    package var inode: UInt64
    package var transport: Transport
    package var state: State
    package var local = SocketAddress.unnamed
    package var remote = SocketAddress.unnamed
    /// The file of a unix socket that is bound to a path.
    package var file: Mapping.FileID?
    /// Of unix sockets: the other end's number, where it has one.
    package var peer: UInt64?
    /// Of a unix socket that listens: the clients that it has not accepted yet.
    package var pending: [UInt64] = []
    /// Bytes that lie unread; of one that listens: connections that wait to be accepted. nil: not known.
    package var receiveQueue: UInt64?
    /// Bytes sent and not yet taken by the other end; of one that listens: how many connections may wait.
    package var sendQueue: UInt64?
    /// The user that made it; nil: not known.
    package var user: UInt32?
    /// Of TCP, where it was asked for: bytes that it has sent and the other end has, and that it was sent.
    package var deliveredBytes: UInt64?
    package var receivedBytes: UInt64?

    package init(inode: UInt64, transport: Transport, state: State) {
        self.inode = inode
        self.transport = transport
        self.state = state
    }
}
