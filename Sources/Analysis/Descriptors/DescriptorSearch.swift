import Model

/// Finds the numbers of open descriptors in lost objects: in fields that keep descriptors by their names, and only where no
/// object in use that has such a field keeps the same. Blocks without a type say of none of their numbers what it is.
///
/// Fields of Swift classes have their names in memory. Those of C++ classes only debug information names, which is not read
/// here: of them all places with such a number are kept, to be named or dropped later.
struct DescriptorSearch {
    struct Result {
        /// What C++ objects in use keep of the numbers in groups' `unnamedNumbers`, at places without a name as well.
        var inUse: [DescriptorOwner] = []
        /// What was not looked at.
        var gaps: [Gap] = []
    }

    private let process: ProcessGraph
    private let open: Set<Int32>
    private let highest: Int32
    private let window: WindowReader

    /// 0 to 2 belong to the whole program; most fields that are 0 say that there is none.
    private static let first: Int32 = 3
    /// Of a C++ object so many bytes are looked at.
    private static let objectLimit: UInt64 = 4096
    /// Places with numbers, of all groups.
    private static let placeLimit = 1 << 16
    /// Bytes of C++ objects, and of blocks without a type, in use that are looked at.
    private static let inUseLimit: UInt64 = 256 << 20

    init(_ process: ProcessGraph, open: Set<Int32>) {
        self.process = process
        self.open = open.filter { $0 >= DescriptorSearch.first }
        highest = self.open.max() ?? 0
        // Lost objects mostly lie apart.
        window = WindowReader(process.image.reader, windowBytes: 1 << 13)
    }

    /// Where in the blocks of a type numbers may stand.
    private enum Fields {
        case known([DescriptorField])
        /// Of a C++ class: names come later. `base`: where the object begins in its block.
        case unnamed(base: UInt64)
    }

    private struct Place: Hashable {
        let type: TypeID
        /// From the start of the block.
        let offset: UInt64
    }

    /// A class in a group.
    private struct Class: Hashable {
        let group: UInt32
        let type: TypeID
    }

    private struct Owned: Hashable, Comparable {
        let group: UInt32
        let place: Place

        static func < (left: Owned, right: Owned) -> Bool {
            (left.group, left.place.type, left.place.offset) < (right.group, right.place.type, right.place.offset)
        }
    }

    // MARK: - Search

    /// Adds to each group the descriptors that only its blocks keep.
    func join(_ forest: LostForest, groupOf: [UInt32], into groups: inout [LeakGroup]) -> Result {
        guard !open.isEmpty, !forest.lost.members.isEmpty else { return Result() }
        var result = Result()
        let fields = fields(of: Set(forest.types))
        var found: [Owned: Set<Int32>] = [:]
        var objects: [Class: Int] = [:]
        var untyped = UntypedNumbers()
        for (number, leader) in forest.leaders.enumerated() {
            let group = groupOf[number]
            func take(_ block: BlockID, isBelow: Bool) {
                let type = process.types.type(of: block)
                guard type != 0 else {
                    let kind = UntypedNumbers.Kind(
                        group: group, isBelow: isBelow, size: process.index.usable(block))
                    return untyped.add(kind) { forEachNumber(in: block, .unnamed(base: 0), $0) }
                }
                objects[Class(group: group, type: type), default: 0] += 1
                forEachNumber(in: block, fields[Int(type)]) { offset, value in
                    let owned = Owned(group: group, place: Place(type: type, offset: offset))
                    if found[owned] != nil || found.count < DescriptorSearch.placeLimit {
                        found[owned, default: []].insert(value)
                    }
                }
            }
            take(leader.id, isBelow: false)
            for other in forest.held[leader.held] { take(forest.lost.members[Int(other)], isBelow: true) }
        }
        if untyped.blocks > 0 {
            result.gaps.append(
                Gap(
                    what: "\(Units.counted(untyped.blocks, "lost block")) without a type",
                    reason: "C structures do not tell which of their numbers are descriptors"))
            for (group, suspect) in suspects(in: untyped) { groups[Int(group)].suspects.append(suspect) }
        }
        guard !found.isEmpty else { return result }
        let used = numbersInUse(found, lost: fields)
        for (owned, all) in found.sorted(by: { $0.key < $1.key }) {
            let numbers = all.subtracting(used.named)
            guard !numbers.isEmpty else { continue }
            var owner = owner(owned.place, numbers, fields[Int(owned.place.type)])
            if FieldNames.offset(owner.field) == nil {
                groups[Int(owned.group)].add(owner)
            } else {
                let count = objects[Class(group: owned.group, type: owned.place.type)] ?? 0
                owner.isDistinct = DescriptorOwner.isDistinct(all, of: count)
                groups[Int(owned.group)].unnamedNumbers.append(owner)
            }
        }
        result.inUse = used.unnamed
        if !used.isComplete {
            result.gaps.append(
                Gap(
                    what: "some C++ objects in use",
                    reason: "there are too many to see whether one keeps the number of a lost object's descriptor"))
        }
        return result
    }

