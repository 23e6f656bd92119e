import Model

/// One contiguous run of memory that an arena took from the kernel and cut into chunks.
struct HeapPiece {
    enum Kind {
        /// The program break's area: chunks up to `top`, with holes where the program itself moved the break.
        case breakArea
        /// A 64 MiB aligned heap of a thread arena.
        case threadHeap
        /// Memory that the main arena mapped after the break could not grow.
        case mappedMain
    }

    let kind: Kind
    /// The memory in use by the arena, page aligned.
    let range: AddressRange
    /// What is the allocator's even where nothing was handed out yet (a thread heap's whole 64 MiB).
    let reserved: AddressRange
    let firstChunk: UInt64
    let arena: Arena
}

/// Finds the pieces of every arena, and the chunks that have a mapping of their own.
struct HeapPieceFinder {
    let image: MemoryImage
    let ring: ArenaFinder.Ring

    /// A bound on the heaps of one arena: 47 bits of address space hold no more.
    private static let heapLimit = 1 << 21

    /// The pieces that can be found by following pointers; `torn` tells of arenas whose list of heaps makes no sense.
    func linkedPieces() -> (pieces: [HeapPiece], torn: [HeapScan.TornPart]) {
        var pieces: [HeapPiece] = []
        var torn: [HeapScan.TornPart] = []
        for arena in ring.arenas.dropFirst() where arena.systemMemory != 0 {
            if let heaps = heaps(of: arena) {
                pieces += heaps
            } else {
                let base = arena.address & ~(MallocLayout.heapMaximum - 1)
                torn.append(
                    .init(
                        range: AddressRange(base, base + MallocLayout.heapMaximum),
                        reason: "the list of heaps of the arena at \(Address(arena.address)) does not hang together"))
            }
        }
        return (pieces, torn)
    }

    /// The area below the program break, and the main arena that it belongs to: the one whose top lies in it, or one that
    /// had to leave it because the break could not grow. (A second C library in the process never uses the break.)
    static func breakPieces(of arenas: [Arena], in image: MemoryImage) -> [HeapPiece] {
        // Neighbours are joined: flags set on a part of the area split the kernel's listing.
        let areas = image.mappings.filter { $0.isHeap && $0.permissions.contains(.read) }.map(\.range).merged()
        return areas.compactMap { area in
            guard
                let arena = arenas.first(where: { area.contains($0.top) }) ?? arenas.first(where: { !$0.isContiguous })
            else { return nil }
            return HeapPiece(kind: .breakArea, range: area, reserved: area, firstChunk: area.lower, arena: arena)
        }
    }

    /// The heaps of a thread arena, newest to oldest along `prev` (glibc arena.c, `heap_info`).
    private func heaps(of arena: Arena) -> [HeapPiece]? {
        let alignment = MallocLayout.heapMaximum
        let oldest = arena.address & ~(alignment - 1)
        var pieces: [HeapPiece] = []
        var heap = arena.top & ~(alignment - 1)
        while true {
            guard pieces.count < HeapPieceFinder.heapLimit, let words = image.reader.words(at: heap, count: 3),
                words[0] == arena.address
            else { return nil }
            let size = words[2]
            guard size >= 4096, size <= alignment, size & 4095 == 0 else { return nil }
            let first: UInt64
            if heap == oldest {
                first = (arena.range.upper + 15) & ~15
            } else {
                // sizeof(heap_info) is what lies between the oldest heap's start and its arena: 0x30 here, 0x20 before 2.35.
                first = heap + (arena.address - oldest)
            }
            pieces.append(
                HeapPiece(
                    kind: .threadHeap, range: AddressRange(heap, heap + size),
                    reserved: AddressRange(heap, heap + alignment), firstChunk: first, arena: arena))
            if heap == oldest { return pieces }
            heap = words[1]
            guard heap != 0, heap & (alignment - 1) == 0, !pieces.contains(where: { $0.range.lower == heap }) else {
                return nil
            }
        }
    }
}

/// Looks through anonymous memory, page by page, for what no pointer leads to: chunks of own mapping, and memory that the
/// main arena mapped when the break could not grow.
struct MappedChunkFinder {
    let image: MemoryImage
    /// Main arenas whose memory has holes, with their tops.
    let holedArenas: [Arena]
    /// Of the C libraries in the process: one, but where another was loaded beside it.
    private let layouts: [MallocLayout]

