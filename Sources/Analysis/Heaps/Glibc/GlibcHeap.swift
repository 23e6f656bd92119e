import Model

/// Reads every live block out of glibc's heap: arenas, their pieces, the chunks in them, less what the caches hold.
struct GlibcHeap {
    let image: MemoryImage

    /// Why the heap could not be read at all.
    enum Refusal: Error, Hashable {
        /// No arena that is in use.
        case noArena
        /// More heap than the index can number.
        case tooLarge(UInt64)
    }

    /// - Parameter keepsLayout: also note what is free and where (`HeapScan.layout`).
    func scan(keepsLayout: Bool = false) -> Result<HeapScan, Refusal> {
        let rings = ArenaFinder(image: image).rings()
        guard !rings.isEmpty else { return .failure(.noArena) }

        var pieces: [HeapPiece] = []
        var torn: [HeapScan.TornPart] = []
        for ring in rings {
            let linked = HeapPieceFinder(image: image, ring: ring).linkedPieces()
            pieces += linked.pieces
            torn += linked.torn
        }
        pieces += HeapPieceFinder.breakPieces(of: rings.map { $0.arenas[0] }, in: image)
        let mapped = MappedChunkFinder(image: image, rings: rings).search(unclaimedAnonymousMemory(pieces))
        pieces += mapped.pieces
        pieces = withoutOverlaps(pieces, &torn)

        let size = pieces.reduce(0) { $0 + $1.range.count }
        guard size <= BlockIndexBuilder.denseLimitBytes else { return .failure(.tooLarge(size)) }

        let builder = BlockIndexBuilder(ranges: pieces.map(\.range))
        let plain = PlainPages(ranges: pieces.map(\.range))
        var managed: [AddressRange] = mapped.chunks.map(\.extent)
        var freeBytes: UInt64 = 0
        var intact: [(piece: HeapPiece, foreign: [AddressRange])] = []
        for piece in pieces {
            let before = builder.smallCount
            let result = PieceWalk(image: image, builder: builder, plain: plain).walk(piece)
            if let reason = result.torn {
                builder.truncate(to: before)
                torn.append(.init(range: piece.range, reason: reason))
            } else {
                freeBytes += result.freeBytes
                managed += [piece.reserved].subtracting(result.foreign)
                intact.append((piece, result.foreign))
            }
        }

        builder.seal()
        let noted = keepsLayout ? CachedChunks() : nil
        let caches = FreeCaches(image: image, builder: builder, mapped: mapped.chunks, rings: rings, noted: noted)
        if let reason = caches.removeFastbins() { torn.append(reason) }
        let cachedMappings = caches.removeThreadCaches()
        freeBytes += builder.removedBlocks.bytes
        for chunk in mapped.chunks {
            if cachedMappings.contains(chunk.start) {
                freeBytes += chunk.extent.count
            } else {
                builder.addLarge(start: chunk.start, usable: chunk.usable, extent: chunk.extent)
            }
        }

        if let reason = checkMapped(mapped.chunks, rings[0]) { torn.append(reason) }
        let index = builder.finish()
        let layout = noted.map { noted in
            HeapLayoutFinder(image: image, index: index, cached: noted).layout(of: rings, intact: intact, torn: torn)
        }
        return .success(
            HeapScan(
                index: index, managed: managed.merged(),
                structures: rings.map { $0.arenas[0].range }.merged(),
                arenas: rings.reduce(0) { $0 + $1.arenas.count }, freeBytes: freeBytes, torn: torn, home: rings[0].home,
                version: LibcVersion(image: image).find(in: rings[0].home), layout: layout, plain: plain,
                tables: caches.tables))
    }

    private func unclaimedAnonymousMemory(_ pieces: [HeapPiece]) -> [AddressRange] {
        image.mappings
            .filter { $0.isAnonymous && !$0.isHeap && !$0.isMainStack && $0.permissions.contains([.read, .write]) }
            .map(\.range).merged().subtracting(pieces.map(\.reserved).merged())
    }

    /// Ascending, and without those that lie in another one: only damaged structures could claim memory twice.
    private func withoutOverlaps(_ pieces: [HeapPiece], _ torn: inout [HeapScan.TornPart]) -> [HeapPiece] {
        var result: [HeapPiece] = []
        for piece in pieces.sorted(by: { $0.range.lower < $1.range.lower }) {
            if let last = result.last, last.range.upper > piece.range.lower {
                torn.append(
                    .init(range: piece.range, reason: "two arenas claim the memory at \(Address(piece.range.lower))"))
            } else {
                result.append(piece)
            }
        }
        return result
    }

