import Model

/// Strongly connected components of a subset of the graph: rings of blocks that hold each other.
/// Tarjan's algorithm with a stack of its own, so that a list of millions of blocks does not exhaust the real one.
struct Components {
    /// Per member of the set: number of its component. Components are numbered against the direction of the edges:
    /// an edge leads to the same or a lower number.
    private(set) var component: [UInt32]
    /// Number of members of each component.
    private(set) var sizes: [UInt32] = []
    /// Whether a pointer from another component leads into it.
    private(set) var isEntered: [Bool] = []

    /// `neighbours(number, body)` calls `body` with the number of each member that member `number` points to.
    init(count: Int, neighbours: (Int, (Int) -> Void) -> Void) {
        component = [UInt32](repeating: .max, count: count)
        var order = [UInt32](repeating: 0, count: count)
        var low = [UInt32](repeating: 0, count: count)
        var stack: [UInt32] = []
        var nextOrder: UInt32 = 1
        // A frame: a member and where its edges lie in `pending`.
        var frames: [(member: Int, next: Int, end: Int)] = []
        var pending: [UInt32] = []

        func open(_ member: Int) {
            order[member] = nextOrder
            low[member] = nextOrder
            nextOrder += 1
            stack.append(UInt32(member))
            let first = pending.count
            neighbours(member) { pending.append(UInt32($0)) }
            frames.append((member, first, pending.count))
        }

        for root in 0..<count where order[root] == 0 {
            open(root)
            while let frame = frames.last {
                if frame.next < frame.end {
                    frames[frames.count - 1].next += 1
                    let target = Int(pending[frame.next])
                    if order[target] == 0 {
                        open(target)
                    } else if component[target] == .max {
                        low[frame.member] = min(low[frame.member], order[target])
                    }
                    continue
                }
                frames.removeLast()
                pending.removeLast(pending.count - (frames.last?.end ?? 0))
                if let parent = frames.last { low[parent.member] = min(low[parent.member], low[frame.member]) }
                guard low[frame.member] == order[frame.member] else { continue }
                let number = UInt32(sizes.count)
                var size: UInt32 = 0
                while let member = stack.popLast() {
                    component[Int(member)] = number
                    size += 1
                    if Int(member) == frame.member { break }
                }
                sizes.append(size)
            }
        }
        isEntered = [Bool](repeating: false, count: sizes.count)
        for member in 0..<count {
            let own = component[member]
            neighbours(member) { if component[$0] != own { isEntered[Int(component[$0])] = true } }
        }
    }

    /// Calls `body` with the number of each component and the numbers of its members, ascending.
    func forEachComponent(_ body: (_ component: Int, _ members: ArraySlice<UInt32>) -> Void) {
        var ends: [Int] = []
        ends.reserveCapacity(sizes.count)
        var total = 0
        for size in sizes {
            ends.append(total)
            total += Int(size)
        }
        var members = [UInt32](repeating: 0, count: total)
        for number in component.indices {
            members[ends[Int(component[number])]] = UInt32(number)
            ends[Int(component[number])] += 1
        }
        for (component, end) in ends.enumerated() { body(component, members[end - Int(sizes[component])..<end]) }
    }
}
