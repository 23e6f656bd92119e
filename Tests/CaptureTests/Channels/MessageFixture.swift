/// Netlink messages as the kernel writes them, made by hand.
struct MessageFixture {
    private(set) var bytes: [UInt8] = []

    static func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

    mutating func message(kind: UInt16, _ body: [UInt8]) {
        bytes += Self.bytes(UInt32(16 + body.count)) + Self.bytes(kind) + Self.bytes(UInt16(2))
        bytes += Self.bytes(UInt32(0)) + Self.bytes(UInt32(77)) + body
        while bytes.count % 4 != 0 { bytes.append(0) }
    }

    mutating func done() { message(kind: 3, Self.bytes(Int32(0))) }

    /// - Parameter attributes: UNIX_DIAG_…, and the value.
    mutating func unix(type: UInt8 = 1, state: UInt8, inode: UInt32, _ attributes: [(UInt16, [UInt8])] = []) {
        var body: [UInt8] = [1, type, state, 0] + Self.bytes(inode) + Self.bytes(UInt64(9))
        for (kind, value) in attributes {
            body += Self.bytes(UInt16(4 + value.count)) + Self.bytes(kind) + value
            while body.count % 4 != 0 { body.append(0) }
        }
        message(kind: 20, body)
    }

    /// - Parameter local: bytes of an IPv4 or IPv6 address.
    mutating func internet(
        state: UInt8, local: [UInt8], port: UInt16, remote: [UInt8], remotePort: UInt16, inode: UInt32,
        unread: UInt32 = 0
    ) {
        func padded(_ address: [UInt8]) -> [UInt8] { address + Array(repeating: 0, count: 16 - address.count) }
        var body: [UInt8] = [local.count == 4 ? 2 : 10, state, 0, 0]
        body += Self.bytes(port.bigEndian) + Self.bytes(remotePort.bigEndian) + padded(local) + padded(remote)
        body += Self.bytes(UInt32(0)) + Self.bytes(UInt64(9)) + Self.bytes(UInt32(0))
        body += Self.bytes(unread) + Self.bytes(UInt32(5)) + Self.bytes(UInt32(1000)) + Self.bytes(inode)
        message(kind: 20, body)
    }
}
