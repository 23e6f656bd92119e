package import Model

/// What is alive, by type and size, and who keeps most of it.
package enum HeapAnalysis {
    /// Below this share of the live heap a block is no owner worth naming.
    private static let leastShare: UInt64 = 1000

    /// Bytes from which on a block is an owner.
    static func leastOwner(of alive: Tally) -> UInt64 { alive.bytes / leastShare }

    /// - Parameter pages: what is in memory, whole pages, ascending: owners are then measured by it too.
    package static func run(_ process: ProcessGraph, resident pages: [AddressRange]? = nil) -> HeapFindings {
        var alive = Tally()
        var lost = Tally()
        var kinds = KindCounts(process)
        process.index.forEach(in: 0..<process.index.count) { id, _, usable in
            if process.isLost(id) {
                lost.add(usable)
            } else {
                alive.add(usable)
                kinds.add(id, usable: usable)
            }
        }
        return HeapFindings(
            heap: process.summary, alive: alive, lost: lost, types: types(kinds),
            owners: owners(process, alive, pages), gaps: process.gaps, exact: process.exact,
            tasks: tasks(process))
    }

    private static func tasks(_ process: ProcessGraph) -> [HeapFindings.TaskUse]? {
        guard let tasks = process.tasks else { return nil }
        var counts = [Int](repeating: 0, count: tasks.chains.count)
        for (task, chain) in tasks.ofTask where process.states[Int(task)] != Verdict.lost.rawValue {
            counts[chain] += 1
        }
        return zip(tasks.chains, counts).filter { $0.1 > 0 }
            .map { HeapFindings.TaskUse(functions: $0.0, count: $0.1) }
            .sorted { ($0.count, $1.functions.first ?? 0) > ($1.count, $0.functions.first ?? 0) }
    }

    private static func types(_ kinds: KindCounts) -> [HeapFindings.TypeUse] {
        let all =
            kinds.named.map { HeapFindings.TypeUse(name: $0.key, isNamed: true, tally: $0.value) }
            + kinds.sized.map { HeapFindings.TypeUse(name: "\($0.bytes) bytes", isNamed: false, tally: $0.tally) }
        return all.sorted { ($0.tally.bytes, $1.name) > ($1.tally.bytes, $0.name) }
    }

    /// The largest blocks of the dominator tree that do not lie below one another. A block that only wraps another one (most
    /// of what it retains hangs from a single block below) stands for it: the name nearest to the root says most.
    private static func owners(
        _ process: ProcessGraph, _ alive: Tally, _ pages: [AddressRange]?
    ) -> [HeapFindings.Owner] {
        let tree = Dominators(process)
        var retained = [UInt64](repeating: 0, count: tree.order.count)
        var blocks = [UInt32](repeating: 0, count: tree.order.count)
        // Dominators stand before what they dominate.
        for number in stride(from: tree.order.count - 1, to: 0, by: -1) {
            retained[number] += process.index.usable(tree.order[number])
            blocks[number] += 1
            let above = Int(tree.dominator[number])
            retained[above] += retained[number]
            blocks[above] += blocks[number]
        }
        let top = (1..<max(tree.order.count, 1))
            .filter { tree.dominator[$0] == 0 && retained[$0] >= leastOwner(of: alive) }
            .sorted { (retained[$0], $1) > (retained[$1], $0) }
            .prefix(HeapFindings.ownerLimit)
        guard !top.isEmpty else { return [] }
        let finder = PathFinder(process, to: top.map { tree.order[$0] })
        let holdings = Holdings(process, tree, owners: Array(top)).measure(resident: pages)
        return zip(top, holdings).map { number, holding in
            let block = tree.order[number]
            let type = process.types.name(process.types.type(of: block)) ?? "\(process.index.usable(block)) bytes"
            return HeapFindings.Owner(
                address: process.index.start(block), type: type,
                retained: Tally(blocks: Int(blocks[number]), bytes: retained[number]), kinds: holding.kinds,
                path: finder.path(to: block), residentBytes: holding.residentBytes)
        }
    }
}