    /// Whose every block has another number of a descriptor that no FILE has, nor a block of the same size in use at the same
    /// place; by group.
    private func suspects(in untyped: UntypedNumbers) -> [(group: UInt32, suspect: DescriptorOwner)] {
        let suspects = untyped.suspects
        guard !suspects.isEmpty else { return [] }
        let sizes = Set(suspects.map(\.kind.size))
        let streams = Set(process.streams.streams.map(\.descriptor))
        var used: [UInt64: [UInt64: Set<Int32>]] = [:]
        var bytesLeft = DescriptorSearch.inUseLimit
        for number in 0..<process.index.count where !process.isLost(BlockID(number)) {
            let block = BlockID(number)
            let usable = process.index.usable(block)
            guard sizes.contains(usable), process.types.type(of: block) == 0 else { continue }
            // More than can be looked at: nothing is suspected.
            guard usable <= bytesLeft else { return [] }
            bytesLeft -= usable
            forEachNumber(in: block, .unnamed(base: 0)) { used[usable, default: [:]][$0, default: []].insert($1) }
        }
        return suspects.compactMap { kind, offset, numbers in
            DescriptorOwner(
                type: "block of \(kind.size) bytes", field: "+\(offset)", numbers: numbers.sorted(), isDistinct: true
            )
            .suspected(without: streams.union(used[kind.size]?[offset] ?? [])).map { (kind.group, $0) }
        }
    }

    private struct Used {
        /// In fields that have names.
        var named: Set<Int32> = []
        /// At places of C++ objects.
        var unnamed: [DescriptorOwner] = []
        var isComplete = true
    }

    /// Which of these numbers objects in use keep: those in fields of Swift classes, and all that may be one of C++ classes.
    private func numbersInUse(_ found: [Owned: Set<Int32>], lost: [Fields]) -> Used {
        let types = process.types
        let fields = fields(of: Set(types.entries.indices.map { TypeID($0) }))
        var wanted: Set<Int32> = []
        var wantedOfUnnamed: Set<Int32> = []
        for (owned, numbers) in found {
            wanted.formUnion(numbers)
            if case .unnamed = lost[Int(owned.place.type)] { wantedOfUnnamed.formUnion(numbers) }
        }
        var used = Used()
        var unnamed: [Place: Set<Int32>] = [:]
        var bytesLeft = DescriptorSearch.inUseLimit
        for number in types.ofBlock.indices where !process.isLost(BlockID(number)) {
            let block = BlockID(number)
            let type = types.type(of: block)
            switch fields[Int(type)] {
            case .known(let known) where known.isEmpty: continue
            case .known:
                forEachNumber(in: block, fields[Int(type)]) { _, value in
                    if wanted.contains(value) { used.named.insert(value) }
                }
            case .unnamed:
                guard !wantedOfUnnamed.isEmpty, used.isComplete else { continue }
                let bytes = min(process.index.usable(block), DescriptorSearch.objectLimit)
                guard bytes <= bytesLeft, unnamed.count < DescriptorSearch.placeLimit else {
                    used.isComplete = false
                    continue
                }
                bytesLeft -= bytes
                forEachNumber(in: block, fields[Int(type)]) { offset, value in
                    guard wantedOfUnnamed.contains(value) else { return }
                    unnamed[Place(type: type, offset: offset), default: []].insert(value)
                }
            }
        }
        used.unnamed = unnamed.map { owner($0.key, $0.value, fields[Int($0.key.type)]) }
        return used
    }

