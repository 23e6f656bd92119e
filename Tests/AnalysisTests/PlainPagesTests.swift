import Model
import Synchronization
import Testing

@testable import Analysis

@Suite("Reading a heap once, and again only where pointers may be")
struct PlainPagesTests {
    /// Counts what is read.
    private final class CountingMemory: MemoryReader {
        let memory: FixtureMemory
        private let bytes = Mutex(0)

        init(_ memory: FixtureMemory) { self.memory = memory }

        var count: Int { bytes.withLock { $0 } }

        func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
            let got = memory.read(at: address, into: buffer)
            bytes.withLock { $0 += got }
            return got
        }
    }

    @Test("The graph is the same, whatever the pages hold", arguments: 0..<12 as Range<UInt64>)
    func sameGraph(seed: UInt64) throws {
        var random = Seeded(seed)
        var heap = FixtureHeap(heapBytes: 3 << 20)
        var blocks: [UInt64] = []
        while heap.next < FixtureHeap.heapStart + 2 << 20 {
            let size = UInt64.random(in: 1...(Bool.random(using: &random) ? 12 : 900), using: &random) * 16 + 8
            blocks.append(heap.block(size))
            // Text, which no pointer looks like.
            heap.memory.write([UInt8](repeating: 0x5a, count: Int(size - 8)), at: blocks[blocks.count - 1])
        }
        for _ in 0..<Int.random(in: 0...200, using: &random) {
            let target =
                (blocks.randomElement(using: &random) ?? 0) &+ UInt64(Int.random(in: 0...2, using: &random) * 8)
            heap.memory.write(target, at: blocks.randomElement(using: &random) ?? 0)
            // What may name a type.
            let named = blocks.randomElement(using: &random) ?? 0
            heap.memory.write(FixtureHeap.data.lower + 64, at: named)
            heap.memory.write(
                [0, 3, 0x3_0000_0003, 1 << 62, 5 << 61].randomElement(using: &random) ?? 0, at: named + 8)
        }
        let scan = try GlibcHeap(image: heap.image()).scan().get()
        let plain = try #require(scan.plain)
        #expect(scan.index.count == blocks.count)
        let whole = GraphBuilder(image: heap.image(), index: scan.index).build()
        let part = GraphBuilder(image: heap.image(), index: scan.index, plain: plain).build()
        #expect(whole.edgeCount == part.edgeCount && whole.interiorEdgeCount == part.interiorEdgeCount)
        for id in 0..<BlockID(blocks.count) {
            #expect(Array(whole.targets(of: id)) == Array(part.targets(of: id)))
            #expect(whole.interiorEdges(of: id).map(\.offset) == part.interiorEdges(of: id).map(\.offset))
        }
        func heads(_ graph: ObjectGraph) -> [BlockID: BlockHead] {
            var result: [BlockID: BlockHead] = [:]
            graph.forEachHead { result[$1] = $0 }
            return result
        }
        #expect(heads(whole) == heads(part))
    }

    @Test("What holds no pointers, or few, is not read twice", arguments: [0, 1, 3, 125])
    func readOnce(pointers: Int) throws {
        var heap = FixtureHeap(heapBytes: 3 << 20)
        var blocks: [UInt64] = []
        while heap.next < FixtureHeap.heapStart + 2 << 20 {
            blocks.append(heap.block(1000))
            heap.memory.write([UInt8](repeating: 0x5a, count: 1000), at: blocks[blocks.count - 1])
        }
        heap.memory.write(blocks[0], at: blocks[blocks.count / 2])
        // A page has four blocks.
        for number in 0..<(pointers == 0 ? 0 : blocks.count - 1) {
            for word in 0..<pointers { heap.memory.write(blocks[number + 1], at: blocks[number] + UInt64(word) * 8) }
        }
        let scan = try GlibcHeap(image: heap.image()).scan().get()
        let image = heap.image()
        let counting = CountingMemory(heap.memory)
        let graph = GraphBuilder(
            image: MemoryImage(
                process: image.process, mappings: image.mappings, threads: image.threads, reader: counting),
            index: scan.index, plain: scan.plain
        ).build()
        #expect(graph.edgeCount == (pointers == 0 ? 1 : blocks.count - 1))
        let isRead = counting.count > 1 << 20
        #expect(pointers > 6 ? isRead : counting.count == 0)
    }

    @Test("A large read ends at the first gap, whichever of its parts reaches that first")
    func parts() {
        let memory = FixtureMemory()
        let start: UInt64 = 0x10_0000
        memory.map(AddressRange(start, start + 1_300_000))
        memory.map(AddressRange(start + 1_400_000, start + 3_000_000))
        memory.write(0x1234_5678, at: start + 600_000)
        let read = Mutex(0)
        var bytes = [UInt8](repeating: 1, count: 3_000_000)
        let got = bytes.withUnsafeMutableBytes { buffer in
            memory.readInParts(at: start, into: buffer) { part, _ in read.withLock { $0 += part.count } }
        }
        #expect(got == 1_300_000)
        #expect(bytes[600_000] == 0x78 && bytes[599_999] == 0 && bytes[1_299_999] == 0)
        #expect(read.withLock { $0 } > got)
    }
}
