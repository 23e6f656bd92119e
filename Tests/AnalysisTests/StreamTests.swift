import Model
import Testing

@testable import Analysis

/// FILEs laid out by hand in a heap, on the list that begins in the library's data.
@Suite("FILEs that nobody can close") struct StreamTests {
    private static let listWord = FixtureHeap.libcData.lower + 0x100
    private static let stdout = FixtureHeap.libcData.lower + 0x108
    private static let standard = FixtureHeap.libcData.lower + 0x200
    private static let table = FixtureHeap.libcData.lower + 0x400

    private struct Heap {
        var heap = FixtureHeap()
        var files: [UInt64] = []
        /// Whether each FILE leads back to the word that leads to it (since glibc 2.41).
        let leadsBack: Bool

        /// Puts a FILE at the beginning of the list.
        mutating func open(_ descriptor: UInt64) -> UInt64 {
            let file = heap.block(472)
            write(file, descriptor, next: files.last ?? StreamTests.standard)
            heap.memory.write(file + 0xe0, at: file + 0x88)
            heap.memory.write(file, at: StreamTests.listWord)
            if leadsBack {
                heap.memory.write(StreamTests.listWord, at: file + 0xb8)
                heap.memory.write(file + 0x68, at: (files.last ?? StreamTests.standard) + 0xb8)
            }
            files.append(file)
            return file
        }

        func write(_ file: UInt64, _ descriptor: UInt64, next: UInt64) {
            heap.memory.write(0xfbad_2484, at: file)
            heap.memory.write(next, at: file + 0x68)
            heap.memory.write(descriptor, at: file + 0x70)
            heap.memory.write(StreamTests.table, at: file + 0xd8)
        }

        init(leadsBack: Bool = false) {
            self.leadsBack = leadsBack
            write(StreamTests.standard, 2, next: 0)
            heap.memory.write(StreamTests.standard, at: StreamTests.listWord)
        }

        func graph() -> ProcessGraph? {
            guard case .done(let graph) = ProcessGraph.build(image: heap.image(), acceptTorn: true) else { return nil }
            return graph
        }
    }

    private func forgotten(_ heap: Heap) throws -> [Int32] {
        let graph = try #require(heap.graph())
        return StreamAnalysis.run(graph).forgotten.map(\.descriptor)
    }

    @Test("In a variable, in a block in use, in a lost one, and in nobody's hands", arguments: [false, true])
    func holders(leadsBack: Bool) throws {
        var heap = Heap(leadsBack: leadsBack)
        heap.heap.root(heap.open(10))
        let used = heap.heap.block(40)
        heap.heap.root(used)
        heap.heap.memory.write(heap.open(11), at: used + 8)
        let lost = heap.heap.block(56)
        heap.heap.memory.write(heap.open(12), at: lost + 16)
        _ = heap.open(13)
        let shared = heap.open(14)
        heap.heap.memory.write(shared, at: used)
        heap.heap.memory.write(shared, at: lost)
        _ = heap.open(15)
        let graph = try #require(heap.graph())
        #expect(StreamAnalysis.run(graph).streams == 6)
        #expect(try forgotten(heap) == [13, 15])
        let findings = LeakAnalysis.result(of: graph, .init()).findings
        #expect(findings.groups.map(\.descriptors) == [[12]])
        #expect(findings.definite.blocks == 1)
    }

    @Test("A variable of the library's own that the program has set counts as the program's") func standardOutput()
        throws
    {
        var heap = Heap()
        _ = heap.open(10)
        let newest = heap.open(11)
        #expect(try forgotten(heap) == [10, 11])
        heap.heap.memory.write(newest, at: StreamTests.stdout)
        #expect(try forgotten(heap) == [10])
        heap.heap.memory.write(heap.files[0], at: StreamTests.stdout)
        #expect(try forgotten(heap) == [11])
    }

    @Test("A pointer into the middle, or two roots of which the library's came first, keep it") func doubt() throws {
        var heap = Heap()
        let first = heap.open(10)
        let second = heap.open(11)
        // The program's data lies below, the stack above the library.
        heap.heap.memory.write(second, at: FixtureHeap.stackPointer + 64)
        let used = heap.heap.block(24)
        heap.heap.root(used)
        heap.heap.memory.write(first + 0x10, at: used)
        #expect(try forgotten(heap).isEmpty)
    }

    @Test("What only looks like a FILE is none, and a list that bites its tail ends") func damaged() throws {
        var heap = Heap()
        let file = heap.open(10)
        heap.heap.memory.write(0x1234_2484, at: file)
        #expect(try #require(heap.graph()).streams.isEmpty)
        heap.write(file, 10, next: file)
        #expect(try #require(heap.graph()).streams.streams.count == 1)
        heap.write(file, UInt64(UInt32.max), next: StreamTests.standard)
        #expect(try #require(heap.graph()).streams.isEmpty)
        heap.write(file, 10, next: .max)
        #expect(try #require(heap.graph()).streams.streams.count == 1)
    }

    @Test("A saved graph has them too, and damaged bytes end in an error") func saved() throws {
        var heap = Heap()
        for number in UInt64(10)..<20 { _ = heap.open(number) }
        let graph = try #require(heap.graph())
        let bytes = StreamCoding.encode(graph.streams).bytes
        var cursor = ByteCursor(bytes)
        let read = try StreamCoding.decode(&cursor, graph.index)
        #expect(read.streams == graph.streams.streams && read.listWords == graph.streams.listWords)
        #expect(read.listWords == [Self.listWord] && cursor.isAtEnd)
        for count in 0..<bytes.count {
            var cut = ByteCursor(Array(bytes[..<count]))
            #expect(throws: DamagedBytes.self) { try StreamCoding.decode(&cut, graph.index) }
        }
        var random = Seeded(7)
        for _ in 0..<500 {
            var damaged = bytes
            damaged[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            var cursor = ByteCursor(damaged)
            guard let read = try? StreamCoding.decode(&cursor, graph.index) else { continue }
            #expect(read.streams.allSatisfy { read.contains($0.block) })
        }
    }

    @Test("Damaged memory never traps", arguments: Rounds.of(8, fuzz: 300)) func flipped(seed: UInt64) {
        var random = Seeded(seed)
        var heap = Heap()
        for number in UInt64(10)..<30 { _ = heap.open(number) }
        for _ in 0..<20 {
            heap.heap.memory.flip(40, using: &random)
            guard let graph = heap.graph() else { continue }
            _ = StreamAnalysis.run(graph)
            _ = LeakAnalysis.result(of: graph, .init())
        }
    }
}
