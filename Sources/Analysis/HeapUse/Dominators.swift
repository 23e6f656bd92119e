import Model

/// Which block every path from a root to another block goes through: its immediate dominator. What would be free if a block
/// were given up is exactly what it dominates.
///
/// Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001): intersect the dominators of a node's
/// predecessors in reverse postorder until nothing changes.
struct Dominators {
    /// Blocks in reverse postorder; position 0 stands for "all roots".
    private(set) var order: [BlockID?] = [nil]
    /// Per position: the position of its immediate dominator; 0 for blocks that several roots or paths hold.
    private(set) var dominator: [UInt32] = [0]

    /// A bound on the rounds: programs' graphs settle in a handful.
    private static let roundLimit = 64

    init(_ process: ProcessGraph) {
        let count = process.index.count
        var position = [UInt32](repeating: 0, count: count)
        let postorder = Dominators.postorder(process)
        order.reserveCapacity(postorder.count + 1)
        for block in postorder.reversed() {
            position[Int(block)] = UInt32(order.count)
            order.append(block)
        }
        // Predecessors, as lists in one array.
        var starts = [UInt32](repeating: 0, count: order.count + 1)
        var isRoot = [Bool](repeating: false, count: order.count)
        for edge in process.rootEdges { isRoot[Int(position[Int(edge.target)])] = true }
        var degrees = [UInt32](repeating: 0, count: order.count)
        // By address and not in postorder: the edges then lie one behind the other in memory.
        for block in 0..<count where position[block] != 0 {
            process.ownership.forEachHeld(by: BlockID(block)) { target, _ in degrees[Int(position[Int(target)])] += 1 }
        }
        var total: UInt32 = 0
        for number in order.indices {
            starts[number] = total
            total += degrees[number]
        }
        starts[order.count] = total
        var predecessors = [UInt32](repeating: 0, count: Int(total))
        var next = starts
        for block in 0..<count where position[block] != 0 {
            process.ownership.forEachHeld(by: BlockID(block)) { target, _ in
                let at = Int(position[Int(target)])
                predecessors[Int(next[at])] = position[block]
                next[at] += 1
            }
        }

        let unknown = UInt32.max
        dominator = [UInt32](repeating: unknown, count: order.count)
        dominator[0] = 0
        var changed = true
        var rounds = 0
        while changed, rounds < Dominators.roundLimit {
            changed = false
            rounds += 1
            for number in 1..<max(order.count, 1) {
                var best: UInt32 = isRoot[number] ? 0 : unknown
                for predecessor in predecessors[Int(starts[number])..<Int(starts[number + 1])]
                where dominator[Int(predecessor)] != unknown && best != 0 {
                    best = best == unknown ? predecessor : common(best, predecessor)
                }
                if best != unknown, dominator[number] != best {
                    dominator[number] = best
                    changed = true
                }
            }
        }
        for number in dominator.indices where dominator[number] == unknown { dominator[number] = 0 }
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
        var stack: [(block: BlockID, next: Int, end: Int)] = []
        var pending: [BlockID] = []
        func open(_ block: BlockID) {
            seen[Int(block)] = true
            let first = pending.count
            process.ownership.forEachHeld(by: block) { target, _ in
                if !seen[Int(target)] { pending.append(target) }
            }
            stack.append((block, first, pending.count))
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
                    pending.removeLast(pending.count - (stack.last?.end ?? 0))
                    result.append(top.block)
                }
            }
        }
        return result
    }
}
