import Model

/// Puts leaders that look alike together: same verdict, type (size where there is none), and the same kinds of blocks below.
struct LeakGrouping {
    let image: MemoryImage
    let forest: LostForest
    let ownership: Ownership
    /// nil where the process has no counted objects.
    let trial: TrialDeletion?
    let addressLimit: Int

    private var types: TypeTable { ownership.types }

    /// More kinds than this below one leader are all the same shape: "many".
    private static let shapeLimit = 16
    private static let heldKindsShown = 5

    /// Distinct sizes that are counted below one group; more are counted by power of two.
    private static let exactSizeLimit = 64

    /// What a block below a leader is: its type, or its size when it has none.
    private struct Kind: Hashable, Comparable {
        let type: TypeID
        let size: UInt64

        /// For comparing shapes: untyped sizes are rounded up to powers of two, so that lists of strings of different lengths
        /// are one shape.
        var rounded: Kind { Kind(type: type, size: size.roundedUpToPowerOfTwo) }

        static func < (left: Kind, right: Kind) -> Bool { (left.type, left.size) < (right.type, right.size) }
    }

    private struct Key: Hashable {
        let kind: LeakGroup.Kind
        let certainty: LeakGroup.Certainty
        let cycle: [CycleStep]
        /// 0 where there is a type: malloc may give one of two like objects 16 bytes more, and buffers have any size.
        let size: UInt64
        let type: TypeID
        let shape: [Kind]
    }

    private struct Group {
        /// Usable sizes of the leaders.
        var sizes: ClosedRange<UInt64>
        var references: LeakGroup.References?
        var count = 0
        var bytes: UInt64 = 0
        var held = Tally()
        var heldKinds: [Kind: Int] = [:]
        var addresses: [UInt64] = []

        mutating func add(leader address: UInt64, _ usable: UInt64, _ below: Tally, _ kinds: [Kind: Int], _ limit: Int)
        {
            sizes = min(sizes.lowerBound, usable)...max(sizes.upperBound, usable)
            count += 1
            bytes += usable
            held.blocks += below.blocks
            held.bytes += below.bytes
            for (kind, blocks) in kinds {
                let isNew = heldKinds[kind] == nil && heldKinds.count >= LeakGrouping.exactSizeLimit
                heldKinds[isNew ? kind.rounded : kind, default: 0] += blocks
            }
            if addresses.count < limit { addresses.append(address) }
        }
    }

    struct Result {
        /// Largest total first.
        let groups: [LeakGroup]
        /// Per leader of the forest: the number of its group.
        let groupOf: [UInt32]
    }

    /// The groups of all leaders.
    func run() -> Result {
        var numbers: [Key: Int] = [:]
        var groups: [Group] = []
        var groupOf: [UInt32] = []
        let paths = CyclePaths(image: image, forest: forest, ownership: ownership)
        var pathBudget = LeakGrouping.pathLimit
        for leader in forest.leaders {
            let usable = forest.index.usable(leader.id)
            let number = forest.lost.number(of: leader.id)
            var kinds: [Kind: Int] = [:]
            var held = Tally()
            for other in forest.held[leader.held] {
                let size = forest.index.usable(forest.lost.members[Int(other)])
                held.add(size)
                let type = forest.types[Int(other)]
                kinds[Kind(type: type, size: type == 0 ? size : 0), default: 0] += 1
            }
            let rounded = Set(kinds.keys.map(\.rounded))
            let shape = rounded.count <= LeakGrouping.shapeLimit ? rounded.sorted() : [Kind(type: .max, size: .max)]
            let counted = counts(of: leader.id)
            let isRing = leader.ringBlocks > 1 || forest.holdsItself(number)
            var cycle: [CycleStep] = []
            if isRing, pathBudget > 0 {
                pathBudget -= leader.ringBlocks
                cycle = LeakGrouping.canonical(paths.path(from: leader.id))
            }
            let isOverRetained = !isRing && counted.map { $0.strong > $0.found } ?? false
            let key = Key(
                kind: isRing ? .cycle : isOverRetained ? .overRetained : .definite,
                certainty: counted?.isGarbage == true ? .certain : .unreachable, cycle: cycle,
                size: forest.types[number] == 0 ? usable : 0, type: forest.types[number], shape: shape)
            let place = numbers[key] ?? groups.count
            if place == groups.count {
                numbers[key] = place
                groups.append(Group(sizes: usable...usable))
            }
            groups[place].add(leader: forest.index.start(leader.id), usable, held, kinds, addressLimit)
            if isOverRetained, let counted {
                groups[place].references = .init(counted: counted.strong, found: counted.found)
            }
            groupOf.append(UInt32(place))
        }
        let named = numbers.map { key, place in (group: leakGroup(key, groups[place]), place: place) }
            .sorted { left, right in
                let (a, b) = (left.group, right.group)
                return (a.totalBytes, a.count, b.signature) > (b.totalBytes, b.count, a.signature)
            }
        var order = [UInt32](repeating: 0, count: named.count)
        for (number, entry) in named.enumerated() { order[entry.place] = UInt32(number) }
        return Result(groups: named.map(\.group), groupOf: groupOf.map { order[Int($0)] })
    }

