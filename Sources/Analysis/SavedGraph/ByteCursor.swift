/// Why a saved graph cannot be read: its bytes do not hang together.
struct DamagedBytes: Error {
    /// What was being read, in words: "the types".
    var part = ""
}

/// Reads what `ByteWriter` wrote. Every read is checked against the end, every count against what the rest can hold: damaged
/// bytes end in an error, never in a trap or a large allocation.
struct ByteCursor {
    private let bytes: [UInt8]
    private var at = 0
    private let end: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        end = bytes.count
    }

    var isAtEnd: Bool { at == end }
    var rest: Int { end - at }

    @inline(__always)
    mutating func byte() throws(DamagedBytes) -> UInt8 {
        guard at < end else { throw DamagedBytes() }
        defer { at += 1 }
        return bytes[at]
    }

    @inline(__always)
    mutating func number() throws(DamagedBytes) -> UInt64 {
        let first = try byte()
        if first < 0x80 { return UInt64(first) }
        var value = UInt64(first & 0x7f)
        var shift: UInt64 = 7
        while shift < 64 {
            let next = try byte()
            value |= UInt64(next & 0x7f) << shift
            if next < 0x80 { return value }
            shift += 7
        }
        throw DamagedBytes()
    }

    @inline(__always)
    mutating func signed() throws(DamagedBytes) -> Int64 {
        let value = try number()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// A number that must be below `limit`.
    @inline(__always)
    mutating func number(below limit: Int) throws(DamagedBytes) -> Int {
        let value = try number()
        guard value < UInt64(max(limit, 0)) else { throw DamagedBytes() }
        return Int(value)
    }

    /// A count of things that take at least `bytes` bytes each.
    mutating func count(ofBytes bytes: Int = 1) throws(DamagedBytes) -> Int {
        let value = try number()
        guard value <= UInt64(rest / max(bytes, 1)) else { throw DamagedBytes() }
        return Int(value)
    }

    mutating func flag() throws(DamagedBytes) -> Bool { try byte() != 0 }

    mutating func word32() throws(DamagedBytes) -> UInt32 {
        guard let value = UInt32(exactly: try number()) else { throw DamagedBytes() }
        return value
    }

    mutating func text() throws(DamagedBytes) -> String { String(decoding: try blob(), as: UTF8.self) }

    mutating func optionalText() throws(DamagedBytes) -> String? { try flag() ? try text() : nil }

    mutating func blob() throws(DamagedBytes) -> [UInt8] {
        let count = try count()
        defer { at += count }
        return Array(bytes[at..<at + count])
    }
}
