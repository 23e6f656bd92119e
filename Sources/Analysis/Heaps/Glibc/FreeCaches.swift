import Model

/// Takes away the chunks that are free but look in use: those in fastbins and in the threads' caches keep their
/// neighbour's PREV_INUSE bit set.
struct FreeCaches {
    let image: MemoryImage
    /// Sealed.
    let builder: BlockIndexBuilder
    /// Starts of the blocks with a mapping of their own.
    let mapped: Set<UInt64>
    let arenas: [Arena]
    /// Where to note what is taken away; nil where nobody asks.
    let noted: CachedChunks?
    private let caches: [ThreadCache]
    private let link: FreeListLink

    init(
        image: MemoryImage, builder: BlockIndexBuilder, mapped: [BlockIndex.Large], rings: [ArenaFinder.Ring],
        noted: CachedChunks?
    ) {
        self.image = image
        self.builder = builder
        self.mapped = Set(mapped.map(\.start))
        self.noted = noted
        arenas = rings.flatMap(\.arenas)
        let finder = ThreadCacheFinder(reader: image.reader, builder: builder, mapped: self.mapped)
        caches = finder.caches(ThreadCacheLayout.allCases.filter { $0.occurs(with: rings.map(\.layout)) })
        let heads = caches.flatMap { $0.heads.map(\.entry) }
        let fastbins = arenas.flatMap(\.fastbins).filter { $0 != 0 }
        link = FreeListLink.of(entries: heads, chunks: fastbins, reader: image.reader, builder: builder)
    }

    /// How many bytes of the blocks in which the caches lie are theirs, by the blocks' starts.
    var tables: BlockTables {
        BlockTables(bytes: Dictionary(caches.map { ($0.address, $0.layout.bytes) }) { one, _ in one })
    }

    /// Follows the fastbin lists of all arenas. Says why when a list leads to something that is no chunk of its size:
    /// then the snapshot caught the allocator in between. The other lists are followed all the same.
    func removeFastbins() -> HeapScan.TornPart? {
        let window = WindowReader(image.reader, windowBytes: 4096)
        var broken: HeapScan.TornPart?
        for arena in arenas {
            for (bin, head) in arena.fastbins.enumerated() {
                let usable = MallocLayout.minimumChunk + UInt64(bin) * 16 - 8
                var chunk = head
                while chunk != 0 {
                    let position = chunk &+ MallocLayout.header
                    guard let block = builder.block(at: position), block.usable == usable,
                        builder.remove(block.number), let stored = window.word(at: position)
                    else {
                        broken = .init(
                            range: AddressRange(0, 0),
                            reason: "a fastbin of the arena at \(Address(arena.address)) leads to \(Address(chunk)), "
                                + "which is no free chunk")
                        break
                    }
                    noted?.fastbins.append(chunk)
                    chunk = link.target(stored, at: position)
                }
            }
        }
        return broken
    }

    /// Takes the chunks of every thread's cache away. Returns the starts of those that have a mapping of their own, which are
    /// not in the builder.
    func removeThreadCaches() -> Set<UInt64> {
        var mappings: Set<UInt64> = []
        let window = WindowReader(image.reader, windowBytes: 4096)
        for cache in caches {
            for (bin, head) in cache.heads {
                var entry = head
                // Trusts the links and not the counts: a thread may have been stopped between writing the two.
                while entry != 0 {
                    if let block = builder.block(at: entry) {
                        guard cache.layout.holds(block.usable, in: bin), builder.remove(block.number) else { break }
                        noted?.threadCaches.append(entry - MallocLayout.header)
                    } else {
                        guard mapped.contains(entry), mappings.insert(entry).inserted else { break }
                    }
                    guard let stored = window.word(at: entry) else { break }
                    entry = link.target(stored, at: entry)
                }
            }
        }
        return mappings
    }
}

/// The chunks that `FreeCaches` took away, by their addresses, in no order.
final class CachedChunks {
    let fastbins = GrowingBuffer<UInt64>()
    let threadCaches = GrowingBuffer<UInt64>()
}

/// How the chunks of a fastbin or of a thread's cache lead to the next.
enum FreeListLink {
    /// By its address: before glibc 2.32.
    case plain
    /// By its address XORed with that of the link, shifted by a page (safe-linking).
    case protected

    @inline(__always)
    func target(_ stored: UInt64, at position: UInt64) -> UInt64 {
        self == .plain ? stored : stored ^ (position >> 12)
    }

    /// The way of this process: under the other, its first links lead nowhere.
    /// - Parameters:
    ///   - entries: first blocks of caches; links name blocks.
    ///   - chunks: first chunks of fastbins; links name chunks.
    static func of(
        entries: [UInt64], chunks: [UInt64], reader: any MemoryReader, builder: BlockIndexBuilder
    ) -> FreeListLink {
        var plain = 0
        var protected = 0
        func weigh(_ position: UInt64, _ header: UInt64) {
            guard let stored = reader.word(at: position) else { return }
            func leads(_ link: FreeListLink) -> Bool {
                let target = link.target(stored, at: position)
                return target == 0 || builder.block(at: target &+ header) != nil
            }
            plain += leads(.plain) ? 1 : 0
            protected += leads(.protected) ? 1 : 0
        }
        for entry in entries { weigh(entry, 0) }
        for chunk in chunks { weigh(chunk &+ MallocLayout.header, MallocLayout.header) }
        return plain > protected ? .plain : .protected
    }
}
