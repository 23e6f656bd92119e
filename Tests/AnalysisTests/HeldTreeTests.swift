import Model
import Testing

@testable import Analysis

@Suite("The tree of what hangs below a leader")
struct HeldTreeTests {
    private static let options = {
        var options = LeakAnalysis.Options(addressLimit: .max)
        options.trees = .max
        return options
    }()

    @Test("Like ones are folded, a shared block stands once, all numbers add up")
    func folded() throws {
        var heap = FixtureHeap()
        let (leader, shared) = (heap.block(104), heap.block(56))
        for slot in 0..<4 as Range<UInt64> {
            let (child, text) = (heap.block(40), heap.block(24))
            heap.memory.write(text, at: child)
            heap.memory.write(shared, at: child + 8)
            // Words of one table are told apart by their place, those of one list are not.
            heap.memory.write(child, at: leader + slot * 8)
        }
        let tree = try #require(heap.findings(Self.options)?.groups.first?.tree)
        #expect(tree.address == leader)
        #expect(tree.root.type == "104 bytes" && tree.root.field.isEmpty)
        #expect(tree.root.below == Tally(blocks: 9, bytes: 4 * 40 + 4 * 24 + 56))
        #expect(tree.root.children.map(\.field).sorted() == ["+0", "+16", "+24", "+8"])
        #expect(tree.root.children.map(\.below.blocks) == [2, 1, 1, 1])
        #expect(tree.root.hidden == Tally() && tree.elsewhere == Tally())
    }

    @Test("A list is one line, however long")
    func list() throws {
        var heap = FixtureHeap()
        var last = heap.block(40)
        let head = last
        for _ in 0..<500 {
            let next = heap.block(40)
            heap.memory.write(next, at: last + 8)
            last = next
        }
        let tree = try #require(heap.findings(Self.options)?.groups.first?.tree)
        #expect(tree.address == head)
        #expect(tree.root.children.map(\.own.blocks) == [500])
        #expect(tree.root.children.first?.children.isEmpty == true)
    }

    @Test("Swift's fields have their names; what another leader counts is said")
    func fields() throws {
        var swift = SwiftFixture()
        let owner = swift.type("Owner", [.init(name: "pet", type: "yXlSg"), .init(name: "toy", type: "yXlSg")])
        let pet = swift.type("Pet", [])
        let (first, second) = (swift.object(owner), swift.object(owner))
        let (own, shared) = (swift.object(pet), swift.object(pet, strong: 2))
        swift.heap.memory.write(own, at: first + 16)
        swift.heap.memory.write(shared, at: first + 24)
        swift.heap.memory.write(shared, at: second + 24)
        let groups = try #require(swift.findings(Self.options)?.groups)
        let trees = groups.compactMap(\.tree)
        let with = try #require(trees.first { $0.address == first })
        #expect(with.root.children.map { "\($0.field) \($0.type)" } == ["pet App.Pet", "toy App.Pet"])
        let without = try #require(trees.first { $0.address == second })
        #expect(without.root.children.isEmpty && without.elsewhere.blocks == 1)
    }

    @Test("Only the largest nodes are kept; the rest is counted")
    func bounded() throws {
        var heap = FixtureHeap()
        let leader = heap.block(800)
        for slot in 0..<80 as Range<UInt64> {
            // Of a size of its own each.
            heap.memory.write(heap.block(24 + slot * 16), at: leader + slot * 8)
        }
        let tree = try #require(heap.findings(Self.options)?.groups.first?.tree)
        let shown = tree.root.children.reduce(into: Tally()) { $0.add($1.own) }
        #expect(tree.root.children.count == 23)
        #expect(shown.blocks + tree.root.hidden.blocks == 80)
        #expect(shown.bytes + tree.root.hidden.bytes == tree.root.below.bytes)
        #expect(tree.root.children.map(\.own.bytes) == tree.root.children.map(\.own.bytes).sorted(by: >))
    }

    @Test("Nobody asked: no tree")
    func none() throws {
        var heap = FixtureHeap()
        _ = heap.block(24)
        #expect(heap.findings()?.groups.first?.tree == nil)
    }
}
