import Model

/// How a release of glibc lays out a thread's cache (`tcache_perthread_struct`): a counter for each bin, then the heads.
/// Source: malloc/malloc.c of glibc 2.27, 2.31, 2.36, 2.42, 2.43 and 2.44.
enum ThreadCacheLayout: CaseIterable {
    /// 2.26 to 2.29: `char counts[64]`.
    case byteCounts
    /// 2.30 to 2.41: `uint16_t counts[64]`.
    case counts
    /// Since 2.42: `uint16_t num_slots[76]`, free places. The last 12 bins hold larger chunks, each of many sizes.
    case slots

    private static let smallBins = 64
    /// Of the largest chunk in the small bins.
    private static let smallLimit = MallocLayout.minimumChunk + 16 * UInt64(smallBins - 1)

    var bins: Int { self == .slots ? 76 : ThreadCacheLayout.smallBins }
    private var counterBytes: Int { self == .byteCounts ? 1 : 2 }
    /// The offset of the heads: addresses of blocks.
    var entries: UInt64 { UInt64(bins * counterBytes) }
    /// Of the structure; what lies behind it in its block is nobody's.
    var bytes: UInt64 { entries + UInt64(bins) * 8 }
    /// Usable bytes of the block that malloc may make for it. A free chunk that is 16 bytes larger is handed out whole, since
    /// the rest would be no chunk; and 2.43 adds the header twice where the first call of a thread is no malloc (`tcache_init`).
    var usable: [UInt64] {
        let least = (bytes + 8 + 15) & ~15 - 8
        return self == .slots ? [least, least + 16, least + 32] : [least, least + 16]
    }

    /// Whether arenas of these kinds go with it.
    func occurs(with layouts: [MallocLayout]) -> Bool { self == .slots || layouts.contains(.withFastbins) }

    /// Whether a block of so many usable bytes belongs into the bin.
    func holds(_ usable: UInt64, in bin: Int) -> Bool {
        let size = usable &+ 8
        if bin < ThreadCacheLayout.smallBins { return size == MallocLayout.minimumChunk + UInt64(bin) * 16 }
        // A bin for each number of significant bits: 1,041 to 2,047 bytes, 2,048 to 4,095, and so on.
        let bits = ThreadCacheLayout.smallLimit.leadingZeroBitCount - size.leadingZeroBitCount
        return size > ThreadCacheLayout.smallLimit && bin == ThreadCacheLayout.smallBins + bits
    }

    /// How many chunks each bin holds by its counter.
    func counts(_ words: [UInt64]) -> [Int] {
        let bits = counterBytes * 8
        let counters = (0..<bins).map { bin in
            Int(words[bin * bits / 64] >> UInt64(bin * bits % 64) & (1 << UInt64(bits) - 1))
        }
        guard self == .slots else { return counters }
        // An empty bin has as many places as the tunable says: the most of all.
        let places = counters.max() ?? 0
        return counters.map { places - $0 }
    }
}

/// A cache that holds at least one chunk.
struct ThreadCache {
    let address: UInt64
    let layout: ThreadCacheLayout
    /// What all its first chunks carry behind their link (`tcache_entry.key`): since 2.34 a random number of the process,
    /// since 2.29 the cache's address; before, and where they differ, nil.
    let key: UInt64?
    /// (bin, address of the first cached block's memory).
    let heads: [(bin: Int, entry: UInt64)]
    fileprivate let counts: [Int]
}

/// Finds every thread's cache by its shape: no look at thread-local storage is needed.
struct ThreadCacheFinder {
    let reader: any MemoryReader
    let builder: BlockIndexBuilder
    /// Starts of the blocks with a mapping of their own.
    let mapped: Set<UInt64>

    func caches(_ layouts: [ThreadCacheLayout]) -> [ThreadCache] {
        let sizes = layouts.flatMap { layout in layout.usable.map { ($0, layout) } }
        let found = builder.blocks(usable: sizes.map(\.0)).compactMap { block in
            sizes.first { $0.0 == block.usable }.flatMap { cache(at: block.start, $0.1) }
        }
        // A program's own structure that happens to look like a cache does not have the key.
        let own = found.filter { $0.key == $0.address }
        if !own.isEmpty { return own }
        var votes: [UInt64: Int] = [:]
        for cache in found where cache.layout != .byteCounts {
            if let key = cache.key { votes[key, default: 0] += cache.heads.count }
        }
        if let key = votes.max(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key {
            return found.filter { $0.key == key }
        }
        return found.filter { $0.layout == .byteCounts && isComplete($0) }
    }

    /// Nil when the block at `address` cannot be a cache, or is one that holds nothing.
    private func cache(at address: UInt64, _ layout: ThreadCacheLayout) -> ThreadCache? {
        let first = Int(layout.entries / 8)
        guard let words = reader.words(at: address, count: first + layout.bins) else { return nil }
        let counts = layout.counts(words)
        var heads: [(Int, UInt64)] = []
        var keys: Set<UInt64> = []
        var disagreements = 0
        for bin in 0..<layout.bins {
            let entry = words[first + bin]
            // One bin may be between its two writes.
            if (counts[bin] == 0) != (entry == 0) { disagreements += 1 }
            guard disagreements <= 1 else { return nil }
            guard entry != 0 else { continue }
            guard holds(entry, in: bin, layout), let key = reader.word(at: entry &+ 8) else { return nil }
            keys.insert(key)
            heads.append((bin, entry))
        }
        guard !heads.isEmpty else { return nil }
        let key = keys.count == 1 ? keys.first.flatMap { $0 == 0 ? nil : $0 } : nil
        guard key != nil || layout == .byteCounts else { return nil }
        return ThreadCache(address: address, layout: layout, key: key, heads: heads, counts: counts)
    }

    /// Whether the lists are as long as the counters say, but for one that may be between its two writes. (Releases without
    /// a key have plain links.)
    private func isComplete(_ cache: ThreadCache) -> Bool {
        var lengths = [Int](repeating: 0, count: cache.counts.count)
        for (bin, head) in cache.heads {
            var entry = head
            while entry != 0, lengths[bin] <= cache.counts[bin] {
                guard holds(entry, in: bin, cache.layout), let next = reader.word(at: entry) else { return false }
                lengths[bin] += 1
                entry = next
            }
        }
        return zip(lengths, cache.counts).count { $0 != $1 } <= 1
    }

    private func holds(_ entry: UInt64, in bin: Int, _ layout: ThreadCacheLayout) -> Bool {
        if let block = builder.block(at: entry) { return layout.holds(block.usable, in: bin) }
        return layout == .slots && mapped.contains(entry)
    }
}
