import Model

/// What `malloc_trim(0)` would give back: the resident part of what it hands to madvise and to brk (glibc 2.36 malloc.c, mtrim
/// and systrim).
///
/// In every arena it melts the fastbins' chunks with their free neighbours, and gives back the whole pages inside each free
/// chunk behind its first 48 bytes. Of the main arena it also lowers the program break, down to a rest of the top chunk
/// of at most a page. Threads' caches, and the tops of other arenas, it leaves alone.
struct TrimForecast {
    let layout: HeapLayout
    let pages: [AddressRange]

    private static let pageSize: UInt64 = 4096
    /// sizeof(struct malloc_chunk).
    private static let chunkHead: UInt64 = 48

    func bytes() -> UInt64 { ResidentCursor.bytes(of: ranges(), in: pages) }

    /// Ascending, without overlaps.
    func ranges() -> [AddressRange] {
        var ranges: [AddressRange] = []
        for piece in layout.pieces {
            var run: AddressRange?
            for number in piece.free {
                let chunk = layout.free[number]
                switch chunk.kind {
                case .bin, .fastbin:
                    if let open = run, open.upper == chunk.address {
                        run = AddressRange(open.lower, chunk.end)
                    } else {
                        if let open = run { ranges.append(TrimForecast.inside(open)) }
                        run = AddressRange(chunk.address, chunk.end)
                    }
                case .top:
                    // What touches the top melts with it.
                    var top = AddressRange(chunk.address, chunk.end)
                    if let open = run, open.upper == top.lower {
                        top = AddressRange(open.lower, top.upper)
                        run = nil
                    }
                    if let open = run { ranges.append(TrimForecast.inside(open)) }
                    run = nil
                    ranges.append(belowBreak(top, piece))
                case .threadCache, .fencepost: break
                }
            }
            if let open = run { ranges.append(TrimForecast.inside(open)) }
        }
        return ranges.filter { !$0.isEmpty }
    }

    /// The whole pages of a free chunk behind its head.
    private static func inside(_ chunk: AddressRange) -> AddressRange {
        guard chunk.count > pageSize - 1 + chunkHead else { return AddressRange(0, 0) }
        return AddressRange((chunk.lower + chunkHead + pageSize - 1) & ~(pageSize - 1), chunk.upper & ~(pageSize - 1))
    }

    private func belowBreak(_ top: AddressRange, _ piece: HeapLayout.Piece) -> AddressRange {
        let arena = layout.arenas[piece.arena]
        // It lowers the break only where the break is where malloc left it.
        let atBreak = (top.upper + TrimForecast.pageSize - 1) & ~(TrimForecast.pageSize - 1) == piece.range.upper
        guard arena.isMain, piece.isBreakArea, atBreak, top.count > MallocLayout.minimumChunk + 1 else {
            return AddressRange(0, 0)
        }
        let extra = (top.count - MallocLayout.minimumChunk - 1) & ~(TrimForecast.pageSize - 1)
        let lowered = (top.upper - extra + TrimForecast.pageSize - 1) & ~(TrimForecast.pageSize - 1)
        return AddressRange(lowered, top.upper)
    }
}
