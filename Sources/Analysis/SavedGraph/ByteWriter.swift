/// Collects numbers and names in the few bytes that they need: the inverse of `ByteCursor`.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// Seven bits a byte, the lowest first; the highest bit says that more follow (LEB128).
    @inline(__always)
    mutating func number(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func number(_ value: Int) { number(UInt64(max(value, 0))) }

    /// Small numbers of either sign are short: 0, -1, 1, -2 become 0, 1, 2, 3.
    @inline(__always)
    mutating func signed(_ value: Int64) { number(UInt64(bitPattern: value << 1 ^ value >> 63)) }

    mutating func byte(_ value: UInt8) { bytes.append(value) }

    mutating func flag(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func text(_ value: String) { blob(Array(value.utf8)) }

    mutating func text(_ value: String?) {
        flag(value != nil)
        if let value { text(value) }
    }

    mutating func blob(_ value: [UInt8]) {
        number(value.count)
        bytes += value
    }

    mutating func append(_ other: ByteWriter) { bytes += other.bytes }
}
