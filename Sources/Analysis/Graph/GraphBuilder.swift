import Dispatch
import Model
import Synchronization

/// Reads all blocks once, from the first to the last address, and notes which block each of their words points to.
struct GraphBuilder {
    let image: MemoryImage
    let index: BlockIndex

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
        let offsets = GrowingBuffer<UInt32>(capacity: ids.count + 1)
        let targets = GrowingBuffer<UInt32>(capacity: ids.count * 2)
        let interior = GrowingBuffer<ObjectGraph.InteriorEdge>(capacity: 16)
        let scanner = WordScanner(reader: image.reader, windowBytes: GraphBuilder.windowBytes)
        var heads = HeadCollector(firstBlock: ids.lowerBound, count: ids.count)
        for id in ids {
            offsets.append(UInt32(targets.count))
            let start = index.start(BlockID(id))
            let firstTarget = targets.count
            var firstWord: UInt64 = 0
            let range = AddressRange(start, start + (index.usable(BlockID(id)) & ~7))
            scanner.scan(range, gapsMatter: id >= index.smallCount) { word, address in
                let found = index.find(word)
                if found < 0 || BlockIndex.isInterior(found) {
                    if address == start {
                        firstWord = word
                    } else if address == start + 8 {
                        heads.note(firstWord, second: word, of: id)
                    }
                    if found < 0 { return }
                } else if address == start + 8 {
                    heads.note(firstWord, second: word, of: id)
                }
                let target = BlockIndex.id(found)
                if BlockIndex.isInterior(found) {
                    guard Int(target) != id else { return }
                    let distance = word - index.start(target)
                    interior.append(.init(source: BlockID(id), target: target, offset: UInt32(clamping: distance)))
                } else if targets.count == firstTarget || targets.base[targets.count - 1] != target {
                    targets.append(target)
                }
            }
        }
        offsets.append(UInt32(targets.count))
        targets.shrink()
        interior.shrink()
        return ObjectGraph.Segment(offsets: offsets, targets: targets, interior: interior, types: heads.types)
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

    /// `first` is 0 where the block's first word is a pointer to the start of another block: no type begins like that.
    @inline(__always)
    mutating func note(_ first: UInt64, second: UInt64, of block: Int) {
        guard first > 1 << 16, first & 7 == 0, first < 1 << 47 else { return }
        add(BlockHead(first: first, isCounted: SwiftTypes.isPlausibleCount(second)), block)
    }

    @inline(never)
    private mutating func add(_ head: BlockHead, _ block: Int) {
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
    @exclusivity(unchecked) private var lower: UInt64 = 0
    @exclusivity(unchecked) private var upper: UInt64 = 0

    init(reader: any MemoryReader, windowBytes: Int) {
        self.reader = reader
        capacity = UInt64(windowBytes)
        buffer = .allocate(byteCount: windowBytes, alignment: 4096)
    }

    deinit { buffer.deallocate() }

    /// Calls `body(word, address)` for each 8-aligned word in `range`. What cannot be read is skipped. With
    /// `gapsMatter`, the reader is asked which parts of the range are populated at all: worth it for large ranges.
    @inline(__always)
    func scan(_ range: AddressRange, gapsMatter: Bool, _ body: (UInt64, UInt64) -> Void) {
        if gapsMatter {
            for part in reader.populated(in: range) { scanPart(part.intersection(range), body) }
        } else {
            scanPart(range, body)
        }
    }

    @inline(__always)
    private func scanPart(_ range: AddressRange, _ body: (UInt64, UInt64) -> Void) {
        var at = (range.lower + 7) & ~7
        while at + 8 <= range.upper {
            if at < lower || at + 8 > upper {
                guard fill(at) else {
                    at = (at & ~4095) + 4096
                    continue
                }
            }
            let end = min(upper, range.upper) & ~7
            var pointer = buffer + Int(at - lower)
            while at < end {
                body(UInt64(littleEndian: pointer.load(as: UInt64.self)), at)
                pointer += 8
                at += 8
            }
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
        let count = reader.read(at: lower, into: UnsafeMutableRawBufferPointer(start: buffer, count: Int(capacity)))
        upper = (lower + UInt64(max(count, 0))) & ~7
        return at + 8 <= upper
    }
}
