package import Model

/// What one saved snapshot comes to, under names that mean the same in another one, of another run or another machine.
package struct GraphDigest: Sendable {
    /// Leaders and blocks of one kind of leak.
    package struct Leak: Hashable, Sendable {
        package let group: LeakGroup
        package var tally: Tally { Tally(blocks: group.totalBlocks, bytes: group.totalBytes) }
    }

    /// A block that keeps much alive, by the way that leads to it.
    package struct Owner: Hashable, Sendable {
        package let path: OwnershipPath
        /// The variable where the way begins, where its name is known.
        package let symbol: Symbol?
        package let retained: Tally
    }

    package let process: ProcessIdentity
    package let secondsSince1970: Int64
    package let alive: Tally
    package let lost: Tally
    /// Whether everything was seen.
    package let isWhole: Bool
    /// What is alive, by type; "N bytes" for blocks without.
    let types: [String: Tally]
    /// By signature.
    let leaks: [String: Leak]
    /// By the names on the way from the root.
    let owners: [String: Owner]
    /// What an owner that is not among them retains at most, in bytes.
    let ownerFloor: UInt64

    /// For reports: a digest with these values.
    init(
        process: ProcessIdentity, secondsSince1970: Int64, alive: Tally, lost: Tally, isWhole: Bool,
        types: [String: Tally], leaks: [String: Leak], owners: [String: Owner], ownerFloor: UInt64
    ) {
        self.process = process
        self.secondsSince1970 = secondsSince1970
        self.alive = alive
        self.lost = lost
        self.isWhole = isWhole
        self.types = types
        self.leaks = leaks
        self.owners = owners
        self.ownerFloor = ownerFloor
    }

    package init(_ saved: SavedGraph) {
        let heap = HeapAnalysis.run(saved.graph)
        let found = LeakAnalysis.result(of: saved.graph, .init()).findings
        process = saved.graph.process
        secondsSince1970 = saved.facts.secondsSince1970
        alive = heap.alive
        lost = heap.lost
        isWhole = heap.exact && heap.gaps.isEmpty
        types = Dictionary(heap.types.map { ($0.name, $0.tally) }) { one, other in
            Tally(blocks: one.blocks + other.blocks, bytes: one.bytes + other.bytes)
        }
        // Of two groups with one name, which a hash of six digits cannot rule out, the larger stands first.
        leaks = Dictionary(
            found.groups.filter { $0.kind != .possible }.map { ($0.signature, Leak(group: $0)) }
        ) { first, _ in first }
        var owners: [String: Owner] = [:]
        for owner in heap.owners {
            let symbol = owner.path.root?.address.flatMap { saved.facts.symbols[$0] }
            let key = GraphDigest.name(of: owner.path, symbol)
            let retained = owners[key]?.retained ?? Tally()
            owners[key] = Owner(
                path: owner.path, symbol: symbol,
                retained: Tally(
                    blocks: retained.blocks + owner.retained.blocks, bytes: retained.bytes + owner.retained.bytes))
        }
        self.owners = owners
        let isFull = heap.owners.count == HeapFindings.ownerLimit
        ownerFloor = isFull ? heap.owners.last?.retained.bytes ?? 0 : HeapAnalysis.leastOwner(of: heap.alive)
    }

    /// The way without addresses and numbers of threads, which differ from run to run, and without sizes: a table that grows
    /// is the same table.
    private static func name(of path: OwnershipPath, _ symbol: Symbol?) -> String {
        var words: [String] = []
        if let root = path.root {
            words.append(root.isThreadLocal ? "thread-local" : root.kind.rawValue)
            words.append(symbol?.name ?? String(decoding: root.threadNameBytes, as: UTF8.self))
            words.append(root.module ?? symbol?.module ?? "")
        }
        for step in path.steps {
            let type = TypeText.isSize(step.type) ? "block" : step.type
            words.append("\(type).\(step.field ?? "")")
        }
        return words.joined(separator: "\u{0}")
    }
}
