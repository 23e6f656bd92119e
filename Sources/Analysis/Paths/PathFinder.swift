import Model

/// Shortest ways from roots to blocks: one search from all roots at once, which remembers from where each block was reached
/// and goes no further than it must.
struct PathFinder {
    let process: ProcessGraph
    /// Per block: 1 + the block from which it was reached first; `fromRoot` for blocks that a root holds; 0 for none.
    private var cameFrom: [UInt32]
    /// Per block that a root holds: the first such root.
    private var rootOf: [BlockID: Int] = [:]
    private let names: EdgeNames

    private static let fromRoot = UInt32.max
    private static let stepLimit = 64

    /// - Parameter wanted: the blocks to which a way is asked for.
    init(_ process: ProcessGraph, to wanted: [BlockID]) {
        self.process = process
        names = EdgeNames(ownership: process.ownership, image: process.image)
        cameFrom = [UInt32](repeating: 0, count: process.index.count)
        // Named roots first: a global or a stack slot says more than a register, which only holds for a moment what the
        // program is at. Registers are asked for what nothing else leads to.
        let momentary: Set<RootKind> = [.register, .threadVector, .torn]
        let order = process.rootEdges.indices.sorted { rank($0) < rank($1) }
        let named = order.filter { !momentary.contains(process.rootEdges[$0].kind) }
        // And pointers to the start first, however long the way: memory that was used before has many words that lead into
        // the middle of a large table.
        search(from: named.filter { process.rootEdges[$0].offset == 0 }, for: wanted, isExact: true)
        search(from: named, for: wanted)
        search(from: order, for: wanted)
    }

    /// - Parameter isExact: only pointers to the start count.
    private mutating func search(from roots: [Int], for wanted: [BlockID], isExact: Bool = false) {
        if wanted.allSatisfy({ cameFrom[Int($0)] != 0 }) { return }
        var open = wanted[...]
        // Where pointers into the middle did not count before.
        var frontier = isExact ? [] : reachedWithInterior()
        for number in roots where cameFrom[Int(process.rootEdges[number].target)] == 0 {
            let target = process.rootEdges[number].target
            guard process.states[Int(target)] != Verdict.lost.rawValue else { continue }
            cameFrom[Int(target)] = PathFinder.fromRoot
            rootOf[target] = number
            frontier.append(target)
        }
        while !frontier.isEmpty {
            while let last = open.last, cameFrom[Int(last)] != 0 { open.removeLast() }
            if open.isEmpty { return }
            var next: [BlockID] = []
            for block in frontier {
                let interior = isExact ? interiorOnly(of: block) : []
                process.ownership.forEachHeld(by: block) { target, _ in
                    if cameFrom[Int(target)] == 0, process.states[Int(target)] != Verdict.lost.rawValue,
                        interior.isEmpty || !interior.contains(target)
                    {
                        cameFrom[Int(target)] = block + 1
                        next.append(target)
                    }
                }
            }
            frontier = next
        }
    }

    /// Blocks that were reached and hold pointers into the middle of others.
    private func reachedWithInterior() -> [BlockID] {
        let graph = process.graph
        return cameFrom.indices.lazy.filter { self.cameFrom[$0] != 0 }.map { BlockID($0) }
            .filter { graph.mayHoldInterior($0) && !graph.interiorEdges(of: $0).isEmpty }
    }

    /// The blocks that `block` points into and not to the start of.
    private func interiorOnly(of block: BlockID) -> Set<BlockID> {
        let graph = process.graph
        guard graph.mayHoldInterior(block) else { return [] }
        let edges = graph.interiorEdges(of: block)
        return edges.isEmpty ? [] : Set(edges.map(\.target)).subtracting(graph.targets(of: block))
    }

    /// Pointers to the start before pointers into the middle, and places with a name before others.
    private func rank(_ number: Int) -> Int {
        let edge = process.rootEdges[number]
        let kinds: [RootKind] = [.data, .shared, .kernel, .anonymous, .stack, .threadVector, .register, .torn]
        return (edge.offset == 0 ? 0 : 100) + (kinds.firstIndex(of: edge.kind) ?? kinds.count)
    }

    /// Blocks from the one that a root holds to `block`, and the number of the root's edge; nil for a lost block.
    func blocks(to block: BlockID) -> (root: Int, blocks: [BlockID])? {
        var blocks: [BlockID] = [block]
        while blocks.count <= process.index.count {
            let last = blocks[blocks.count - 1]
            let from = cameFrom[Int(last)]
            if from == 0 { return nil }
            if from == PathFinder.fromRoot {
                guard let root = rootOf[last] else { return nil }
                return (root, blocks.reversed())
            }
            blocks.append(from - 1)
        }
        return nil
    }

    /// The way to `block` with types and fields; a long one keeps its first and last steps.
    func path(to block: BlockID) -> OwnershipPath {
        guard let (root, blocks) = blocks(to: block) else { return OwnershipPath(root: nil, steps: []) }
        let shown =
            blocks.count <= PathFinder.stepLimit
            ? blocks : Array(blocks.prefix(PathFinder.stepLimit / 2) + blocks.suffix(PathFinder.stepLimit / 2))
        let edge = process.rootEdges[root]
        var steps: [OwnershipPath.Step] = []
        var offset = UInt64(edge.offset)
        for (number, block) in shown.enumerated() {
            var field: EdgeNames.Field?
            if shown.count < blocks.count, number + 1 == PathFinder.stepLimit / 2 {
                // What comes next in the list is not what comes next in the process.
                field = EdgeNames.Field(name: "…", offset: 0, isFunction: false)
            } else if number + 1 < shown.count {
                field = names.field(from: block, to: shown[number + 1])
            }
            steps.append(
                .init(
                    address: process.index.start(block),
                    type: names.type(of: block, from: number > 0 ? shown[number - 1] : nil), field: field?.name,
                    offset: offset))
            offset = field?.offset ?? 0
        }
        return OwnershipPath(
            root: RootNames(image: process.image, stacks: process.stacks)
                .place(of: edge, word: process.index.start(edge.target) + UInt64(edge.offset)), steps: steps)
    }
}
