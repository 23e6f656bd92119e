import Dispatch
import Model
import Synchronization

/// Reads all blocks once, from the first to the last address, and notes which block each of their words points to.
struct GraphBuilder {
    let image: MemoryImage
    let index: BlockIndex
    /// Whether to note which word of its block each pointer is: for graphs that outlive the memory they were read from.
    var keepsPositions = false
    /// Pages that need not be read; nil where that is not known.
    var plain: PlainPages?
    var tables = BlockTables()

    private static let windowBytes = 1 << 20

    func build() -> ObjectGraph {
        let count = index.count
        let segmentCount = (count + ObjectGraph.segmentBlocks - 1) >> ObjectGraph.segmentShift
        guard segmentCount > 0 else { return ObjectGraph(index: index, segments: []) }
        let results = Mutex([ObjectGraph.Segment?](repeating: nil, count: segmentCount))
        DispatchQueue.concurrentPerform(iterations: segmentCount) { number in
            let first = number << ObjectGraph.segmentShift
            let segment = self.segment(first..<min(first + ObjectGraph.segmentBlocks, count))
            results.withLock { $0[number] = segment }
        }
        return ObjectGraph(index: index, segments: results.withLock { $0.compactMap { $0 } })
    }

    /// Edges of the blocks in `ids`, which are consecutive and so ascending in address (but for those of own mapping).
    private func segment(_ ids: Range<Int>) -> ObjectGraph.Segment {
        let scanner = WordScanner(reader: image.reader, windowBytes: GraphBuilder.windowBytes, plain: plain)
        var edges = EdgeCollector(index: index, ids: ids, keepsPositions: keepsPositions)
        index.forEach(in: ids) { block, start, usable in
            let id = Int(block)
            let range = AddressRange(start, start + tables.extent(of: start, usable: usable) & ~7)
            scanner.runs(range, gapsMatter: id >= index.smallCount) { words, count, address in
                var first = 0
                if address == start {
                    // Every block has at least three words; a window can end behind the first.
                    let second = count > 1 ? words[1] : image.reader.word(at: start + 8) ?? 0
                    edges.addHead(words[0], second, of: id)
                    first = 1
                }
                edges.add(words + first, count - first, of: id, at: (address - start) / 8 + UInt64(first))
            }
        }
        return edges.finish()
    }
}

/// Turns the words of one segment's blocks into edges, in two steps: words that can be pointers into the heap are set aside,
/// and looked up many at a time. Each look-up misses the caches; together the misses overlap.
private struct EdgeCollector {
    private let index: BlockIndex
    private let ids: Range<Int>
    private let offsets: GrowingBuffer<UInt32>
    private let targets: GrowingBuffer<UInt32>
    private let interior = GrowingBuffer<ObjectGraph.InteriorEdge>(capacity: 16)
    private let positions: GrowingBuffer<UInt16>?
    private let words: UnsafeMutablePointer<UInt64>
    private let sources: UnsafeMutablePointer<UInt32>
    private let places: UnsafeMutablePointer<UInt16>
    private let found: UnsafeMutablePointer<Int>
    /// Whether the word is its block's first, and whether the second can be a count of references.
    private let heads: UnsafeMutablePointer<HeadFlag>
    private var pending = 0
    private var types: HeadCollector

    private enum HeadFlag: UInt8 {
        case none
        case uncounted
        case counted
    }

    private static let batch = 512

    init(index: BlockIndex, ids: Range<Int>, keepsPositions: Bool) {
        self.index = index
        self.ids = ids
        offsets = GrowingBuffer(capacity: ids.count + 1)
        targets = GrowingBuffer(capacity: ids.count * 2)
        positions = keepsPositions ? GrowingBuffer(capacity: ids.count * 2) : nil
        words = .allocate(capacity: EdgeCollector.batch)
        sources = .allocate(capacity: EdgeCollector.batch)
        places = .allocate(capacity: EdgeCollector.batch)
        found = .allocate(capacity: EdgeCollector.batch)
        heads = .allocate(capacity: EdgeCollector.batch)
        types = HeadCollector(firstBlock: ids.lowerBound, count: ids.count)
    }

