import Model

/// How glibc has cut up its memory: the arenas, their pieces, and what is free in them. Only the accounting of memory asks for
/// it; what is in use stands in the `BlockIndex`.
struct HeapLayout: Sendable {
    struct Arena: Sendable {
        let address: UInt64
        /// The arena of a libc's data, which grows by the program break.
        let isMain: Bool
        /// Threads that allocate from it; 0 when all that did have ended.
        let attachedThreads: UInt64
    }

    /// A piece that hangs together.
    struct Piece: Sendable {
        let range: AddressRange
        /// Index in `arenas`.
        let arena: Int
        /// It ends at the program break, which malloc_trim can move down.
        let isBreakArea: Bool
        /// Parts that are not the allocator's, ascending.
        let foreign: [AddressRange]
        /// The blocks in use, by number.
        let blocks: Range<Int>
        /// Its part of `free`.
        let free: Range<Int>
    }

    let arenas: [Arena]
    /// Ascending.
    let pieces: [Piece]
    /// Pieces that do not hang together, ascending, merged.
    let torn: [AddressRange]
    /// Ascending.
    let free: GrowingBuffer<FreeChunk>
}

/// A chunk that is not in use.
struct FreeChunk: BitwiseCopyable {
    enum Kind: UInt64 {
        /// Linked in the unsorted, a small or a large bin, and never beside another of that kind.
        case bin
        case fastbin
        /// In a thread's cache (tcache).
        case threadCache
        /// The rest of the arena behind its last chunk.
        case top
        /// No memory to hand out: glibc's mark for an end.
        case fencepost
    }

    /// Of the chunk: its memory starts 16 bytes further on.
    let address: UInt64
    /// Sizes are multiples of 16.
    private let sizeAndKind: UInt64

    init(address: UInt64, size: UInt64, kind: Kind) {
        self.address = address
        sizeAndKind = size & ~15 | kind.rawValue
    }

    /// Bytes, header included.
    var size: UInt64 { sizeAndKind & ~15 }
    var kind: Kind { Kind(rawValue: sizeAndKind & 15) ?? .bin }
    var end: UInt64 { address &+ size }
}

/// Finds the free chunks: what lies between the blocks in use. Reads no more than their headers.
struct HeapLayoutFinder {
    let image: MemoryImage
    let index: BlockIndex
    let cached: CachedChunks

    /// - Parameter intact: pieces that were walked to their ends, ascending, and what in them is not the allocator's.
    func layout(
        of rings: [ArenaFinder.Ring], intact: [(piece: HeapPiece, foreign: [AddressRange])], torn: [HeapScan.TornPart]
    ) -> HeapLayout {
        let arenas = rings.flatMap { ring in
            ring.arenas.enumerated().map { number, arena in
                HeapLayout.Arena(
                    address: arena.address, isMain: number == 0, attachedThreads: arena.attachedThreads)
            }
        }
        let numbers = Dictionary(arenas.enumerated().map { ($1.address, $0) }) { one, _ in one }
        let walk = GapWalk(window: WindowReader(image.reader, windowBytes: 1 << 16), cached: cached)
        let pieces = intact.map { piece, foreign in
            let blocks = index.smallBlocks(in: piece.range)
            let first = walk.free.count
            walk.enter(piece, foreign)
            index.forEach(in: blocks) { _, start, usable in
                walk.walk(to: start - MallocLayout.header)
                walk.skip(to: start + usable - 8)
            }
            walk.walk(to: piece.range.upper)
            return HeapLayout.Piece(
                range: piece.range, arena: numbers[piece.arena.address] ?? 0, isBreakArea: piece.kind == .breakArea,
                foreign: foreign, blocks: blocks, free: first..<walk.free.count)
        }
        return HeapLayout(
            arenas: arenas, pieces: pieces, torn: torn.map(\.range).merged(), free: walk.free)
    }
}

/// Goes from header to header through what lies between blocks in use.
private final class GapWalk {
    let free = GrowingBuffer<FreeChunk>()
    private let window: WindowReader
    /// Ascending, and how many of each lie behind.
    private let fastbins: [UInt64]
    private let threadCaches: [UInt64]
    private var fastbinsPassed = 0
    private var threadCachesPassed = 0
    private var position: UInt64 = 0
    private var top: UInt64 = 0
    private var limit: UInt64 = 0
    private var foreign: [AddressRange] = []

    init(window: WindowReader, cached: CachedChunks) {
        self.window = window
        fastbins = cached.fastbins.elements.sorted()
        threadCaches = cached.threadCaches.elements.sorted()
    }

    func enter(_ piece: HeapPiece, _ foreign: [AddressRange]) {
        position = piece.firstChunk
        top = piece.arena.top
        limit = piece.range.upper
        self.foreign = foreign
    }

    /// Passes over a block in use.
    @inline(__always)
    func skip(to address: UInt64) { position = address }

    /// Takes the chunks up to `end` for free. What makes no sense ends the gap: its bytes then count as bookkeeping, and the
    /// piece was walked before, so that this happens only where memory changed since.
    @inline(__always)
    func walk(to end: UInt64) { if position < end { walkGap(to: end) } }

    private func walkGap(to end: UInt64) {
        while position < end {
            if let skipped = foreign.first(where: { $0.contains(position) }) {
                position = skipped.upper
                continue
            }
            guard let size = size(at: position), size >= 16, size <= limit - position else { break }
            if position == top {
                add(size, .top)
                return
            }
            if size == 16 {
                add(32, .fencepost)
                continue
            }
            if size == 32, self.size(at: position + size) == 0 {
                add(size + 16, .fencepost)
                continue
            }
            add(size, kind())
        }
        position = max(position, end)
    }

    private func size(at chunk: UInt64) -> UInt64? {
        window.word(at: chunk &+ 8).map { $0 & ~MallocLayout.flagBits & ~8 }
    }

    private func add(_ size: UInt64, _ kind: FreeChunk.Kind) {
        free.append(FreeChunk(address: position, size: size, kind: kind))
        position += size
    }

    /// Of the chunk at the current position.
    private func kind() -> FreeChunk.Kind {
        if pass(fastbins, &fastbinsPassed) { return .fastbin }
        return pass(threadCaches, &threadCachesPassed) ? .threadCache : .bin
    }

    private func pass(_ chunks: [UInt64], _ passed: inout Int) -> Bool {
        while passed < chunks.count, chunks[passed] < position { passed += 1 }
        return passed < chunks.count && chunks[passed] == position
    }
}
