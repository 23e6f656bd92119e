import Model

/// Collects blocks in ascending order, takes some away again (those that an allocator's caches hold), and becomes a
/// `BlockIndex`.
final class BlockIndexBuilder {
    /// The dense space has 32-bit granules of 16 bytes.
    static let denseLimitBytes: UInt64 = 64 << 30

    private let regions: GrowingBuffer<UInt32>
    private let pages = GrowingBuffer<UInt32>()
    private let pageAddresses = GrowingBuffer<UInt64>()
    private let records: GrowingBuffer<BlockIndex.Record>
    // Unchecked: both change with every block, and no access overlaps another.
    @exclusivity(unchecked) private var sizes = BlockSizes()
    /// The last record that a block was added to.
    @exclusivity(unchecked) private var lastRecord = 0
    private var large: [BlockIndex.Large] = []
    private var removed: [UInt64] = []
    private(set) var removedBlocks = Tally()

    /// `ranges`: where small blocks may lie, page aligned, ascending, without overlaps; at most `denseLimitBytes` in all
    /// (the caller checks).
    init(ranges: [AddressRange]) {
        let regionCount = Int(BlockIndex.regionLimit)
        regions = GrowingBuffer(capacity: regionCount)
        for _ in 0..<regionCount { regions.append(0) }
        let pageCount = ranges.reduce(0) { $0 + Int($1.count >> 12) }
        pageAddresses.reserve(pageCount)
        records = GrowingBuffer(capacity: pageCount * 4)
        for _ in 0..<pageCount * 4 { records.append(.init(startBits: 0, blocksBefore: 0)) }
        for range in ranges {
            var page = range.lower
            while page < range.upper {
                pageAddresses.append(page)
                setPage(page, UInt32(pageAddresses.count))
                page += 4096
            }
        }
    }

    var smallCount: Int { sizes.count }

    /// Adds a block inside one of the ranges. Blocks must come in ascending order.
    @inline(__always)
    func add(start: UInt64, usable: UInt64) {
        guard let granule = granule(of: start) else { return }
        lastRecord = Int(granule >> 6)
        records.base[lastRecord].startBits |= UInt64(1) << UInt64(granule & 63)
        sizes.append(usable)
    }

    /// Takes back all small blocks from number `count` on.
    func truncate(to count: Int) {
        for _ in count..<max(smallCount, count) {
            while records[lastRecord].startBits == 0 { lastRecord -= 1 }
            let highest = UInt64(63 - records[lastRecord].startBits.leadingZeroBitCount)
            records[lastRecord].startBits &= ~(1 << highest)
        }
        sizes.truncate(to: count)
    }

    /// Adds a block with a mapping of its own; `extent` are its pages. Must not overlap the ranges.
    func addLarge(start: UInt64, usable: UInt64, extent: AddressRange) {
        let entry = UInt32(large.count) | BlockIndex.largeFlag
        large.append(.init(start: start, usable: usable, extent: extent))
        var address = extent.lower
        while address < extent.upper {
            let regionEnd = (address >> BlockIndex.regionShift + 1) << BlockIndex.regionShift
            if address & ((1 << BlockIndex.regionShift) - 1) == 0, regionEnd <= extent.upper {
                let region = Int(address >> BlockIndex.regionShift)
                if region < regions.count { regions[region] = entry }
                address = regionEnd
            } else {
                setPage(address, entry)
                address += 4096
            }
        }
    }

    /// Ends adding: from now on blocks can be looked up and removed.
    func seal() {
        countBlocks()
        removed = [UInt64](repeating: 0, count: (smallCount + 63) / 64)
    }

    /// The block that starts at `address`: (number, usable bytes), removed or not. Small blocks only. After `seal()`.
    func block(at address: UInt64) -> (number: Int, usable: UInt64)? {
        guard address & 15 == 0, let granule = granule(of: address) else { return nil }
        let record = records[Int(granule >> 6)]
        let bit = UInt64(1) << UInt64(granule & 63)
        guard record.startBits & bit != 0 else { return nil }
        let number = Int(record.blocksBefore) + (record.startBits & (bit - 1)).nonzeroBitCount
        return (number, sizes[number])
    }