    /// Takes the first word of block `id`, which may also name its type.
    @inline(__always)
    mutating func addHead(_ word: UInt64, _ second: UInt64, of id: Int) {
        let mayBeType = word > 1 << 16 && word & 7 == 0 && word < 1 << 47
        let isCounted = mayBeType && SwiftTypes.isPlausibleCount(second)
        if index.mayLead(word) {
            set(aside: word, id, 0, mayBeType ? (isCounted ? .counted : .uncounted) : .none)
        } else if mayBeType {
            types.add(BlockHead(first: word, isCounted: isCounted), id)
        }
    }

    /// Takes `count` consecutive words of block `id`, of which the first is its word number `position`.
    @inline(__always)
    mutating func add(_ run: UnsafePointer<UInt64>, _ count: Int, of id: Int, at position: UInt64) {
        for number in 0..<count where index.mayLead(UInt64(littleEndian: run[number])) {
            set(aside: UInt64(littleEndian: run[number]), id, position + UInt64(number), .none)
        }
    }

    @inline(__always)
    private mutating func set(aside word: UInt64, _ id: Int, _ position: UInt64, _ flag: HeadFlag) {
        words[pending] = word
        places[pending] = ObjectGraph.WordPosition.clamped(position)
        sources[pending] = UInt32(truncatingIfNeeded: id)
        heads[pending] = flag
        pending += 1
        if pending == EdgeCollector.batch { flush() }
    }

    @inline(never)
    private mutating func flush() {
        for number in 0..<pending { found[number] = index.find(words[number]) }
        for number in 0..<pending
        where heads[number] != .none && (found[number] < 0 || BlockIndex.isInterior(found[number])) {
            // No type begins with a pointer to the start of another block. (Metadata can lie inside of one.)
            types.add(BlockHead(first: words[number], isCounted: heads[number] == .counted), Int(sources[number]))
        }
        for number in 0..<pending where found[number] >= 0 {
            let source = sources[number]
            let target = BlockIndex.id(found[number])
            let local = Int(source) - ids.lowerBound
            while offsets.count <= local { offsets.append(UInt32(targets.count)) }
            if BlockIndex.isInterior(found[number]) {
                guard target != source else { continue }
                let distance = words[number] - index.start(target)
                interior.append(
                    .init(source: source, target: target, offset: UInt32(clamping: distance), position: places[number]))
            } else if targets.count == Int(offsets.base[local]) || targets.base[targets.count - 1] != target {
                targets.append(target)
                positions?.append(places[number])
            }
        }
        pending = 0
    }

    mutating func finish() -> ObjectGraph.Segment {
        flush()
        while offsets.count <= ids.count { offsets.append(UInt32(targets.count)) }
        // One more than there are: reading ahead (`ObjectGraph.firstTarget`) needs no test for the last block.
        targets.append(0)
        targets.shrink()
        positions?.shrink()
        interior.shrink()
        words.deallocate()
        sources.deallocate()
        places.deallocate()
        found.deallocate()
        heads.deallocate()
        return ObjectGraph.Segment(
            offsets: EdgeOffsets(offsets), targets: targets, interior: interior, positions: positions,
            types: types.types)
    }
}

/// Collects the first words of a segment's blocks that could name a type.
struct HeadCollector {
    private let firstBlock: Int
    private let count: Int
    private var numbers: [BlockHead: UInt16] = [:]
    private(set) var types = ObjectGraph.LocalTypes()
    private var last: (head: BlockHead, number: UInt16)?

    /// Of more distinct words in one segment only the first are kept: real programs have a few thousand types.
    private static let limit = 32_000

    init(firstBlock: Int, count: Int) {
        self.firstBlock = firstBlock
        self.count = count
    }

    mutating func add(_ head: BlockHead, _ block: Int) {
        let number: UInt16
        if let last, last.head == head {
            number = last.number
        } else if let known = numbers[head] {
            number = known
        } else {
            guard types.heads.count < HeadCollector.limit else { return }
            types.heads.append(head)
            number = UInt16(types.heads.count)
            numbers[head] = number
        }
        last = (head, number)
        if types.numbers.isEmpty { types.numbers = [UInt16](repeating: 0, count: count) }
        types.numbers[block - firstBlock] = number
    }
}

