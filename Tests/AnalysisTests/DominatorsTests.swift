import Model
import Testing

@testable import Analysis

@Suite("What every way to a block goes through")
struct DominatorsTests {
    @Test("Agrees with taking each block away in turn", arguments: 0..<24 as Range<UInt64>)
    func randomGraphs(seed: UInt64) throws {
        var random = Seeded(seed)
        var heap = FixtureHeap()
        let blocks = (0..<Int.random(in: 2...40, using: &random)).map { _ in heap.block(56) }
        // From trees to thickets.
        let edges = blocks.count * Int.random(in: 1...3, using: &random)
        for _ in 0..<edges {
            let from = blocks.randomElement(using: &random) ?? 0
            let to = blocks.randomElement(using: &random) ?? 0
            heap.memory.write(to, at: from + UInt64.random(in: 0..<6, using: &random) * 8)
        }
        for _ in 0..<Int.random(in: 1...3, using: &random) { heap.root(blocks.randomElement(using: &random) ?? 0) }
        guard case .done(let process) = ProcessGraph.build(image: heap.image(), acceptTorn: false) else {
            Issue.record("no graph")
            return
        }
        let tree = Dominators(process)
        let reached = reachable(process, without: nil)
        #expect(Set(tree.order.dropFirst()) == reached)
        for (number, block) in tree.order.enumerated().dropFirst() {
            var above: Set<BlockID> = []
            var at = Int(tree.dominator[number])
            while at != 0, above.count <= tree.order.count {
                above.insert(tree.order[at])
                at = Int(tree.dominator[at])
            }
            let needed = reached.filter { $0 != block && !reachable(process, without: $0).contains(block) }
            #expect(above == needed, "of block \(block)")
        }
    }

    private func reachable(_ process: ProcessGraph, without taken: BlockID?) -> Set<BlockID> {
        var seen: Set<BlockID> = []
        var open = process.rootEdges.map(\.target)
        while let block = open.popLast() {
            guard block != taken, seen.insert(block).inserted else { continue }
            process.ownership.forEachHeld(by: block) { target, _ in open.append(target) }
        }
        return seen
    }
}
