import Model
import Testing

@testable import Analysis

/// What changed between saved snapshots.
struct GraphDiffTests {
    /// A heap with so many held, lost and paired blocks, each kind of a size of its own.
    private func digest(held: Int, lost: Int, rings: Int, extra: Int = 0) throws -> GraphDigest {
        var heap = FixtureHeap()
        let table = heap.block(UInt64(held) * 8 + 40)
        heap.root(table)
        for number in 0..<held { heap.memory.write(heap.block(72), at: table + UInt64(number) * 8) }
        for _ in 0..<lost { _ = heap.block(200) }
        for _ in 0..<rings {
            let (first, second) = (heap.block(328), heap.block(344))
            heap.memory.write(second, at: first + 8)
            heap.memory.write(first, at: second + 8)
        }
        for _ in 0..<extra { heap.root(heap.block(4000)) }
        let graph = try #require(SavedFixture.graph(heap.image()))
        return GraphDigest(try SavedGraphReader.read(SavedFixture.saved(graph), name: "x"))
    }

    @Test func growsInEveryStep() throws {
        let diff = GraphDiff(
            [
                try digest(held: 10, lost: 3, rings: 1), try digest(held: 60, lost: 4, rings: 1),
                try digest(held: 120, lost: 9, rings: 1),
            ], leastBytes: 4096)
        #expect(diff.grew)
        let type = try #require(diff.types.first)
        #expect(type.subject == "72 bytes" && type.change == .grew && type.gainedBlocks == 110)
        #expect(type.tallies.map(\.blocks) == [10, 60, 120])
        #expect(diff.leaks.map(\.change) == [.grew, .other])
        #expect(diff.leaks.first?.tallies.map(\.blocks) == [3, 4, 9])
    }

    /// Up and down is no growth; nor is less than the threshold.
    @Test func comesAndGoes() throws {
        let diff = GraphDiff(
            [
                try digest(held: 10, lost: 3, rings: 2), try digest(held: 200, lost: 3, rings: 2),
                try digest(held: 150, lost: 3, rings: 2),
            ], leastBytes: 4096)
        #expect(!diff.grew)
        #expect(diff.types.first { $0.subject == "72 bytes" }?.change == .other)
        #expect(
            !GraphDiff(
                [try digest(held: 10, lost: 1, rings: 0), try digest(held: 20, lost: 1, rings: 0)], leastBytes: 4096
            ).grew)
    }

    @Test func newAndGone() throws {
        let (before, after) = (
            try digest(held: 10, lost: 0, rings: 3), try digest(held: 10, lost: 5, rings: 0, extra: 1)
        )
        let diff = GraphDiff([before, after], leastBytes: 65_536)
        #expect(diff.grew)
        #expect(diff.leaks.map(\.change) == [.grew, .gone])
        #expect(diff.types.first { $0.subject == "4008 bytes" }?.change == .new)
        // The way back: the leak is mended.
        let back = GraphDiff([after, before, before], leastBytes: 65_536)
        #expect(back.leaks.map(\.change) == [.new, .gone] && back.grew)
        #expect(!GraphDiff([before, before], leastBytes: 1).grew)
    }

    /// A table that grows moves and changes its size; it is the same owner.
    @Test func ownersKeepTheirNames() throws {
        let diff = GraphDiff(
            [try digest(held: 100, lost: 0, rings: 0), try digest(held: 900, lost: 0, rings: 0)], leastBytes: 4096)
        let owner = try #require(diff.owners.first)
        #expect(owner.change == .grew && owner.tallies.map(\.blocks) == [101, 901])
    }

    /// A baseline takes its groups out, whatever their number, and is not called unused.
    @Test func baseline() throws {
        var heap = FixtureHeap()
        _ = heap.block(200)
        let before = try SavedGraphReader.read(
            SavedFixture.saved(try #require(SavedFixture.graph(heap.image()))), name: "x")
        _ = heap.block(200)
        _ = heap.block(600)
        let after = try #require(SavedFixture.graph(heap.image()))
        var options = LeakAnalysis.Options()
        options.exclude = [ExcludePattern(baseline: before, name: "x", options)]
        let findings = LeakAnalysis.result(of: after, options).findings
        #expect(findings.groups.map(\.size) == [600])
        #expect(findings.excluded.total.blocks == 2 && findings.excluded.unused.isEmpty)
        // Nothing of it is left: good news, not a misspelt pattern.
        let mended = try #require(SavedFixture.graph(FixtureHeap().image()))
        #expect(LeakAnalysis.result(of: mended, options).findings.excluded.unused.isEmpty)
    }
}
