import Model

/// Shortest ways from roots to blocks: one search from all roots at once, which remembers from where each block was reached.
struct PathFinder {
    let process: ProcessGraph
    /// Per block: 1 + the block from which it was reached first; `fromRoot` for blocks that a root holds; 0 for none.
    private var cameFrom: [UInt32]
    /// Per block that a root holds: the first such root.
    private var rootOf: [BlockID: Int] = [:]

    private static let fromRoot = UInt32.max
    private static let stepLimit = 64

    /// `allowInterior`: also follow pointers into the middle of blocks; needed for what is only possibly reachable.
    init(_ process: ProcessGraph) {
        self.process = process
        cameFrom = [UInt32](repeating: 0, count: process.index.count)
        var frontier: [BlockID] = []
        // Named roots first: a global or a stack slot says more than a register.
        let order = process.rootEdges.indices.sorted { rank($0) < rank($1) }
        for number in order where cameFrom[Int(process.rootEdges[number].target)] == 0 {
            let target = process.rootEdges[number].target
            guard process.states[Int(target)] != Verdict.lost.rawValue else { continue }
            cameFrom[Int(target)] = PathFinder.fromRoot
            rootOf[target] = number
            frontier.append(target)
        }
        while !frontier.isEmpty {
            var next: [BlockID] = []
            for block in frontier {
                process.ownership.forEachHeld(by: block) { target, _ in
                    if cameFrom[Int(target)] == 0, process.states[Int(target)] != Verdict.lost.rawValue {
                        cameFrom[Int(target)] = block + 1
                        next.append(target)
                    }
                }
            }
            frontier = next
        }
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
        let names = EdgeNames(ownership: process.ownership, image: process.image)
        let shown =
            blocks.count <= PathFinder.stepLimit
            ? blocks : Array(blocks.prefix(PathFinder.stepLimit / 2) + blocks.suffix(PathFinder.stepLimit / 2))
        let edge = process.rootEdges[root]
        var steps: [OwnershipPath.Step] = []
        var offset = UInt64(edge.offset)
        for (number, block) in shown.enumerated() {
            var field: EdgeNames.Field?
            if number + 1 < shown.count { field = names.field(from: block, to: shown[number + 1]) }
            steps.append(
                .init(
                    address: process.index.start(block),
                    type: names.type(of: block, from: number > 0 ? shown[number - 1] : nil), field: field?.name,
                    offset: offset))
            offset = field?.offset ?? 0
        }
        return OwnershipPath(root: RootNames(image: process.image).place(of: edge), steps: steps)
    }
}

/// Names of edges: the stored property where a layout tells, else the distance of the word in its block.
struct EdgeNames {
    let ownership: Ownership
    let image: MemoryImage

    struct Field {
        let name: String
        /// Bytes into the target that the pointer leads; 0 for its start.
        let offset: UInt64
        let isFunction: Bool
    }

    /// Words of a block that are searched for the pointer.
    private static let searchedBytes: UInt64 = 16 << 20

    func field(from block: BlockID, to target: BlockID) -> Field {
        if let swift = ownership.swift {
            var label: UInt32?
            ownership.forEachHeld(by: block) { held, found in if held == target, label == nil { label = found } }
            if let label {
                let found = swift.labels[Int(label)]
                return Field(name: found.name, offset: 0, isFunction: found.isFunction)
            }
        }
        let index = ownership.graph.index
        let start = index.start(block)
        let window = WindowReader(image.reader, windowBytes: 1 << 16)
        var interior: Field?
        var at: UInt64 = 0
        while at + 8 <= min(index.usable(block), EdgeNames.searchedBytes) {
            if let word = window.word(at: start + at) {
                let found = index.find(word)
                if found >= 0, BlockIndex.id(found) == target {
                    let field = Field(name: "+\(at)", offset: word - index.start(target), isFunction: false)
                    if field.offset == 0 { return field }
                    if interior == nil { interior = field }
                }
            }
            at += 8
        }
        return interior ?? Field(name: "?", offset: 0, isFunction: false)
    }

    /// A type's name, or "N bytes". A closure's context and the box of an indirect enumeration look alike: what they are is
    /// said by who holds them.
    func type(of block: BlockID, from holder: BlockID?) -> String {
        let types = ownership.types
        let type = types.type(of: block)
        if types.entries[Int(type)].kind == .closure, let holder,
            [.swiftClass, .closure].contains(types.kind(of: holder)), !field(from: holder, to: block).isFunction
        {
            return "box"
        }
        return types.name(type) ?? "\(ownership.graph.index.usable(block)) bytes"
    }
}
