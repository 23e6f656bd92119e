import Model

/// Identifies one block of a `BlockIndex`: 0 ..< count, in ascending order of address among small blocks, then the
/// blocks of own mapping.
package typealias BlockID = UInt32

/// All live blocks of a process and the answer to "which block does this word point to, at its start or inside?".
///
/// Addresses of heap pages are mapped to a dense space through two tables (a GiB each in the first, a page each in the
/// second). In the dense space one record of 16 bytes describes 1 KiB: a bit per 16 bytes that says "a block starts
/// here", and how many blocks start before it. So both questions are answered with three loads and a population count,
/// for about 1.6 % of the heap in memory. The way back, from a block's number to its start, is a short search in the same
/// records: no address is kept twice. Blocks with a mapping of their own are kept beside, in a short sorted list.
package final class BlockIndex: @unchecked Sendable {
    // Immutable once built (`BlockIndexBuilder.finish`), hence safe to share.
    struct Record {
        var startBits: UInt64
        var blocksBefore: UInt32
    }

    static let regionShift: UInt64 = 30
    static let regionLimit: UInt64 = 1 << 17
    static let pagesPerRegion = 1 << 18
    static let landmarkShift = 6
    /// Marks an entry of either table that stands for one large block: its number in the list in the other bits.
    static let largeFlag: UInt32 = 1 << 31
    private static let interiorFlag = 1 << 40

    /// Index: address >> 30. 0: nothing; with `largeFlag`: wholly inside that large block; else 1 + number of a page table.
    private let regions: UnsafePointer<UInt32>
    /// Page tables of 2^18 entries each. 0: nothing; with `largeFlag`: part of that block; else 1 + dense page.
    private let pages: UnsafePointer<UInt32>
    /// Address of each dense page.
    private let pageAddresses: UnsafePointer<UInt64>
    private let records: UnsafePointer<Record>
    /// The record of every 64th small block's start, and at the end the last record.
    private let landmarks: UnsafePointer<UInt32>
    private let sizes: BlockSizes
    let smallCount: Int
    let large: [Large]
    /// Keeps alive what the pointers above lead to.
    private let tables: Tables

    struct Tables {
        let regions: GrowingBuffer<UInt32>
        let pages: GrowingBuffer<UInt32>
        let pageAddresses: GrowingBuffer<UInt64>
        let records: GrowingBuffer<Record>
        let landmarks: GrowingBuffer<UInt32>
    }

    struct Large {
        let start: UInt64
        let usable: UInt64
        let extent: AddressRange
    }

    init(tables: Tables, sizes: BlockSizes, large: [Large]) {
        self.tables = tables
        self.sizes = sizes
        self.large = large
        smallCount = sizes.count
        regions = UnsafePointer(tables.regions.base)
        pages = UnsafePointer(tables.pages.base)
        pageAddresses = UnsafePointer(tables.pageAddresses.base)
        records = UnsafePointer(tables.records.base)
        landmarks = UnsafePointer(tables.landmarks.base)
    }

    package var count: Int { smallCount + large.count }

    /// Address of the block's first usable byte.
    @inline(__always)
    package func start(_ id: BlockID) -> UInt64 {
        let index = Int(id)
        guard index < smallCount else { return large[index - smallCount].start }
        return address(of: granule(of: index))
    }

    @inline(__always)
    private func address(of granule: Int) -> UInt64 { pageAddresses[granule >> 8] + UInt64(granule & 255) * 16 }

    /// Where small block number `index` starts, in units of 16 bytes of the dense space: in the last record before which
    /// not more than `index` blocks start.
    private func granule(of index: Int) -> Int {
        var low = Int(landmarks[index >> BlockIndex.landmarkShift])
        var high = Int(landmarks[index >> BlockIndex.landmarkShift + 1])
        while low < high {
            let middle = (low + high + 1) / 2
            if Int(records[middle].blocksBefore) <= index { low = middle } else { high = middle - 1 }
        }
        var bits = records[low].startBits
        for _ in Int(records[low].blocksBefore)..<index { bits &= bits - 1 }
        return low << 6 + bits.trailingZeroBitCount
    }

    /// Calls `body(id, start, usable)` for these blocks, one after the other.
    @inline(__always)
    func forEach(in ids: Range<Int>, _ body: (BlockID, UInt64, UInt64) -> Void) {
        let small = ids.clamped(to: 0..<smallCount)
        if !small.isEmpty {
            var granule = granule(of: small.lowerBound)
            var bits = records[granule >> 6].startBits & (~0 << UInt64(granule & 63))
            for id in small {
                while bits == 0 {
                    granule = (granule | 63) + 1
                    bits = records[granule >> 6].startBits
                }
                granule = granule & ~63 + bits.trailingZeroBitCount
                bits &= bits - 1
                body(BlockID(id), address(of: granule), sizes[id])
            }
        }
        for id in ids.clamped(to: smallCount..<count) { body(BlockID(id), start(BlockID(id)), usable(BlockID(id))) }
    }

    /// The numbers of the small blocks that start in `range`.
    func smallBlocks(in range: AddressRange) -> Range<Int> {
        let ids = 0..<smallCount
        let first = ids.partitioningIndex { start(BlockID($0)) >= range.lower }
        let last = ids.partitioningIndex { start(BlockID($0)) >= range.upper }
        return first..<max(first, last)
    }

    /// Usable bytes: what malloc_usable_size would say.
    @inline(__always)
    package func usable(_ id: BlockID) -> UInt64 {
        let index = Int(id)
        return index < smallCount ? sizes[index] : large[index - smallCount].usable
    }

    /// What a word points to.
    enum Hit: Equatable {
        case none
        case start(BlockID)
        case interior(BlockID)
    }

    /// For tests and single questions; loops use `find`.
    func hit(_ word: UInt64) -> Hit {
        let found = find(word)
        if found < 0 { return .none }
        return found & BlockIndex.interiorFlag == 0 ? .start(BlockID(found)) : .interior(BlockIndex.id(found))
    }

    @inline(__always) static func isInterior(_ found: Int) -> Bool { found & interiorFlag != 0 }
    @inline(__always) static func id(_ found: Int) -> BlockID { BlockID(truncatingIfNeeded: found) }

    /// Whether a block may lie within the GiB that `word` points to: the test that most words fail.
    @inline(__always)
    func mayLead(_ word: UInt64) -> Bool {
        let region = word >> BlockIndex.regionShift
        return region < BlockIndex.regionLimit && regions[Int(region)] != 0
    }

    /// -1 when `word` points to no block; else the block's identifier, marked (`isInterior`) when not at its start.
    @inline(__always)
    func find(_ word: UInt64) -> Int {
        let region = word >> BlockIndex.regionShift
        guard region < BlockIndex.regionLimit else { return -1 }
        let table = regions[Int(region)]
        if table == 0 { return -1 }
        if table & BlockIndex.largeFlag != 0 { return findLarge(word, Int(table & ~BlockIndex.largeFlag)) }
        let entry = pages[Int(table - 1) << 18 + Int((word >> 12) & 0x3ffff)]
        if entry == 0 { return -1 }
        if entry & BlockIndex.largeFlag != 0 { return findLarge(word, Int(entry & ~BlockIndex.largeFlag)) }
        let granule = Int(entry - 1) << 8 + Int((word >> 4) & 255)
        let record = records[granule >> 6]
        let bit = UInt64(1) << UInt64(granule & 63)
        if record.startBits & bit != 0 && word & 15 == 0 {
            return Int(record.blocksBefore) + (record.startBits & (bit - 1)).nonzeroBitCount
        }
        let bitsBefore = record.startBits & (bit | (bit - 1))
        let before = Int(record.blocksBefore) + bitsBefore.nonzeroBitCount
        guard before > 0 else { return -1 }
        let id = before - 1
        // Blocks lie in dense runs as they lie in memory, but a run's first page may follow another run's last.
        let start = bitsBefore == 0 ? self.granule(of: id) : granule | 63 - bitsBefore.leadingZeroBitCount
        let address = address(of: start)
        guard word > address, word - address < sizes[id] else { return -1 }
        return id | BlockIndex.interiorFlag
    }

    private func findLarge(_ word: UInt64, _ number: Int) -> Int {
        let block = large[number]
        if word == block.start { return smallCount + number }
        guard word > block.start, word - block.start < block.usable else { return -1 }
        return (smallCount + number) | BlockIndex.interiorFlag
    }
}
