import Model

/// Which block every path from a root to another block goes through: its immediate dominator. What would be free if a block
/// were given up is exactly what it dominates.
///
/// Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001): intersect the dominators of a node's
/// predecessors in reverse postorder until nothing changes. Most blocks of a heap have one predecessor, and that is their
/// dominator: only the others need lists, and rounds.
struct Dominators {
    /// Blocks in reverse postorder; position 0 stands for "all roots" and is no block.
    private(set) var order: [BlockID]
    /// Per position: the position of its immediate dominator; 0 for blocks that several roots or paths hold.
    private(set) var dominator: [UInt32]

    /// A bound on the rounds: programs' graphs settle in a handful.
    private static let roundLimit = 64
    /// What stands in `order` for "all roots".
    private static let allRoots = BlockID.max

    init(_ process: ProcessGraph) {
        order = Dominators.postorder(process)
        order.append(Dominators.allRoots)
        order.reverse()
        dominator = [UInt32](repeating: 0, count: order.count)
        let merges = joinSinglePredecessors(process)
        settle(merges)
    }

    /// Blocks with several predecessors, by position in `order`, and where the list of each ends in `predecessors`.
    private struct Merges {
        var positions: [UInt32] = []
        var ends: [UInt32] = []
        var predecessors: [UInt32] = []
    }

    /// Notes the dominator of each block that has one predecessor, and the predecessors of the others.
    ///
    /// Blocks are gone through by address and not in postorder: their edges then lie one behind the other in memory.
    private mutating func joinSinglePredecessors(_ process: ProcessGraph) -> Merges {
        let count = process.index.count
        var position = [UInt32](repeating: 0, count: count)
        for number in 1..<max(order.count, 1) { position[Int(order[number])] = UInt32(number) }
        // Per block, at first its predecessors; then 0 for what a root holds (or nothing), 1 for one predecessor, 2 and more for a list.
        var lists = [UInt32](repeating: 0, count: count)
        for block in 0..<count where position[block] != 0 {
            process.ownership.forEachHeld(by: BlockID(block)) { target, _ in lists[Int(target)] += 1 }
        }
        for edge in process.rootEdges { lists[Int(edge.target)] = 0 }
        for block in 0..<count where position[block] == 0 { lists[block] = 0 }
        var merges = Merges()
        var total: UInt32 = 0
        for number in 1..<max(order.count, 1) {
            let block = Int(order[number])
            guard lists[block] > 1 else { continue }
            merges.positions.append(UInt32(number))
            merges.ends.append(total)
            total += lists[block]
            lists[block] = UInt32(merges.positions.count) + 1
        }
        merges.predecessors = [UInt32](repeating: 0, count: Int(total))
        for block in 0..<count where position[block] != 0 {
            process.ownership.forEachHeld(by: BlockID(block)) { target, _ in
                switch lists[Int(target)] {
                case 0: break
                case 1: dominator[Int(position[Int(target)])] = position[block]
                case let list:
                    merges.predecessors[Int(merges.ends[Int(list) - 2])] = position[block]
                    merges.ends[Int(list) - 2] += 1
                }
            }
        }
        return merges
    }

    private mutating func settle(_ merges: Merges) {
        var changed = true
        var rounds = 0
        while changed, rounds < Dominators.roundLimit {
            changed = false
            rounds += 1
            var start = 0
            for (merge, number) in merges.positions.enumerated() {
                let end = Int(merges.ends[merge])
                var best: UInt32?
                for predecessor in merges.predecessors[start..<end] where best != 0 {
                    // Nothing is known yet of what comes later.
                    if rounds == 1, predecessor >= number { continue }
                    best = best.map { common($0, predecessor) } ?? predecessor
                }
                start = end
                if let best, dominator[Int(number)] != best {
                    dominator[Int(number)] = best
                    changed = true
                }
            }
        }
    }

    private func common(_ left: UInt32, _ right: UInt32) -> UInt32 {
        var (left, right) = (left, right)
        while left != right {
            while left > right { left = dominator[Int(left)] }
            while right > left { right = dominator[Int(right)] }
        }
        return left
    }

    /// All blocks that are alive, children before parents, with a stack of its own.
    private static func postorder(_ process: ProcessGraph) -> [BlockID] {
        // Lost blocks are not entered either.
        var seen = process.states.map { $0 == Verdict.lost.rawValue }
        var result: [BlockID] = []
        result.reserveCapacity(seen.count + 1)
        var stack: [(block: BlockID, next: Int, end: Int)] = []
        let pending = GrowingBuffer<BlockID>()
        func open(_ block: BlockID) {
            seen[Int(block)] = true
            let first = pending.count
            process.ownership.forEachHeld(by: block) { target, _ in
                if !seen[Int(target)] { pending.append(target) }
            }
            if pending.count == first {
                result.append(block)
            } else {
                stack.append((block, first, pending.count))
            }
        }
        for edge in process.rootEdges where !seen[Int(edge.target)] {
            open(edge.target)
            while let top = stack.last {
                if top.next < top.end {
                    stack[stack.count - 1].next += 1
                    let target = pending[top.next]
                    if !seen[Int(target)] { open(target) }
                } else {
                    stack.removeLast()
                    pending.truncate(to: stack.last?.end ?? 0)
                    result.append(top.block)
                }
            }
        }
        return result
    }
}