    private func owner(_ place: Place, _ numbers: Set<Int32>, _ fields: Fields) -> DescriptorOwner {
        let entry = process.types.entries[Int(place.type)]
        switch fields {
        case .known(let fields):
            let name = fields.first { $0.offset == place.offset }?.name ?? ""
            return DescriptorOwner(type: entry.name, field: name, numbers: numbers.sorted())
        case .unnamed(let base):
            let type = entry.control?.object ?? entry.name
            return DescriptorOwner(type: type, field: "+\(place.offset - base)", numbers: numbers.sorted())
        }
    }

    // MARK: - Fields

    /// By type; nothing is known of those that are not in `wanted`.
    private func fields(of wanted: Set<TypeID>) -> [Fields] {
        let pages = PageCache(process.image.reader)
        let (layouts, names) = (SwiftLayouts(pages: pages), SwiftTypes(image: process.image, pages: pages))
        return process.types.entries.enumerated().map { number, entry in
            guard wanted.contains(TypeID(number)) else { return .known([]) }
            switch entry.kind {
            case .swiftClass: return .known(layouts.descriptorFields(of: entry, types: names))
            case .cxx:
                guard let control = entry.control else { return .unnamed(base: 0) }
                return control.isInline ? .unnamed(base: ControlBlock.objectOffset) : .known([])
            case .none, .closure, .box, .error, .task, .sideTable, .frames: return .known([])
            }
        }
    }

    /// Calls `body` with each number of an open descriptor in these fields of a block, and where in the block it stands.
    private func forEachNumber(in block: BlockID, _ fields: Fields, _ body: (UInt64, Int32) -> Void) {
        if case .known(let known) = fields, known.isEmpty { return }
        let start = process.index.start(block)
        let usable = process.index.usable(block) & ~7
        /// In the four bytes at `offset`.
        func value(at offset: UInt64) -> Int32? {
            guard offset & 3 == 0, offset < usable, let word = window.word(at: start + (offset & ~7)) else {
                return nil
            }
            return Int32(truncatingIfNeeded: word >> (offset & 4 == 0 ? 0 : 32))
        }
        switch fields {
        case .known(let fields):
            for field in fields {
                guard let number = value(at: field.offset), open.contains(number) else { continue }
                // An optional without a value.
                if field.isOptional, let tag = value(at: field.offset + 4), tag & 0xff != 0 { continue }
                body(field.offset, number)
            }
        case .unnamed(let base):
            for offset in stride(from: base, to: min(usable, DescriptorSearch.objectLimit), by: 4) {
                if let number = value(at: offset), number >= DescriptorSearch.first, number <= highest,
                    open.contains(number)
                {
                    body(offset, number)
                }
            }
        }
    }
}

extension SwiftLayouts {
    /// The stored properties of a class that keep descriptors: an `Int32` whose name says so, a `FileDescriptor`.
    func descriptorFields(of entry: TypeTable.Entry, types: SwiftTypes) -> [DescriptorField] {
        layout(of: entry, types: types).fields.compactMap { field in
            guard let number = field.number, number.isDescriptor || DescriptorFieldName.says(field.name) else {
                return nil
            }
            return DescriptorField(
                offset: field.offset, name: DescriptorFieldName.plain(field.name), isOptional: number.isOptional)
        }
    }
}