    init(image: MemoryImage, rings: [ArenaFinder.Ring]) {
        self.image = image
        holedArenas = rings.map { $0.arenas[0] }.filter { !$0.isContiguous }
        layouts = MallocLayout.allCases.filter { layout in rings.contains { $0.layout == layout } }
    }

    struct Found {
        var chunks: [BlockIndex.Large] = []
        var pieces: [HeapPiece] = []
    }

    /// `areas`: anonymous readable and writable private memory that is no piece already, ascending, page aligned.
    func search(_ areas: [AddressRange]) -> Found {
        var found = Found()
        let window = WindowReader(image.reader)
        let walk = ChunkWalk(window: WindowReader(image.reader), builder: nil)
        for area in areas {
            var next = area.lower
            for part in image.reader.populated(in: area) {
                var page = max(part.lower & ~4095, next)
                while page < part.upper {
                    next = page + 4096
                    if let first = window.word(at: page), let second = window.word(at: page + 8) {
                        if let chunk = mappedChunk(at: page, first, second, limit: area.upper, window) {
                            found.chunks.append(chunk)
                            next = chunk.extent.upper
                        } else if let piece = mainPiece(at: page, second, limit: area.upper, walk) {
                            found.pieces.append(piece)
                            next = piece.range.upper
                        }
                    }
                    page = next
                }
            }
        }
        return found
    }

    private func mappedChunk(
        at page: UInt64, _ first: UInt64, _ second: UInt64, limit: UInt64, _ window: WindowReader
    ) -> BlockIndex.Large? {
        guard first & ~MallocLayout.hugeMapping == 0, second & MallocLayout.flagBits == MallocLayout.isMapped,
            second < MallocLayout.plausibleMemory
        else { return nil }
        for layout in layouts {
            let size = second & ~MallocLayout.flagBits + layout.uncountedMapping
            guard size >= 4096, size & 4095 == 0 else { continue }
            if let aligned = alignedChunk(at: page, size: size, layout, limit: limit, window) { return aligned }
            guard size <= limit - page else { continue }
            return .init(start: page + 16, usable: size - 16, extent: AddressRange(page, page + size))
        }
        return nil
    }

    /// memalign moves the start: the old header stays, and the block has a second header whose first word says how far
    /// it was moved and whose second says how much is left. Only the second is kept true when realloc resizes the
    /// mapping (glibc 2.36 malloc.c, mremap_chunk), so both sizes need only end at a page.
    private func alignedChunk(
        at page: UInt64, size: UInt64, _ layout: MallocLayout, limit: UInt64, _ window: WindowReader
    ) -> BlockIndex.Large? {
        var alignment: UInt64 = 32
        while alignment < min(size, limit - page) {
            let inside = page & (alignment - 1)
            let distance = inside == 0 ? alignment : alignment - inside
            alignment <<= 1
            guard distance >= 32, distance < limit - page else { continue }
            let lead = distance - 16
            guard let before = window.word(at: page + lead), before & ~MallocLayout.hugeMapping == lead,
                let header = window.word(at: page + lead + 8),
                header & MallocLayout.flagBits == MallocLayout.isMapped, header < MallocLayout.plausibleMemory
            else { continue }
            let whole = lead + header & ~MallocLayout.flagBits + layout.uncountedMapping
            guard whole & 4095 == 0, whole > distance, whole <= limit - page else { continue }
            let extent = AddressRange(page, page + whole)
            return .init(start: page + distance, usable: extent.upper - page - distance, extent: extent)
        }
        return nil
    }

    private func mainPiece(at page: UInt64, _ second: UInt64, limit: UInt64, _ walk: ChunkWalk) -> HeapPiece? {
        guard !holedArenas.isEmpty, second & MallocLayout.flagBits == MallocLayout.previousInUse,
            second & ~MallocLayout.flagBits >= MallocLayout.minimumChunk
        else { return nil }
        for arena in holedArenas {
            let end: UInt64
            switch walk.walk(from: page, top: arena.top, limit: limit).end {
            case .top(let address, let size): end = address + size
            case .fencepost(let behind): end = behind
            case .limit, .broken: continue
            }
            let range = AddressRange(page, min((end + 4095) & ~4095, limit))
            return HeapPiece(kind: .mappedMain, range: range, reserved: range, firstChunk: page, arena: arena)
        }
        return nil
    }
}