    /// The allocator counts its mapped chunks (`mp_.n_mmaps`, `mp_.mmapped_mem`): what was found must agree.
    private func checkMapped(_ chunks: [BlockIndex.Large], _ ring: ArenaFinder.Ring) -> HeapScan.TornPart? {
        guard let counters = MappedCounters(image: image, near: ring) else { return nil }
        let bytes = chunks.reduce(0) { $0 + $1.extent.count }
        guard bytes != counters.bytes || UInt64(chunks.count) != counters.count else { return nil }
        func exact(_ count: UInt64) -> String { Units.grouped(Int(clamping: count)) }
        return .init(
            range: AddressRange(0, 0),
            reason: "found \(Units.counted(chunks.count, "block")) of own mapping with \(exact(bytes)) bytes; "
                + "the allocator counts \(exact(counters.count)) with \(exact(counters.bytes))")
    }
}

/// Walks one piece to its end and says whether it hangs together.
struct PieceWalk {
    let image: MemoryImage
    let builder: BlockIndexBuilder
    let plain: PlainPages

    struct Result {
        var freeBytes: UInt64 = 0
        /// Parts of the piece that are not the allocator's: the program moved the break itself. They are roots.
        var foreign: [AddressRange] = []
        /// Why the piece cannot be used; nil when it hangs together.
        var torn: String?
    }

    func walk(_ piece: HeapPiece) -> Result {
        let window = WindowReader(image.reader, through: piece.range) { [plain] in plain.note($0, at: $1) }
        let walk = ChunkWalk(window: window, builder: builder)
        let limit = piece.range.upper
        var result = Result()
        var chunk = piece.firstChunk
        if piece.kind == .breakArea, !looksLikeChunk(chunk, walk.window) {
            // The program used the break before malloc did.
            guard let first = resume(at: chunk, piece, walk) else { return tornResult(piece, at: chunk) }
            result.foreign.append(AddressRange(chunk, first))
            chunk = first
        }
        while true {
            let part = walk.walk(from: chunk, top: piece.arena.top, limit: limit)
            result.freeBytes += part.freeBytes
            switch part.end {
            case .top(let address, let size):
                result.freeBytes += size
                // Behind the top there is nothing of the arena: the rest of the last page, or memory not the allocator's.
                if piece.kind == .breakArea, address + size < limit {
                    result.foreign.append(AddressRange(address + size, limit))
                }
                return result
            case .fencepost(let behind):
                switch piece.kind {
                case .threadHeap:
                    return behind == limit ? result : tornResult(piece, at: behind)
                case .mappedMain:
                    return result
                case .breakArea:
                    if let next = resume(at: behind, piece, walk) {
                        result.foreign.append(AddressRange(behind, next))
                        chunk = next
                    } else if piece.range.contains(piece.arena.top) {
                        return tornResult(piece, at: behind)
                    } else {
                        result.foreign.append(AddressRange(behind, limit))
                        return result
                    }
                }
            case .limit:
                return tornResult(piece, at: limit)
            case .broken(let address):
                return tornResult(piece, at: address)
            }
        }
    }

    private func tornResult(_ piece: HeapPiece, at address: UInt64) -> Result {
        Result(torn: "the chunk at \(Address(address)) in the heap at \(Address(piece.range.lower)) makes no sense")
    }

    private func looksLikeChunk(_ chunk: UInt64, _ window: WindowReader) -> Bool {
        guard let header = window.word(at: chunk + 8) else { return false }
        let size = header & ~MallocLayout.flagBits
        return size >= MallocLayout.minimumChunk && size & 15 == 0 && header & MallocLayout.previousInUse != 0
    }

    /// The first address from `start` on, in steps of 16 bytes, from which a chain of chunks leads to the top or to a
    /// fencepost. The number of steps is bounded by a few times the chunks that the piece could hold.
    private func resume(at start: UInt64, _ piece: HeapPiece, _ walk: ChunkWalk) -> UInt64? {
        var trial = walk
        trial.builder = nil
        var budget = Int(piece.range.count / 8) + 4096
        var chunk = (start + 15) & ~15
        while chunk + MallocLayout.minimumChunk <= piece.range.upper, budget > 0 {
            if chunk == piece.arena.top { return chunk }
            if looksLikeChunk(chunk, walk.window) {
                let result = trial.walk(from: chunk, top: piece.arena.top, limit: piece.range.upper)
                budget -= result.steps
                switch result.end {
                case .top: return chunk
                case .fencepost where result.steps > 0: return chunk
                default: break
                }
            }
            budget -= 1
            chunk += 16
        }
        return nil
    }
}
