import CZlib

/// zlib's compression of whole runs of bytes. Its format carries a checksum (RFC 1950), so damage is noticed.
enum Deflate {
    /// Level 1: the graph is small numbers already, and what higher levels gain is not worth the time.
    private static let level: Int32 = 1
    /// No zlib stream expands further than this (deflate's limit is 1,032 bytes for one).
    static let largestRatio = 1100

    /// What is expected of the bytes.
    enum Content {
        /// Patterns that come again.
        case patterned
        /// Runs of one byte, or no pattern at all: looking for more would take three times as long and find little.
        case scattered

        fileprivate var strategy: Int32 { self == .patterned ? Z_DEFAULT_STRATEGY : Z_RLE }
    }

    static func compressed(_ bytes: [UInt8], _ content: Content = .patterned) -> [UInt8] {
        var stream = z_stream()
        let size = Int32(MemoryLayout<z_stream>.size)
        let status = deflateInit2_(
            &stream, level, Z_DEFLATED, MAX_WBITS, memoryLevel, content.strategy, ZLIB_VERSION, size)
        // Only a lack of memory can fail here and below, and that has ended the program before.
        precondition(status == Z_OK, "zlib cannot compress: \(status)")
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, uLong(bytes.count)))
        return [UInt8](unsafeUninitializedCapacity: bound) { buffer, initialized in
            bytes.withUnsafeBufferPointer { source in
                // zlib does not write to its input.
                stream.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                stream.avail_in = uInt(source.count)
                stream.next_out = buffer.baseAddress
                stream.avail_out = uInt(buffer.count)
                let status = deflate(&stream, Z_FINISH)
                precondition(status == Z_STREAM_END, "zlib cannot compress: \(status)")
            }
            initialized = buffer.count - Int(stream.avail_out)
        }
    }

    /// zlib's own default (man 3 zlib, deflateInit2).
    private static let memoryLevel: Int32 = 8

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
