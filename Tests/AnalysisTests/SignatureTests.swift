import Model
import Testing

@testable import Analysis

@Suite("The name of a group is the same in every run")
struct SignatureTests {
    @Test("How many there are and where they lie does not matter")
    func count() throws {
        func signatures(_ count: Int, behind: UInt64) throws -> [String] {
            var heap = FixtureHeap()
            let kept = heap.block(behind)
            heap.root(kept)
            for _ in 0..<count {
                let (leader, text) = (heap.block(40), heap.block(100))
                heap.memory.write(text, at: leader)
            }
            return try #require(heap.findings()).groups.map(\.signature)
        }
        let one = try signatures(1, behind: 24)
        #expect(one.count == 1)
        #expect(try signatures(50, behind: 4000) == one)
    }

    @Test("Of two like blocks in a ring either may lie first")
    func likeBlocks() throws {
        func group(reversed: Bool) throws -> LeakGroup {
            var heap = FixtureHeap()
            var (first, second) = (heap.block(40), heap.block(40))
            if reversed { swap(&first, &second) }
            heap.memory.write(second, at: first)
            heap.memory.write(first, at: second + 16)
            return try #require(heap.findings()?.groups.first)
        }
        let (one, other) = try (group(reversed: false), group(reversed: true))
        #expect(one.signature == other.signature)
        #expect(one.cycle == other.cycle)
    }

    @Test("Objects of one type are one group, whatever malloc added to their sizes")
    func typedSizes() throws {
        var swift = SwiftFixture()
        let type = swift.type("Session", [.init(name: "user", type: "yXlSg")])
        _ = swift.object(type, words: 1)
        let small = try #require(swift.findings()?.groups.first)
        _ = swift.object(type, words: 3)
        let groups = try #require(swift.findings()?.groups)
        #expect(groups.map(\.signature) == [small.signature])
        #expect(groups.map(\.count) == [2])
        #expect(groups.map(\.size) == [24] && groups.map(\.largestSize) == [40])
    }

    @Test("Blocks without a type go by their size")
    func untypedSizes() throws {
        var heap = FixtureHeap()
        _ = heap.block(24)
        _ = heap.block(40)
        let groups = try #require(heap.findings()?.groups)
        #expect(Set(groups.map(\.signature)).count == 2)
    }
}