    /// Takes the block with this number away. False when it was taken away before.
    @discardableResult
    func remove(_ number: Int) -> Bool {
        let bit = UInt64(1) << UInt64(number & 63)
        guard removed[number >> 6] & bit == 0 else { return false }
        removed[number >> 6] |= bit
        removedBlocks.add(sizes[number])
        return true
    }

    /// Usable sizes and starts of the blocks whose usable size is one of `sizes`, ascending.
    func blocks(usable wanted: [UInt64]) -> [(usable: UInt64, start: UInt64)] {
        var result: [(UInt64, UInt64)] = []
        forEachStart { number, granule in
            let usable = sizes[number]
            if wanted.contains(usable) { result.append((usable, address(of: granule))) }
        }
        return result
    }

    func finish() -> BlockIndex {
        if removedBlocks.blocks > 0 {
            forEachStart { number, granule in
                if isRemoved(number) { records.base[granule >> 6].startBits &= ~(1 << UInt64(granule & 63)) }
            }
            sizes.keep { !isRemoved($0) }
            countBlocks()
        }
        sizes.shrink()
        return BlockIndex(
            tables: .init(
                regions: regions, pages: pages, pageAddresses: pageAddresses, records: records, landmarks: landmarks()),
            sizes: sizes, large: large)
    }

    @inline(__always)
    private func isRemoved(_ number: Int) -> Bool { removed[number >> 6] >> UInt64(number & 63) & 1 != 0 }

    /// Calls `body(number, granule)` for each block. It may clear the bit of that block.
    @inline(__always)
    private func forEachStart(_ body: (Int, Int) -> Void) {
        var number = 0
        for record in 0..<records.count {
            var bits = records.base[record].startBits
            while bits != 0 {
                body(number, record << 6 + bits.trailingZeroBitCount)
                bits &= bits - 1
                number += 1
            }
        }
    }

    private func countBlocks() {
        var before: UInt32 = 0
        for index in 0..<records.count {
            records.base[index].blocksBefore = before
            before += UInt32(records.base[index].startBits.nonzeroBitCount)
        }
    }

    private func landmarks() -> GrowingBuffer<UInt32> {
        let landmarks = GrowingBuffer<UInt32>(capacity: smallCount >> BlockIndex.landmarkShift + 2)
        forEachStart { number, granule in
            if number & (1 << BlockIndex.landmarkShift - 1) == 0 { landmarks.append(UInt32(granule >> 6)) }
        }
        landmarks.append(UInt32(max(records.count - 1, 0)))
        return landmarks
    }

    private func setPage(_ address: UInt64, _ entry: UInt32) {
        let region = Int(address >> BlockIndex.regionShift)
        guard region < regions.count else { return }
        if regions[region] == 0 {
            let table = pages.count >> 18
            pages.reserve(pages.count + BlockIndex.pagesPerRegion)
            for _ in 0..<BlockIndex.pagesPerRegion { pages.append(0) }
            regions[region] = UInt32(table + 1)
        }
        guard regions[region] & BlockIndex.largeFlag == 0 else { return }
        pages[Int(regions[region] - 1) << 18 + Int((address >> 12) & 0x3ffff)] = entry
    }

    @inline(__always)
    private func granule(of address: UInt64) -> UInt32? {
        let region = address >> BlockIndex.regionShift
        guard region < BlockIndex.regionLimit else { return nil }
        let table = regions.base[Int(region)]
        guard table != 0, table & BlockIndex.largeFlag == 0 else { return nil }
        let entry = pages.base[Int(table - 1) << 18 + Int((address >> 12) & 0x3ffff)]
        guard entry != 0, entry & BlockIndex.largeFlag == 0 else { return nil }
        return (entry - 1) << 8 + UInt32((address >> 4) & 255)
    }

    private func address(of granule: Int) -> UInt64 { pageAddresses[granule >> 8] + UInt64(granule & 255) * 16 }
}
