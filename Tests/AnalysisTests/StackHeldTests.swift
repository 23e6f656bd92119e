import Model
import Testing

@testable import Analysis

@Suite("Blocks that only stacks and registers hold") struct StackHeldTests {
    @Test("Of a lost type, and with no other holder; the first group of the type has them") func known() throws {
        var swift = SwiftFixture()
        let item = swift.type("Item", [.init(name: "next", type: "yXlSg")])
        let other = swift.type("Other", [.init(name: "next", type: "yXlSg")])
        func onStack(_ object: UInt64, _ slot: UInt64) {
            swift.heap.memory.write(object, at: FixtureHeap.stackPointer + 64 + slot * 8)
        }
        // Two groups of one type, by what hangs below.
        for _ in 0..<3 { _ = swift.object(item) }
        swift.heap.memory.write(swift.object(other), at: swift.object(item) + 16)
        onStack(swift.object(item), 0)
        let twice = swift.object(item)
        onStack(twice, 1)
        onStack(twice, 2)
        // A variable, and an object in use, hold these as well.
        let variable = swift.object(item)
        onStack(variable, 3)
        swift.heap.root(variable)
        let holder = swift.object(other)
        swift.heap.root(holder)
        let held = swift.object(item)
        swift.heap.memory.write(held, at: holder + 16)
        onStack(held, 4)
        // A pointer into the middle is enough.
        let inside = swift.object(item)
        onStack(inside, 5)
        swift.heap.root(inside + 24)
        // None of this type leads a group; a block without a type says nothing.
        onStack(swift.object(other), 6)
        onStack(swift.heap.block(40), 7)
        // Its own reference is none.
        let ring = swift.object(item, strong: 2)
        swift.heap.memory.write(ring, at: ring + 16)
        onStack(ring, 8)
        let groups = try #require(swift.findings(.init(addressLimit: .max))).groups
        #expect(groups.map(\.type) == ["App.Item", "App.Item"])
        #expect(groups.map(\.count) == [3, 1] && groups.map(\.stackHeld) == [3, 0])
    }

    @Test("A register's word counts like a stack's") func register() throws {
        var swift = SwiftFixture()
        let item = swift.type("Item", [.init(name: "next", type: "yXlSg")])
        _ = swift.object(item)
        let kept = swift.object(item)
        let lost = try #require(swift.findings(.init(addressLimit: .max)))
        #expect(lost.groups.map(\.count) == [2] && lost.groups.map(\.stackHeld) == [0])
        let image = swift.image(registers: [kept])
        let findings = try #require(LeakAnalysis.run(image: image, .init(addressLimit: .max))?.findings)
        #expect(findings.groups.map(\.count) == [1] && findings.groups.map(\.stackHeld) == [1])
    }
}
