import Model

/// Who holds whom among the lost blocks, by their numbers.
struct LostEdges {
    let ownership: Ownership
    let lost: BlockSet

    /// Calls `body` with the number of each lost block that lost block `number` holds.
    func forEach(from number: Int, _ body: (Int) -> Void) {
        ownership.forEachHeld(by: lost.members[number]) { target, _ in
            let other = lost.number(of: target)
            if other >= 0 { body(other) }
        }
    }

    /// Goes from `start` on to whatever `enter` lets in; it must let no block in twice.
    func flood(from start: Int, _ enter: (Int) -> Bool) {
        guard enter(start) else { return }
        var stack = [start]
        while let current = stack.popLast() {
            forEach(from: current) { if enter($0) { stack.append($0) } }
        }
    }
}

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
    let edges: LostEdges
    let components: Components
    private let ownership: Ownership
    /// Per lost block: its type.
    let types: [TypeID]
    /// In ascending order of address among small blocks.
    private(set) var leaders: [Leader] = []
    /// What hangs below the leaders, leader by leader.
    private(set) var held: [UInt32] = []
    private(set) var definite = Tally()
    private(set) var indirect = Tally()
    private(set) var cycles = Tally()
    private(set) var cycleCount = 0

    init(ownership: Ownership, lost: BlockSet) {
        self.ownership = ownership
        index = ownership.graph.index
        self.lost = lost
        self.types = lost.members.map { ownership.types.type(of: $0) }
        edges = LostEdges(ownership: ownership, lost: lost)
        components = Components(count: lost.members.count, neighbours: edges.forEach)
        appoint()
    }

    /// The forest of those lost blocks whose number `isKept` accepts.
    func keeping(_ isKept: (Int) -> Bool) -> LostForest {
        let kept = BlockSet(count: index.count) { id in
            let number = lost.number(of: BlockID(id))
            return number >= 0 && isKept(number)
        }
        return LostForest(ownership: ownership, lost: kept)
    }

    /// Chooses a leader for each component that is not entered, and gives each what can be reached from it first.
    private mutating func appoint() {
        let count = lost.members.count
        var isLeader = [Bool](repeating: false, count: count)
        var ofType = [UInt32](repeating: 0, count: ownership.types.entries.count)
        components.forEachComponent { component, members in
            if members.count > 1 {
                cycleCount += 1
                for number in members {
                    cycles.add(index.usable(lost.members[Int(number)]))
                    ofType[Int(types[Int(number)])] += 1
                }
            }
            if !components.isEntered[component], var best = members.first {
                for number in members.dropFirst() where leads(Int(number), Int(best), ofType) { best = number }
                isLeader[Int(best)] = true
            }
            if members.count > 1 { for number in members { ofType[Int(types[Int(number)])] = 0 } }
        }

        var isTaken = isLeader
        var stack: [Int] = []
        for number in 0..<count where isLeader[number] {
            let first = held.count
            stack.append(number)
            while let current = stack.popLast() {
                edges.forEach(from: current) { other in
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

    /// Whether lost block number `number` holds itself: a closure that captures nothing but its owner leads straight back.
    func holdsItself(_ number: Int) -> Bool {
        guard types[number] != 0 else { return false }
        var result = false
        let block = lost.members[number]
        // Other C++ objects and C structures have pointers into themselves that own nothing.
        let isShared = ownership.types.control(of: block) != nil
        ownership.forEachHeld(by: block) { target, label in
            if target == block, label != nil || isShared { result = true }
        }
        return result
    }

    /// Whether block `left` is the better one to stand for their ring. The choice must be the same for all rings of a
    /// kind, so that they form one group.
    /// - Parameter ofType: how many of each type are on the ring.
    private func leads(_ left: Int, _ right: Int, _ ofType: [UInt32]) -> Bool {
        let ranks = (rank(left), rank(right))
        if ranks.0 != ranks.1 { return ranks.0 > ranks.1 }
        // The one room of three members stands for them, not a member.
        let counts = (ofType[Int(types[left])], ofType[Int(types[right])])
        if counts.0 != counts.1 { return counts.0 < counts.1 }
        let sizes = (index.usable(lost.members[left]), index.usable(lost.members[right]))
        if sizes.0 != sizes.1 { return sizes.0 > sizes.1 }
        if types[left] != types[right] {
            let names = (ownership.types.name(types[left]) ?? "", ownership.types.name(types[right]) ?? "")
            if names.0 != names.1 { return names.0 < names.1 }
        }
        return left < right
    }

    /// The program's own types say more than closures and the buffers of the standard library, those more than no type.
    private func rank(_ number: Int) -> Int {
        let entry = ownership.types.entries[Int(types[number])]
        switch entry.kind {
        case .none, .sideTable, .frames: return 0
        case .closure, .box, .error, .task: return 1
        case .swiftClass, .cxx:
            return entry.name.hasPrefix("Swift._") || entry.control?.isInline == false ? 1 : 2
        }
    }
}
