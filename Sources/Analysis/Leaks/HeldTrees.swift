import Model

/// Grows the trees below leaders. Not for several threads at once.
struct HeldTrees {
    private let forest: LostForest
    private let ownership: Ownership
    private let names: EdgeNames
    /// Per lost block: its leader's number in the forest.
    private let leaderOf: [UInt32]

    /// Nodes of one tree, the largest.
    private static let nodeLimit = 24
    private static let depthLimit = 10
    /// Blocks looked at for one tree, and for all together: a name costs a microsecond or two.
    private static let blockLimit = 500_000
    private static let blockLimitOfAll = 2_000_000

    init(_ process: ProcessGraph, _ forest: LostForest) {
        self.forest = forest
        ownership = process.ownership
        names = EdgeNames(ownership: process.ownership, image: process.image)
        var leaderOf = [UInt32](repeating: .max, count: forest.lost.members.count)
        for (number, leader) in forest.leaders.enumerated() {
            leaderOf[forest.lost.number(of: leader.id)] = UInt32(number)
            for other in forest.held[leader.held] { leaderOf[Int(other)] = UInt32(number) }
        }
        self.leaderOf = leaderOf
    }

    /// Gives the first `limit` groups the tree below their first address.
    func grow(for groups: inout [LeakGroup], limit: Int) {
        var left = HeldTrees.blockLimitOfAll
        for number in groups.indices.prefix(limit) where left > 0 {
            guard let address = groups[number].addresses.first else { continue }
            let found = forest.index.find(address)
            guard found >= 0 else { continue }
            groups[number].tree = tree(below: forest.lost.number(of: BlockIndex.id(found)), address, &left)
        }
    }

    fileprivate struct Step: Hashable {
        let parent: Int
        let field: String
        let type: String
    }

    /// A node while blocks are still added to it.
    fileprivate struct Growth {
        let step: Step
        let depth: Int
        var own = Tally()
        var below = Tally()
    }

    private func tree(below start: Int, _ address: UInt64, _ left: inout Int) -> HeldTree? {
        guard start >= 0 else { return nil }
        let leader = leaderOf[start]
        let members = forest.lost.members
        let root = Step(parent: -1, field: "", type: names.type(of: members[start], from: nil))
        var growths = [Growth(step: root, depth: 0)]
        var known: [Step: Int] = [:]
        var seen: Set<Int> = [start]
        var elsewhere = Tally()
        var work = [(block: start, node: 0)]
        var next = 0
        // In breadth: a block that two hold stands where it is nearest to the leader.
        while next < work.count {
            let (block, node) = work[next]
            next += 1
            growths[node].own.add(forest.index.usable(members[block]))
            guard seen.count < HeldTrees.blockLimit else { continue }
            forest.edges.forEach(from: block) { other in
                guard seen.insert(other).inserted else { return }
                guard leaderOf[other] == leader else {
                    elsewhere.add(forest.index.usable(members[other]))
                    return
                }
                let step = self.step(from: block, to: other, below: node)
                let place = repeated(step, growths) ?? known[step] ?? growths.count
                if place == growths.count {
                    known[step] = place
                    growths.append(Growth(step: step, depth: growths[node].depth + 1))
                }
                work.append((other, place))
            }
        }
        left -= seen.count
        for node in growths.indices.dropFirst().reversed() {
            let parent = growths[node].step.parent
            growths[parent].below.add(growths[node].own)
            growths[parent].below.add(growths[node].below)
        }
        // More than could be looked at is at least counted.
        let held = forest.held[forest.leaders[Int(leader)].held]
        growths[0].below = held.reduce(into: Tally()) { $0.add(forest.index.usable(members[Int($1)])) }
        return HeldTree(address: address, root: shown(growths), elsewhere: elsewhere)
    }

    /// The node above (or the one itself) that the same field of the same type led to: a list or a tree goes on there.
    private func repeated(_ step: Step, _ growths: [Growth]) -> Int? {
        var node = step.parent
        while node > 0 {
            let above = growths[node].step
            if above.field == step.field, above.type == step.type { return node }
            node = above.parent
        }
        return nil
    }

    private func step(from block: Int, to other: Int, below node: Int) -> Step {
        let (holder, held) = (forest.lost.members[block], forest.lost.members[other])
        return Step(
            parent: node, field: names.field(from: holder, to: held).name, type: names.type(of: held, from: holder))
    }

    /// The largest nodes with all that stands above them: no node is larger than the one it hangs from.
    private func shown(_ growths: [Growth]) -> HeldTree.Node {
        let order = growths.indices.filter { growths[$0].depth <= HeldTrees.depthLimit }.sorted { left, right in
            let sizes = (growths[left].total, growths[right].total)
            return sizes.0 == sizes.1 ? left < right : sizes.0 > sizes.1
        }
        var children: [Int: [Int]] = [:]
        for node in order.prefix(HeldTrees.nodeLimit) where node > 0 {
            children[growths[node].step.parent, default: []].append(node)
        }
        func node(_ number: Int) -> HeldTree.Node {
            let growth = growths[number]
            let nodes = (children[number] ?? []).map(node)
            let hidden = nodes.reduce(into: growth.below) {
                $0.blocks -= $1.own.blocks + $1.below.blocks
                $0.bytes -= $1.own.bytes + $1.below.bytes
            }
            return HeldTree.Node(
                field: growth.step.field, type: growth.step.type, own: growth.own, below: growth.below,
                children: nodes, hidden: hidden)
        }
        return node(0)
    }
}

extension HeldTrees.Growth {
    var total: UInt64 { own.bytes + below.bytes }
}
