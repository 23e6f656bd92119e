package import Model

/// Shares the resident pages of a heap out among what lies on them. Pure: the same graph and pages give the same account.
package enum HeapAccounting {
    /// - Parameter pages: what is in memory of the process's private memory, whole pages, ascending, without overlaps.
    /// - Returns: nil where the graph was built without the heap's layout, or the heap could not be read.
    package static func run(_ process: ProcessGraph, resident pages: [AddressRange]) -> HeapAccount? {
        guard let layout = process.layout else { return nil }
        var account = HeapAccount()
        account.arenas = layout.arenas.map {
            ArenaUse(address: $0.address, isMain: $0.isMain, attachedThreads: $0.attachedThreads)
        }
        account.torn = layout.torn
        var meter = HeapMeter(process: process, layout: layout, pages: pages)
        for piece in layout.pieces {
            let bytes = meter.measure(piece)
            account.arenas[piece.arena].resident += bytes
            account.arenas[piece.arena].mappedBytes += piece.range.count
            account.covered += [piece.range].subtracting(piece.foreign)
        }
        account.pinnedBytes = meter.crowd.pinnedBytes
        account.pinning = meter.crowd.pinning
        account.smallPinning = meter.crowd.smallPinning
        account.trimmableBytes = TrimForecast(layout: layout, pages: pages).bytes()
        addMapped(process, pages, to: &account)
        account.covered = account.covered.merged()
        return account
    }

    /// Blocks of own mapping: what is not theirs of their pages is the header, and the lead of an aligned one.
    private static func addMapped(_ process: ProcessGraph, _ pages: [AddressRange], to account: inout HeapAccount) {
        let index = process.index
        let blocks = index.large.enumerated().sorted { $0.element.extent.lower < $1.element.extent.lower }
        var cursor = ResidentCursor(pages)
        for (number, block) in blocks {
            let lead = cursor.bytes(block.extent.lower, block.start)
            let used = cursor.bytes(block.start, block.extent.upper)
            account.mapped.bookkeeping += lead
            if process.isLost(BlockID(index.smallCount + number)) {
                account.mapped.lost += used
            } else {
                account.mapped.live += used
            }
            account.covered.append(block.extent)
        }
    }
}

/// Goes through pieces of heap in ascending order and measures what is in memory of each kind of bytes.
private struct HeapMeter {
    let process: ProcessGraph
    let layout: HeapLayout
    private var cursor: ResidentCursor
    private(set) var crowd: PageCrowd

    init(process: ProcessGraph, layout: HeapLayout, pages: [AddressRange]) {
        self.process = process
        self.layout = layout
        cursor = ResidentCursor(pages)
        crowd = PageCrowd(pages)
    }

    mutating func measure(_ piece: HeapLayout.Piece) -> HeapBytes {
        var bytes = HeapBytes()
        var position = piece.range.lower
        var next = piece.free.lowerBound
        process.index.forEach(in: piece.blocks) { id, start, usable in
            while next < piece.free.upperBound, layout.free[next].address < start {
                add(layout.free[next], piece, &position, &bytes)
                next += 1
            }
            keep(from: position, to: start, piece, &bytes)
            let resident = cursor.bytes(start, start + usable)
            if process.isLost(id) { bytes.lost += resident } else { bytes.live += resident }
            crowd.add(block: start, usable: usable)
            position = start + usable
        }
        while next < piece.free.upperBound {
            add(layout.free[next], piece, &position, &bytes)
            next += 1
        }
        keep(from: position, to: piece.range.upper, piece, &bytes)
        crowd.leavePage()
        return bytes
    }

    private mutating func add(
        _ chunk: FreeChunk, _ piece: HeapLayout.Piece, _ position: inout UInt64, _ bytes: inout HeapBytes
    ) {
        guard chunk.kind != .fencepost else { return }
        let lower = chunk.address + MallocLayout.header
        // The first word of the next chunk belongs to this one; behind the top there is none.
        let upper = min(chunk.kind == .top ? chunk.end : chunk.end + 8, piece.range.upper)
        guard lower >= position, upper > lower else { return }
        keep(from: position, to: lower, piece, &bytes)
        let resident = cursor.bytes(lower, upper)
        switch chunk.kind {
        case .bin: bytes.bins += resident
        case .fastbin: bytes.fastbins += resident
        case .threadCache: bytes.threadCaches += resident
        case .top: bytes.top += resident
        case .fencepost: break
        }
        crowd.add(free: lower, upper)
        position = upper
    }

    /// What lies between chunks' memory: their headers, those of heaps, and what is not the allocator's.
    @inline(__always)
    private mutating func keep(
        from lower: UInt64, to upper: UInt64, _ piece: HeapLayout.Piece, _ bytes: inout HeapBytes
    ) {
        guard lower < upper else { return }
        if piece.foreign.isEmpty {
            bytes.bookkeeping += cursor.bytes(lower, upper)
        } else {
            for part in [AddressRange(lower, upper)].subtracting(piece.foreign) {
                bytes.bookkeeping += cursor.bytes(part.lower, part.upper)
            }
        }
    }
}

/// Follows, page by page, how much of each is free and which blocks keep it.
private struct PageCrowd {
    private(set) var pinnedBytes: UInt64 = 0
    private(set) var pinning = Tally()
    private(set) var smallPinning = 0

    private var cursor: ResidentCursor
    private var page: UInt64 = 0
    private var free: UInt64 = 0
    private var blocks = Tally()
    private var small = 0
    /// A block that began on an earlier page reaches into this one.
    private var isEntered = false

    private static let pageSize: UInt64 = 4096

    init(_ pages: [AddressRange]) { cursor = ResidentCursor(pages) }

    @inline(__always)
    mutating func add(block start: UInt64, usable: UInt64) {
        enter(start)
        blocks.add(usable)
        if usable < HeapAccount.smallBlock { small += 1 }
        let last = start + usable - 1
        if last & ~(PageCrowd.pageSize - 1) != page {
            enter(last)
            isEntered = true
        }
    }

    mutating func add(free lower: UInt64, _ upper: UInt64) {
        enter(lower)
        free += min(upper, page + PageCrowd.pageSize) - lower
        // Pages that are free from end to end hold no block.
        if (upper - 1) & ~(PageCrowd.pageSize - 1) != page {
            enter(upper - 1)
            free += upper - page
        }
    }

    mutating func leavePage() {
        // The words that make a page pinned: it holds a block, and could else be given back.
        if free > 0, blocks.blocks > 0 || isEntered, cursor.bytes(page, page + PageCrowd.pageSize) > 0 {
            pinnedBytes += free
            if free >= PageCrowd.pageSize / 2 {
                pinning.add(blocks)
                smallPinning += small
            }
        }
        free = 0
        blocks = Tally()
        small = 0
        isEntered = false
    }

    @inline(__always)
    private mutating func enter(_ address: UInt64) {
        let next = address & ~(PageCrowd.pageSize - 1)
        guard next != page else { return }
        leavePage()
        page = next
    }
}
