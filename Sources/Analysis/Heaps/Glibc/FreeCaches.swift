import Model

/// Takes away the chunks that are free but look in use: those in fastbins and in the threads' caches keep their
/// neighbour's PREV_INUSE bit set.
struct FreeCaches {
    let image: MemoryImage
    /// Sealed.
    let builder: BlockIndexBuilder
    /// Where to note what is taken away; nil where nobody asks.
    var noted: CachedChunks?

    /// Follows the fastbin lists of all arenas. Says why when a list leads to something that is no chunk of its size:
    /// then the snapshot caught the allocator in between. The other lists are followed all the same.
    func removeFastbins(of arenas: [Arena]) -> HeapScan.TornPart? {
        let window = WindowReader(image.reader, windowBytes: 4096)
        var broken: HeapScan.TornPart?
        for arena in arenas {
            for (bin, head) in arena.fastbins.enumerated() {
                let usable = MallocLayout.minimumChunk + UInt64(bin) * 16 - 8
                var chunk = head
                while chunk != 0 {
                    let link = chunk &+ MallocLayout.header
                    guard let block = builder.block(at: link), block.usable == usable, builder.remove(block.number),
                        let stored = window.word(at: link)
                    else {
                        broken = .init(
                            range: AddressRange(0, 0),
                            reason: "a fastbin of the arena at \(Address(arena.address)) leads to \(Address(chunk)), "
                                + "which is no free chunk")
                        break
                    }
                    noted?.fastbins.append(chunk)
                    chunk = MallocLayout.reveal(stored, at: link)
                }
            }
        }
        return broken
    }

    /// Finds every thread's cache by its shape (no look at thread-local storage is needed) and takes its chunks away.
    func removeThreadCaches() {
        var caches: [ThreadCache] = []
        // A free chunk that is 16 bytes larger is handed out whole, since the rest would be no chunk.
        for size in [MallocLayout.tcacheChunkSize, MallocLayout.tcacheChunkSize + 16] {
            for candidate in builder.blocks(usable: size - 8) {
                if let cache = ThreadCache(at: candidate.start, reader: image.reader, builder: builder) {
                    caches.append(cache)
                }
            }
        }
        // All caches of a process share one random key, which also stands in every chunk they hold: a program's own
        // structure that happens to look like a cache does not have it.
        var votes: [UInt64: Int] = [:]
        for cache in caches { votes[cache.key, default: 0] += cache.heads.count }
        guard let key = votes.max(by: { ($0.value, $0.key) < ($1.value, $1.key) })?.key else { return }
        let window = WindowReader(image.reader, windowBytes: 4096)
        for cache in caches where cache.key == key {
            for (bin, head) in cache.heads {
                var entry = head
                // Trusts the links and not the counts: a thread may have been stopped between writing the two.
                while entry != 0, let block = builder.block(at: entry),
                    block.usable == ThreadCache.usable(ofBin: bin), builder.remove(block.number),
                    let stored = window.word(at: entry)
                {
                    noted?.threadCaches.append(entry - MallocLayout.header)
                    entry = MallocLayout.reveal(stored, at: entry)
                }
            }
        }
    }
}

/// The chunks that `FreeCaches` took away, by their addresses, in no order.
final class CachedChunks {
    let fastbins = GrowingBuffer<UInt64>()
    let threadCaches = GrowingBuffer<UInt64>()
}

/// One `tcache_perthread_struct` that holds at least one chunk.
struct ThreadCache {
    /// `tcache_key` as the first cached chunks carry it.
    let key: UInt64
    /// (bin, address of the first cached block's memory).
    let heads: [(bin: Int, entry: UInt64)]

    static func usable(ofBin bin: Int) -> UInt64 { MallocLayout.minimumChunk + UInt64(bin) * 16 - 8 }

    /// Nil when the block at `address` cannot be a cache, or is one that holds nothing.
    init?(at address: UInt64, reader: any MemoryReader, builder: BlockIndexBuilder) {
        let bins = MallocLayout.tcacheBins
        guard let words = reader.words(at: address, count: Int(MallocLayout.tcacheEntries / 8) + bins) else {
            return nil
        }
        var heads: [(Int, UInt64)] = []
        var keys: Set<UInt64> = []
        var disagreements = 0
        for bin in 0..<bins {
            let count = UInt16(truncatingIfNeeded: words[bin / 4] >> UInt64(bin % 4 * 16))
            let entry = words[Int(MallocLayout.tcacheEntries / 8) + bin]
            // One bin may be between its two writes.
            if (count == 0) != (entry == 0) { disagreements += 1 }
            guard disagreements <= 1 else { return nil }
            guard entry != 0 else { continue }
            guard let block = builder.block(at: entry), block.usable == ThreadCache.usable(ofBin: bin),
                let key = reader.word(at: entry + 8), key != 0
            else { return nil }
            keys.insert(key)
            guard keys.count == 1 else { return nil }
            heads.append((bin, entry))
        }
        guard let key = keys.first else { return nil }
        self.key = key
        self.heads = heads
    }
}
