/// An IPv4 or IPv6 address. One of IPv4 is kept in the form that IPv6 maps it to (::ffff:a.b.c.d, RFC 4291 2.5.5.2): a
/// connection has the same address at both ends, whichever family each of its sockets is of.
package struct InternetAddress: Hashable, Sendable {
    /// The first and the last eight bytes, in the order in which they are written.
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameter v4: 127.0.0.1 is 0x7f000001.
    package init(v4: UInt32) { self.init(high: 0, low: 0xffff << 32 | UInt64(v4)) }

    /// nil for IPv6.
    package var v4: UInt32? { high == 0 && low >> 32 == 0xffff ? UInt32(truncatingIfNeeded: low) : nil }

    /// 127.0.0.0/8 or ::1.
    package var isLoopback: Bool { v4.map { $0 >> 24 == 127 } ?? (high == 0 && low == 1) }

    /// 0.0.0.0 or ::, which for a socket that waits means any address of the machine.
    package var isAny: Bool { v4.map { $0 == 0 } ?? (high == 0 && low == 0) }
}

extension InternetAddress: CustomStringConvertible {
    /// "127.0.0.1", "fe80::1": as RFC 5952 writes them.
    package var description: String {
        if let v4 { return (0..<4).map { "\(v4 >> UInt32(24 - 8 * $0) & 0xff)" }.joined(separator: ".") }
        let words = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> UInt64(48 - 16 * ($0 % 4))) }
        var longest = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, words[end] == 0 { end += 1 }
            if end - start > max(longest.count, 1) { longest = start..<end }
            start = max(end, start + 1)
        }
        func text(_ part: ArraySlice<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard !longest.isEmpty else { return text(words[...]) }
        return text(words[..<longest.lowerBound]) + "::" + text(words[longest.upperBound...])
    }
}
