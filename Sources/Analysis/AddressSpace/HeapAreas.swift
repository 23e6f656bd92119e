import Model

/// Finds what is glibc malloc's, while the program runs on: only what hangs together at the moment of reading is claimed.
struct HeapAreas {
    let facts: AddressSpaceFacts
    /// Ascending, merged: what is known to be something else.
    let taken: [AddressRange]

    struct Found {
        var claims: [RegionClaims.Claim] = []
        var gaps: [Gap] = []
    }

    func find() -> Found {
        guard let reader = facts.reader else { return Found() }
        let plain = MemoryImage(
            process: facts.process, mappings: facts.mappings.map(\.mapping), threads: [], reader: reader)
        let rings = ArenaFinder(image: plain).rings()
        guard !rings.isEmpty else { return Found() }
        let main = rings.map { $0.arenas[0] }
        let image = plain.namingBreak(of: main)

        var pieces = HeapPieceFinder.breakPieces(of: main, in: image)
        var found = Found()
        for ring in rings {
            let linked = HeapPieceFinder(image: image, ring: ring).linkedPieces()
            pieces += linked.pieces
            for part in linked.torn {
                found.gaps.append(Gap(what: "the heaps of one thread arena", reason: part.reason, remedy: "look again"))
            }
        }
        let mapped = mappedChunks(image, rings, pieces)
        for piece in pieces + mapped.pieces {
            found.claims.append(claim(piece.reserved, piece.kind == .threadHeap ? .threadArena : .mainHeap))
        }
        found.claims += mapped.chunks.map { claim($0.extent, .mappedBlock) }
        return found
    }

    private func claim(_ range: AddressRange, _ kind: Region.Kind) -> RegionClaims.Claim {
        RegionClaims.Claim(range: range, kind: kind, module: nil, thread: nil)
    }

    /// Blocks with a mapping of their own. The allocator counts them, so the search ends when all are found: other memory,
    /// which may be gigabytes, is then not read.
    private func mappedChunks(
        _ image: MemoryImage, _ rings: [ArenaFinder.Ring], _ pieces: [HeapPiece]
    ) -> MappedChunkFinder.Found {
        let finder = MappedChunkFinder(image: image, rings: rings)
        let isWhole = rings.count == 1 && finder.holedArenas.isEmpty
        let counters = isWhole ? MappedCounters(image: image, near: rings[0]) : nil
        let areas = image.mappings
            .filter { $0.isAnonymous && !$0.isHeap && !$0.isMainStack && $0.permissions.contains([.read, .write]) }
            .map(\.range).merged().subtracting((pieces.map(\.reserved) + taken).merged())
        var found = MappedChunkFinder.Found()
        for area in areas.sorted(by: { $0.count < $1.count }) {
            if let counters, UInt64(found.chunks.count) >= counters.count { break }
            let part = finder.search([area])
            found.chunks += part.chunks
            found.pieces += part.pieces
        }
        return found
    }
}
