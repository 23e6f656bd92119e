import Model

/// Puts leaders that look alike together: same verdict, size, type, and the same kinds of blocks below.
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
        let size: UInt64
        let type: TypeID
        let shape: [Kind]
    }

    private struct Group {
        var references: LeakGroup.References?
        var count = 0
        var bytes: UInt64 = 0
        var held = Tally()
        var heldKinds: [Kind: Int] = [:]
        var addresses: [UInt64] = []

        mutating func add(leader address: UInt64, _ usable: UInt64, _ below: Tally, _ kinds: [Kind: Int], _ limit: Int)
        {
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

    /// The groups of all leaders, largest total first.
    func groups() -> [LeakGroup] {
        var groups: [Key: Group] = [:]
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
            let isRing = leader.ringBlocks > 1 || (counted != nil && forest.holdsItself(number))
            var cycle: [CycleStep] = []
            if isRing, pathBudget > 0 {
                pathBudget -= leader.ringBlocks
                cycle = paths.path(from: leader.id)
            }
            let isOverRetained = !isRing && counted.map { $0.strong > $0.found } ?? false
            let key = Key(
                kind: isRing ? .cycle : isOverRetained ? .overRetained : .definite,
                certainty: counted?.isGarbage == true ? .certain : .unreachable, cycle: cycle, size: usable,
                type: forest.types[number], shape: shape)
            groups[key, default: Group()].add(leader: forest.index.start(leader.id), usable, held, kinds, addressLimit)
            if isOverRetained, let counted {
                groups[key]?.references = .init(counted: counted.strong, found: counted.found)
            }
        }
        return groups.map { key, group in leakGroup(key, group) }
            .sorted { ($0.totalBytes, $0.count, $1.signature) > ($1.totalBytes, $1.count, $0.signature) }
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
        signature.add("\(key.size)")
        signature.add(type ?? "")
        for step in key.cycle { signature.add(step.type + "." + step.field) }
        for name in key.shape.map(name).sorted() { signature.add(name) }
        // Several types have one name: the contexts of different closures.
        let heldKinds = Dictionary(group.heldKinds.map { (name($0.key), $0.value) }, uniquingKeysWith: +)
            .map { LeakGroup.HeldKind(name: $0.key, blocks: $0.value) }
            .sorted { ($0.blocks, $1.name) > ($1.blocks, $0.name) }
        let addresses = group.addresses.sorted()
        var result = LeakGroup(
            kind: key.kind, count: group.count, size: key.size, type: type,
            pointsTo: type == nil ? PointerTargets(image: image).describe(addresses.first, key.size) : nil,
            bytes: group.bytes, held: group.held, heldKinds: Array(heldKinds.prefix(LeakGrouping.heldKindsShown)),
            addresses: addresses, signature: signature.text)
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
        let size: UInt64
        let type: TypeID
    }

    func groups(of states: [UInt8], index: BlockIndex) -> [LeakGroup] {
        var groups: [Key: (tally: Tally, addresses: [UInt64])] = [:]
        for id in states.indices where states[id] == Verdict.possible.rawValue {
            let start = index.start(BlockID(id))
            let usable = index.usable(BlockID(id))
            let type = types.type(of: BlockID(id))
            var group = groups[Key(size: usable, type: type)] ?? (Tally(), [])
            group.tally.add(usable)
            if group.addresses.count < addressLimit { group.addresses.append(start) }
            groups[Key(size: usable, type: type)] = group
        }
        return groups.map { key, group in
            var signature = Signature()
            signature.add("possible")
            signature.add("\(key.size)")
            signature.add(types.name(key.type) ?? "")
            return LeakGroup(
                kind: .possible, count: group.tally.blocks, size: key.size, type: types.name(key.type), pointsTo: nil,
                bytes: group.tally.bytes, held: Tally(), heldKinds: [], addresses: group.addresses.sorted(),
                signature: signature.text)
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
