import Model
import SystemPackage

/// What the kernel answers to a question for sockets: netlink messages, read with every length checked (man 7 netlink,
/// include/uapi/linux/netlink.h, unix_diag.h, inet_diag.h).
struct SocketMessages {
    private(set) var sockets: [Socket] = []
    /// The kernel has said all.
    private(set) var isDone = false
    /// It refused: the error number.
    private(set) var error: Errno?
    private let transport: Socket.Transport?
    private let limit: Int

    /// - Parameters:
    ///   - transport: what was asked for: `.tcp` or `.udp`; nil for unix sockets, which say it themselves.
    ///   - limit: what goes beyond is left out.
    init(_ transport: Socket.Transport? = nil, limit: Int = 4 << 20) {
        self.transport = transport
        self.limit = limit
    }

    private enum Kind {
        static let error: UInt16 = 2
        static let done: UInt16 = 3
        static let socket: UInt16 = 20
    }

    /// Takes the messages of one datagram; false when there is nothing to wait for any more.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var cursor = MessageCursor(bytes)
        // struct nlmsghdr: length with this header, kind, flags, sequence, port; the next starts at a multiple of 4.
        while !isDone, error == nil, sockets.count < limit, let length: UInt32 = cursor.next(),
            let kind: UInt16 = cursor.next(), cursor.skip(10), length >= 16,
            let body = cursor.piece(Int(length) - 16, alignment: 4)
        {
            switch kind {
            case Kind.done: isDone = true
            case Kind.error:
                var body = body
                let code: Int32 = body.next() ?? 0
                error = Errno(rawValue: code < 0 && code > -4096 ? -code : 0)
            case Kind.socket:
                let socket = transport.map { SocketMessages.internet(body, $0) } ?? SocketMessages.unix(body)
                if let socket { sockets.append(socket) }
            default: break
            }
        }
        return !isDone && error == nil && sockets.count < limit
    }

    /// struct unix_diag_msg: family, type, state, padding, inode, cookie; then attributes.
    private static func unix(_ body: MessageCursor) -> Socket? {
        var cursor = body
        guard let family: UInt8 = cursor.next(), family == 1, let type: UInt8 = cursor.next(),
            let transport = transport(unix: type), let number: UInt8 = cursor.next(), cursor.skip(1),
            let inode: UInt32 = cursor.next(), cursor.skip(8)
        else { return nil }
        var socket = Socket(inode: UInt64(inode), transport: transport, state: state(number))
        while let (kind, value) = cursor.attribute() {
            var value = value
            switch kind {
            case 0:  // UNIX_DIAG_NAME
                socket.local = SocketAddress(unixName: value.rest)
            case 1:  // UNIX_DIAG_VFS: inode, device
                if let inode: UInt32 = value.next(), let device: UInt32 = value.next() {
                    socket.file = Mapping.FileID(
                        deviceMajor: device >> 20, deviceMinor: device & 0xfffff, inode: UInt64(inode))
                }
            case 2:  // UNIX_DIAG_PEER
                socket.peer = (value.next() as UInt32?).flatMap { $0 == 0 ? nil : UInt64($0) }
            case 3:  // UNIX_DIAG_ICONS
                while let client: UInt32 = value.next() {
                    if client != 0 { socket.pending.append(UInt64(client)) }
                }
            case 4:  // UNIX_DIAG_RQLEN
                socket.receiveQueue = (value.next() as UInt32?).map { UInt64($0) }
                socket.sendQueue = (value.next() as UInt32?).map { UInt64($0) }
            case 7:  // UNIX_DIAG_UID
                socket.user = value.next()
            default: break
            }
        }
        return socket
    }

    /// struct inet_diag_msg: family, state, timer, retransmissions, inet_diag_sockid, expiry, queues, user, inode.
    private static func internet(_ body: MessageCursor, _ transport: Socket.Transport) -> Socket? {
        var cursor = body
        guard let family: UInt8 = cursor.next(), family == 2 || family == 10, let number: UInt8 = cursor.next(),
            cursor.skip(2), let localPort: UInt16 = cursor.next(), let remotePort: UInt16 = cursor.next(),
            let local = cursor.address(isV4: family == 2), let remote = cursor.address(isV4: family == 2),
            cursor.skip(16), let received: UInt32 = cursor.next(), let sent: UInt32 = cursor.next(),
            let user: UInt32 = cursor.next(), let inode: UInt32 = cursor.next()
        else { return nil }
        var socket = Socket(inode: UInt64(inode), transport: transport, state: state(number))
        socket.local = .internet(local, port: UInt16(bigEndian: localPort))
        if remotePort != 0 { socket.remote = .internet(remote, port: UInt16(bigEndian: remotePort)) }
        socket.receiveQueue = UInt64(received)
        socket.sendQueue = UInt64(sent)
        socket.user = user
        while let (kind, value) = cursor.attribute() {
            // INET_DIAG_INFO, of TCP struct tcp_info (include/uapi/linux/tcp.h): tcpi_bytes_acked at 120, then
            // tcpi_bytes_received. Kernels only add to its end.
            var value = value
            guard kind == 2, transport == .tcp, value.skip(120) else { continue }
            (socket.deliveredBytes, socket.receivedBytes) = (value.next(), value.next())
        }
        return socket
    }

    /// SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET.
    static func transport(unix type: UInt8) -> Socket.Transport? {
        switch type {
        case 1: .unixStream
        case 2: .unixDatagram
        case 5: .unixSequenced
        default: nil
        }
    }

    /// The states of TCP, which all kinds of sockets use (include/net/tcp_states.h).
    static func state(_ number: UInt8) -> Socket.State {
        switch number {
        case 1: .connected
        case 2, 3, 12: .connecting
        case 10: .listening
        case 7: .unconnected
        case 8: .abandoned
        default: .closing
        }
    }
}

/// A cursor over bytes of the machine's own order. Nothing is read beyond the end; what does not fit is nil.
struct MessageCursor {
    private let bytes: UnsafeRawBufferPointer
    private var at = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var rest: [UInt8] { Array(bytes[at...]) }

    mutating func next<Number: FixedWidthInteger & BitwiseCopyable>() -> Number? {
        let size = MemoryLayout<Number>.size
        guard bytes.count - at >= size else { return nil }
        defer { at += size }
        return bytes.loadUnaligned(fromByteOffset: at, as: Number.self)
    }

    mutating func skip(_ count: Int) -> Bool {
        guard count >= 0, bytes.count - at >= count else { return false }
        at += count
        return true
    }

    /// The next `count` bytes, and then on to a multiple of `alignment` or to the end.
    mutating func piece(_ count: Int, alignment: Int) -> MessageCursor? {
        guard count >= 0, bytes.count - at >= count else { return nil }
        let piece = MessageCursor(UnsafeRawBufferPointer(rebasing: bytes[at..<(at + count)]))
        at = min(at + (count + alignment - 1) / alignment * alignment, bytes.count)
        return piece
    }

    /// struct rtattr: length with this header, kind.
    mutating func attribute() -> (kind: UInt16, value: MessageCursor)? {
        guard let length: UInt16 = next(), let kind: UInt16 = next(), length >= 4,
            let value = piece(Int(length) - 4, alignment: 4)
        else { return nil }
        return (kind, value)
    }

    /// Sixteen bytes in the order of the network; an IPv4 address is the first four.
    mutating func address(isV4: Bool) -> InternetAddress? {
        guard let high: UInt64 = next(), let low: UInt64 = next() else { return nil }
        if isV4 { return InternetAddress(v4: UInt32(UInt64(bigEndian: high) >> 32)) }
        return InternetAddress(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low))
    }
}
