import Glibc
import Model

/// The counters that malloc keeps of its chunks of own mapping (malloc.c, `struct malloc_par`, of glibc 2.27 to 2.44).
struct MappedCounters {
    let count: UInt64
    let bytes: UInt64
    /// Where `bytes` stands.
    let address: UInt64

    /// Initial `tcache_bins` and `tcache_max_bytes`: until 2.41, and since.
    private static let cacheSettings: [(UInt64, UInt64)] = [(64, 1032), (64, 1041)]
    /// Initial `n_mmaps_max`.
    private static let mappingLimit: UInt64 = 65_536

    /// Finds `mp_` near the main arena by the initial values of its settings. Nil where it is not found: a tunable or the
    /// program changed them, or the layout is another.
    init?(image: MemoryImage, near ring: ArenaFinder.Ring) {
        let arena = ring.arenas[0].address
        let reach: UInt64 = 64 << 10
        let lower = max(ring.home.range.lower, arena >= reach ? arena - reach : 0) & ~7
        let upper = arena + reach
        let count = Int(upper - lower) / 8
        var words = [UInt64](repeating: 0, count: count)
        let got = words.withUnsafeMutableBytes { image.reader.read(at: lower, into: $0) } / 8
        let mappedMemory = 3  // words before tcache_bins: mmapped_mem, max_mmapped_mem, sbrk_base
        let counts = 6  // the first of the words with n_mmaps and n_mmaps_max
        guard got > counts + 2 else { return nil }
        for index in counts..<(got - 1)
        where Self.cacheSettings.contains(where: { $0 == (words[index], words[index + 1]) }) {
            let bytes = words[index - mappedMemory]
            guard let count = Self.count(words[index - counts], words[index - counts + 1]),
                bytes & 4095 == 0, count <= 1 << 20, bytes <= MallocLayout.plausibleMemory
            else { continue }
            self.count = count
            self.bytes = bytes
            address = lower + UInt64((index - mappedMemory) * 8)
            return
        }
        return nil
    }

    /// `n_mmaps`, found by `n_mmaps_max` right behind it.
    private static func count(_ first: UInt64, _ second: UInt64) -> UInt64? {
        // hp_flags, n_mmaps | n_mmaps_max, max_n_mmaps (since 2.35)
        if second & 0xffff_ffff == mappingLimit { return first >> 32 }
        // arena_max | n_mmaps, n_mmaps_max
        return second >> 32 == mappingLimit ? second & 0xffff_ffff : nil
    }
}

/// The version that the C library states in its own read-only data.
struct LibcVersion {
    let image: MemoryImage

    private static let banner = Array("GNU C Library".utf8)
    private static let marker = Array("release version ".utf8)
    private static let searchLimit: UInt64 = 8 << 20

    /// "2.36", or nil when the module does not say.
    func find(in home: Mapping) -> String? {
        for mapping in image.mappings
        where mapping.inode == home.inode && mapping.deviceMajor == home.deviceMajor
            && mapping.deviceMinor == home.deviceMinor && mapping.permissions.contains(.read)
            && !mapping.permissions.contains(.write)
        {
            let count = Int(min(mapping.range.count, LibcVersion.searchLimit))
            var bytes = [UInt8](repeating: 0, count: count)
            let got = bytes.withUnsafeMutableBytes { image.reader.read(at: mapping.range.lower, into: $0) }
            if let version = version(in: bytes[..<got]) { return version }
        }
        return nil
    }

    private func version(in bytes: ArraySlice<UInt8>) -> String? {
        guard let banner = ByteSearch.first(LibcVersion.banner, in: bytes) else { return nil }
        let line = bytes[banner...].prefix(200)
        guard let marker = ByteSearch.first(LibcVersion.marker, in: line) else { return nil }
        let digits = line[(marker + LibcVersion.marker.count)...].prefix(8)
            .prefix { ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")) || $0 == UInt8(ascii: ".") }
        let text = String(decoding: digits, as: UTF8.self)
        return text.isEmpty ? nil : String(text.last == "." ? text.dropLast() : text[...])
    }
}

/// Finds a run of bytes in another.
enum ByteSearch {
    /// Index of the first occurrence of `needle`, which must not be empty, in `bytes`; or nil.
    static func first(_ needle: [UInt8], in bytes: ArraySlice<UInt8>) -> Int? {
        bytes.withUnsafeBytes { haystack in
            guard let base = haystack.baseAddress, haystack.count >= needle.count else { return nil }
            let last = haystack.count - needle.count
            var at = 0
            while at <= last, let found = memchr(base + at, CInt(needle[0]), last - at + 1) {
                at = UnsafeRawPointer(found) - base
                if memcmp(found, needle, needle.count) == 0 { return bytes.startIndex + at }
                at += 1
            }
            return nil
        }
    }
}
