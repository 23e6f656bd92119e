import CZlib

/// zlib's compression of whole runs of bytes. Its format carries a checksum (RFC 1950), so damage is noticed.
enum Deflate {
    /// Level 1: the graph is small numbers already, and what higher levels gain is not worth the time.
    private static let level: Int32 = 1
    /// No zlib stream expands further than this (deflate's limit is 1,032 bytes for one).
    static let largestRatio = 1100

    static func compressed(_ bytes: [UInt8]) -> [UInt8] {
        var length = compressBound(uLong(bytes.count))
        return [UInt8](unsafeUninitializedCapacity: Int(length)) { buffer, initialized in
            let status = compress2(buffer.baseAddress, &length, bytes, uLong(bytes.count), level)
            // Only a lack of memory can fail here, and that has ended the program before.
            precondition(status == Z_OK, "zlib cannot compress: \(status)")
            initialized = Int(length)
        }
    }

    /// `count`: the length of the original. nil where that is not what the bytes are.
    static func expanded(_ bytes: [UInt8], count: Int) -> [UInt8]? {
        guard count >= 0, count / largestRatio <= bytes.count else { return nil }
        var length = uLong(count)
        var isWhole = false
        let result = [UInt8](unsafeUninitializedCapacity: max(count, 1)) { buffer, initialized in
            isWhole =
                uncompress(buffer.baseAddress, &length, bytes, uLong(bytes.count)) == Z_OK && Int(length) == count
            initialized = isWhole ? count : 0
        }
        return isWhole ? result : nil
    }
}
