import Model

/// The lost blocks in order: who leads, who hangs below whom, and what is a ring.
///
/// A leader stands for a component that no other lost block points into. Each other lost block belongs to exactly one
/// leader, the first that leads to it, so that nothing is counted twice.
struct LostForest {
    struct Leader {
        let id: BlockID
        /// Number of blocks on the ring that it stands for; 1 when it is no ring.
        let ringBlocks: Int
        /// Numbers (in `lost.members`) of what hangs below, the leader not included: a part of `held`.
        let held: Range<Int>
    }

    let index: BlockIndex
    let lost: BlockSet
    /// Per lost block: its type.
    let types: [LeadingTypes.TypeID]
    /// In ascending order of address among small blocks.
    private(set) var leaders: [Leader] = []
    /// What hangs below the leaders, leader by leader.
    private(set) var held: [UInt32] = []
    private(set) var definite = Tally()
    private(set) var indirect = Tally()
    private(set) var cycles = Tally()
    private(set) var cycleCount = 0

    init(graph: ObjectGraph, lost: BlockSet, types: LeadingTypes, reader: any MemoryReader) {
        index = graph.index
        self.lost = lost
        self.types = LostForest.typesOf(lost.members, graph.index, types, reader)

        func neighbours(_ number: Int, _ body: (Int) -> Void) {
            let id = lost.members[number]
            for target in graph.targets(of: id) {
                let other = lost.number(of: target)
                if other >= 0 { body(other) }
            }
            for edge in graph.interiorEdges(of: id) {
                let other = lost.number(of: edge.target)
                if other >= 0 { body(other) }
            }
        }
        let components = Components(count: lost.members.count, neighbours: neighbours)
        appoint(components, neighbours)
    }

    /// Chooses a leader for each component that is not entered, and gives each what can be reached from it first.
    private mutating func appoint(_ components: Components, _ neighbours: (Int, (Int) -> Void) -> Void) {
        let count = lost.members.count
        var best = [UInt32](repeating: .max, count: components.sizes.count)
        for number in 0..<count {
            let component = Int(components.component[number])
            if components.sizes[component] > 1 { cycles.add(index.usable(lost.members[number])) }
            guard !components.isEntered[component] else { continue }
            if best[component] == .max || leads(number, Int(best[component])) { best[component] = UInt32(number) }
        }
        cycleCount = components.sizes.count { $0 > 1 }

        var isTaken = [Bool](repeating: false, count: count)
        for number in 0..<count where best[Int(components.component[number])] == UInt32(number) {
            isTaken[number] = true
        }
        var stack: [Int] = []
        for number in 0..<count where best[Int(components.component[number])] == UInt32(number) {
            let first = held.count
            stack.append(number)
            while let current = stack.popLast() {
                neighbours(current) { other in
                    if !isTaken[other] {
                        isTaken[other] = true
                        held.append(UInt32(other))
                        stack.append(other)
                    }
                }
            }
            let id = lost.members[number]
            definite.add(index.usable(id))
            for other in held[first...] { indirect.add(index.usable(lost.members[Int(other)])) }
            let ring = Int(components.sizes[Int(components.component[number])])
            leaders.append(Leader(id: id, ringBlocks: ring, held: first..<held.count))
        }
    }

    /// Whether block `left` is the better one to stand for their ring. The choice must be the same for all rings of a
    /// kind, so that they form one group: a typed block first, then the larger, then the lower address.
    private func leads(_ left: Int, _ right: Int) -> Bool {
        if (types[left] != 0) != (types[right] != 0) { return types[left] != 0 }
        let sizes = (index.usable(lost.members[left]), index.usable(lost.members[right]))
        if sizes.0 != sizes.1 { return sizes.0 > sizes.1 }
        if types[left] != types[right] { return types[left] < types[right] }
        return left < right
    }

    private static func typesOf(
        _ members: [BlockID], _ index: BlockIndex, _ types: LeadingTypes, _ reader: any MemoryReader
    ) -> [LeadingTypes.TypeID] {
        let window = WindowReader(reader, windowBytes: 1 << 16)
        return members.map { id in
            let start = index.start(id)
            guard let first = window.word(at: start), let second = window.word(at: start + 8) else { return 0 }
            return types.type(first: first, second: second)
        }
    }
}
