import Model
import Testing

@testable import Analysis

@Suite("Ways from roots to blocks") struct PathFinderTests {
    private func path(_ heap: FixtureHeap, to block: UInt64, registers: [UInt64] = []) throws -> OwnershipPath {
        let outcome = ProcessGraph.build(image: heap.image(registers: registers), acceptTorn: false)
        guard case .done(let graph) = outcome else { throw FixtureError.torn }
        return try #require(WhyAnalysis.run(graph, .address(block), limit: 5).paths.first).example
    }

    private enum FixtureError: Error { case torn }

    @Test("A long way over pointers to the start is better than a short one into the middle") func exact() throws {
        var heap = FixtureHeap()
        let blocks = (0..<3).map { _ in heap.block(40) }
        let (stale, table) = (heap.block(40), heap.block(200))
        heap.root(blocks[0])
        heap.memory.write(blocks[1], at: blocks[0])
        heap.memory.write(blocks[2], at: blocks[1] + 8)
        heap.memory.write(table, at: blocks[2])
        heap.root(stale)
        heap.memory.write(table + 64, at: stale + 32)
        heap.root(table + 24)
        let way = try path(heap, to: table)
        #expect(way.steps.map(\.address) == blocks + [table] && way.steps.allSatisfy { $0.offset == 0 })
    }

    @Test("What only pointers into the middle lead to is found, from named places first") func interior() throws {
        var heap = FixtureHeap()
        let (first, second, table, below) = (heap.block(40), heap.block(40), heap.block(200), heap.block(40))
        heap.root(first)
        heap.memory.write(second, at: first)
        heap.memory.write(table + 64, at: second + 16)
        heap.memory.write(below, at: table + 8)
        let way = try path(heap, to: below, registers: [table])
        #expect(way.root?.kind == .data && way.steps.map(\.address) == [first, second, table, below])
        #expect(way.steps.map(\.offset) == [0, 0, 64, 0])
        // Of both in one block the pointer to the start counts.
        heap.memory.write(table, at: first + 24)
        heap.memory.write(table + 8, at: first + 16)
        #expect(try path(heap, to: below).steps.map(\.address) == [first, table, below])
    }
}