    /// The ring read from that block of the leader's type which makes the text smallest: which of two like blocks leads is
    /// up to their addresses.
    private static func canonical(_ cycle: [CycleStep]) -> [CycleStep] {
        let turns = cycle.indices.filter { cycle[$0].type == cycle[0].type }.map { Array(cycle[$0...] + cycle[..<$0]) }
        return turns.min { left, right in
            left.lexicographicallyPrecedes(right) { ($0.type, $0.field) < ($1.type, $1.field) }
        } ?? []
    }

    /// Blocks on rings whose way around is looked for, in all.
    private static let pathLimit = 2_000_000

    /// A lost Swift object's counts: (references it counts, references found, whether only garbage holds it).
    private func counts(of id: BlockID) -> (strong: Int, found: Int, isGarbage: Bool)? {
        guard let swift = ownership.swift, let trial else { return nil }
        let number = swift.objects.number(of: id)
        guard number >= 0, !swift.counts[number].isEnding, swift.counts[number].strong != .max else { return nil }
        return (Int(swift.counts[number].strong), Int(trial.found[number]), trial.isGarbage[number])
    }

    private func leakGroup(_ key: Key, _ group: Group) -> LeakGroup {
        let type = types.name(key.type)
        var signature = Signature()
        signature.add(key.kind.rawValue)
        signature.add(type ?? "\(key.size)")
        for step in key.cycle { signature.add(step.type + "." + step.field) }
        for name in key.shape.map(name).sorted() { signature.add(name) }
        // Several types have one name: the contexts of different closures.
        let heldKinds = Dictionary(group.heldKinds.map { (name($0.key), $0.value) }, uniquingKeysWith: +)
            .map { LeakGroup.HeldKind(name: $0.key, blocks: $0.value) }
            .sorted { ($0.blocks, $1.name) > ($1.blocks, $0.name) }
        let addresses = group.addresses.sorted()
        var result = LeakGroup(
            kind: key.kind, count: group.count, size: group.sizes.lowerBound, type: type,
            pointsTo: type == nil ? PointerTargets(image: image).describe(addresses.first, key.size) : nil,
            bytes: group.bytes, held: group.held, heldKinds: Array(heldKinds.prefix(LeakGrouping.heldKindsShown)),
            addresses: addresses, signature: signature.text)
        result.largestSize = group.sizes.upperBound
        result.cycle = key.cycle
        result.certainty = key.certainty
        result.breakAt = CyclePaths.breakingPoint(of: key.cycle)
        result.references = group.references
        return result
    }

    private func name(_ kind: Kind) -> String {
        if kind.type == .max { return "many kinds" }
        return types.name(kind.type) ?? "\(kind.size) bytes"
    }
}

/// Groups of possibly lost blocks, by size and type. They have no leaders: each block counts for itself.
struct PossibleGrouping {
    let types: TypeTable
    let addressLimit: Int

    private struct Key: Hashable {
        /// 0 where there is a type.
        let size: UInt64
        let type: TypeID
    }

    private struct Group {
        var tally = Tally()
        var sizes: ClosedRange<UInt64>
        var addresses: [UInt64] = []
    }

    func groups(of states: [UInt8], index: BlockIndex) -> [LeakGroup] {
        var groups: [Key: Group] = [:]
        for id in states.indices where states[id] == Verdict.possible.rawValue {
            let usable = index.usable(BlockID(id))
            let type = types.type(of: BlockID(id))
            let key = Key(size: type == 0 ? usable : 0, type: type)
            var group = groups.removeValue(forKey: key) ?? Group(sizes: usable...usable)
            group.tally.add(usable)
            group.sizes = min(group.sizes.lowerBound, usable)...max(group.sizes.upperBound, usable)
            if group.addresses.count < addressLimit { group.addresses.append(index.start(BlockID(id))) }
            groups[key] = group
        }
        return groups.map { key, group in
            let type = types.name(key.type)
            var signature = Signature()
            signature.add("possible")
            signature.add(type ?? "\(key.size)")
            var result = LeakGroup(
                kind: .possible, count: group.tally.blocks, size: group.sizes.lowerBound, type: type, pointsTo: nil,
                bytes: group.tally.bytes, held: Tally(), heldKinds: [], addresses: group.addresses.sorted(),
                signature: signature.text)
            result.largestSize = group.sizes.upperBound
            return result
        }
        .sorted { ($0.bytes, $0.count, $1.signature) > ($1.bytes, $1.count, $0.signature) }
    }
}

/// A short name for a group that is the same in every run: FNV-1a over its parts, six hexadecimal digits.
struct Signature {
    private var hash: UInt64 = 0xcbf2_9ce4_8422_2325

    mutating func add(_ part: String) {
        for byte in part.utf8 { mix(byte) }
        mix(0)
    }

    private mutating func mix(_ byte: UInt8) {
        hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
    }

    var text: String {
        let digits = String((hash ^ hash >> 24 ^ hash >> 48) & 0xff_ffff, radix: 16)
        return String(repeating: "0", count: 6 - digits.count) + digits
    }
}

extension UInt64 {
    /// The lowest power of two that is not smaller; 0 for 0.
    var roundedUpToPowerOfTwo: UInt64 {
        guard self > 1 else { return self }
        let shift = 64 - (self - 1).leadingZeroBitCount
        return shift < 64 ? 1 << UInt64(shift) : .max
    }
}
