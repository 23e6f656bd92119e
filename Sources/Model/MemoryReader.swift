/// The one way in which analysis sees memory: of a snapshot, of a core file, of a fixture. Readers stack: one that
/// watches a limit or for an interrupt wraps one that reads.
package protocol MemoryReader: Sendable {
    /// Reads from `address` on until `buffer` is full or the first byte that cannot be read.
    /// Returns the number of bytes read, 0 when there is nothing at `address`. Must be callable from several threads.
    func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int

    /// The parts of `range` whose bytes may differ from zero, in ascending order, without overlaps: pages never touched
    /// are left out, so that reservations of terabytes cost nothing. A reader that cannot tell returns `[range]`.
    func populated(in range: AddressRange) -> [AddressRange]

    /// The parts of `range` that no longer hold what a private mapping's file held when it was mapped, in ascending order,
    /// without overlaps. Where there is no file, or a reader cannot tell, what is populated.
    func written(in range: AddressRange) -> [AddressRange]
}

extension MemoryReader {
    package func populated(in range: AddressRange) -> [AddressRange] { range.isEmpty ? [] : [range] }
    package func written(in range: AddressRange) -> [AddressRange] { populated(in: range) }

    /// The `count` bytes at `address`, or nil when not all of them can be read. `count` is the caller's bound.
    package func bytes(at address: UInt64, count: Int) -> [UInt8]? {
        guard count > 0 else { return count == 0 ? [] : nil }
        var got = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            got = read(at: address, into: UnsafeMutableRawBufferPointer(buffer))
            initialized = got
        }
        return got == count ? bytes : nil
    }

    /// A little-endian 64-bit word; no alignment needed.
    package func word(at address: UInt64) -> UInt64? {
        var value: UInt64 = 0
        let count = withUnsafeMutableBytes(of: &value) { read(at: address, into: $0) }
        return count == 8 ? UInt64(littleEndian: value) : nil
    }

    /// A little-endian 32-bit word; no alignment needed.
    package func word32(at address: UInt64) -> UInt32? {
        var value: UInt32 = 0
        let count = withUnsafeMutableBytes(of: &value) { read(at: address, into: $0) }
        return count == 4 ? UInt32(littleEndian: value) : nil
    }

    /// `count` consecutive 64-bit words, or nil when not all can be read.
    package func words(at address: UInt64, count: Int) -> [UInt64]? {
        guard count > 0 else { return count == 0 ? [] : nil }
        var got = 0
        let words = [UInt64](unsafeUninitializedCapacity: count) { buffer, initialized in
            got = read(at: address, into: UnsafeMutableRawBufferPointer(buffer))
            initialized = got / 8
        }
        return got == count * 8 ? words : nil
    }

    /// The bytes up to (not including) the first NUL, or nil when there is none within `limit` bytes.
    package func cString(at address: UInt64, limit: Int) -> [UInt8]? {
        var result: [UInt8] = []
        var at = address
        while result.count < limit {
            // Up to the end of the page: the next one may not be readable.
            let step = min(Int(4096 - at % 4096), limit - result.count, 256)
            var chunk = [UInt8](repeating: 0, count: step)
            let count = chunk.withUnsafeMutableBytes { read(at: at, into: $0) }
            guard count > 0 else { return nil }
            if let end = chunk[..<count].firstIndex(of: 0) { return result + chunk[..<end] }
            result += chunk[..<count]
            at &+= UInt64(count)
        }
        return nil
    }
}