/// Hands every aligned word of ranges of memory to a closure, reading in large windows: consecutive small ranges are
/// served from the same window. Not for several threads at once.
final class WordScanner {
    private let reader: any MemoryReader
    private let buffer: UnsafeMutableRawPointer
    private let capacity: UInt64
    @exclusivity(unchecked) private var plain: PlainPages.Cursor?
    @exclusivity(unchecked) private var lower: UInt64 = 0
    @exclusivity(unchecked) private var upper: UInt64 = 0
    @exclusivity(unchecked) private var restored = RestoredPage()
    /// Whether the window is the restored page, and not the buffer.
    @exclusivity(unchecked) private var isRestored = false

    /// - Parameter plain: pages of which `runs` hands out the words that matter, or nothing, but for those that it costs
    ///   nothing to hand out.
    init(reader: any MemoryReader, windowBytes: Int, plain: PlainPages? = nil) {
        self.reader = reader
        self.plain = plain.map(PlainPages.Cursor.init)
        capacity = UInt64(windowBytes)
        buffer = .allocate(byteCount: windowBytes, alignment: 4096)
    }

    deinit { buffer.deallocate() }

    /// Calls `body(word, address)` for each 8-aligned word in `range`. What cannot be read is skipped. With
    /// `gapsMatter`, the reader is asked which parts of the range are populated at all: worth it for large ranges.
    @inline(__always)
    func scan(_ range: AddressRange, gapsMatter: Bool, _ body: (UInt64, UInt64) -> Void) {
        runs(range, gapsMatter: gapsMatter) { words, count, address in
            for number in 0..<count { body(UInt64(littleEndian: words[number]), address + UInt64(number) * 8) }
        }
    }

    /// Calls `body(words, count, address)` for runs of 8-aligned words that together are `range`, as `scan` does for each,
    /// but for plain pages.
    @inline(__always)
    func runs(_ range: AddressRange, gapsMatter: Bool, _ body: (UnsafePointer<UInt64>, Int, UInt64) -> Void) {
        if gapsMatter {
            for part in reader.populated(in: range) { runs(part.intersection(range), body) }
        } else {
            runs(range, body)
        }
    }

    @inline(__always)
    private func runs(_ range: AddressRange, _ body: (UnsafePointer<UInt64>, Int, UInt64) -> Void) {
        var at = (range.lower + 7) & ~7
        while at + 8 <= range.upper {
            if at < lower || at + 8 > upper {
                guard plain?.contains(at) != true, fill(at) else {
                    at = (at & ~4095) + 4096
                    continue
                }
            }
            let end = min(upper, range.upper) & ~7
            if isRestored {
                let lower = lower
                restored.runs(in: Int(at - lower) / 8..<Int(end - lower) / 8) { body($0, $1, lower + UInt64($2) * 8) }
            } else {
                let words = UnsafeRawPointer(buffer + Int(at - lower)).assumingMemoryBound(to: UInt64.self)
                body(words, Int(end - at) / 8, at)
            }
            at = end
        }
    }

    /// Calls `body(word, address)` at every byte offset of `range`: for machine code.
    func scanBytes(_ range: AddressRange, _ body: (UInt64, UInt64) -> Void) {
        for part in reader.populated(in: range) {
            var at = part.lower
            while at + 8 <= part.upper {
                if at < lower || at + 8 > upper {
                    guard fill(at) else {
                        at = (at & ~4095) + 4096
                        continue
                    }
                }
                let end = min(upper, part.upper)
                while at + 8 <= end {
                    body(
                        UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: Int(at - lower), as: UInt64.self)), at
                    )
                    at += 1
                }
            }
        }
    }

    /// Moves the window to the page of `at`; false when nothing can be read there.
    @inline(never)
    private func fill(_ at: UInt64) -> Bool {
        lower = at & ~4095
        if let words = plain?.words(at: lower) {
            restored.restore(words)
            isRestored = true
            upper = lower + 4096
            return true
        }
        isRestored = false
        let wanted = plain?.worth(Int(capacity), from: lower) ?? Int(capacity)
        let count = reader.read(at: lower, into: UnsafeMutableRawBufferPointer(start: buffer, count: wanted))
        upper = (lower + UInt64(max(count, 0))) & ~7
        return at + 8 <= upper
    }
}
