import Model

/// The references between the Swift objects of an image, with the field that each stands in, and every object's own count
/// of them.
struct SwiftReferences {
    struct Reference {
        /// Number (in `objects.members`) of the object that it leads to.
        let target: UInt32
        /// Index into `labels`.
        let label: UInt32
        var kind: ReferenceKind
    }

    /// An object's counts (Swift runtime, RefCount.h).
    struct Counts {
        /// References that keep it alive; `.max` for an object that never ends.
        var strong: UInt32
        /// Unowned references, the strong ones' share of one included.
        var unowned: UInt32
        /// Its deinit runs or has run: what is left of it is no object.
        var isEnding: Bool
    }

    /// All blocks that are counted objects.
    let objects: BlockSet
    private(set) var counts: [Counts] = []
    private(set) var labels: [Label] = []
    /// Blocks that are side tables: found by the objects that they belong to.
    private(set) var sideTables: [BlockID] = []
    /// Blocks with frames of asynchronous functions, and what the part of each leads to that is in use: the rest keeps words
    /// of frames that have ended.
    private(set) var frames: [BlockID: [BlockID]] = [:]
    /// `offsets[i] ..< offsets[i + 1]` are the references of object i.
    private var offsets: [UInt32] = [0]
    private var references: [Reference] = []
    private var labelNumbers: [Label: UInt32] = [:]
    /// What existentials and errors were met to hold, by metadata.
    private var values: [UInt64: SwiftLayout.Value?] = [:]

    /// Where a reference stands in its object.
    struct Label: Hashable {
        /// The stored property, "capture", "[i]", or "+16" where no name is known.
        let name: String
        let isFunction: Bool
    }

    /// The largest object of which all words are looked at.
    private static let objectLimit: UInt64 = 1 << 30

    /// References as they were once found. All numbers must fit each other.
    init(
        objects: BlockSet, counts: [Counts], labels: [Label], sideTables: [BlockID], frames: [BlockID: [BlockID]],
        offsets: [UInt32], references: [Reference]
    ) {
        self.objects = objects
        self.counts = counts
        self.labels = labels
        self.sideTables = sideTables
        self.frames = frames
        self.offsets = offsets
        self.references = references
    }

    /// Whether an object's second word says that its counts have moved to a side table.
    static func hasSideTable(_ word: UInt64) -> Bool { word >> 62 == 3 }

    init(image: MemoryImage, graph: ObjectGraph, types: TypeTable) {
        let index = graph.index
        objects = BlockSet(count: index.count) { types.kind(of: BlockID($0)).isCounted }
        let pages = PageCache(image.reader)
        let layouts = SwiftLayouts(pages: pages)
        let names = SwiftTypes(image: image, pages: pages)
        var known: [TypeID: SwiftLayout] = [:]
        counts.reserveCapacity(objects.members.count)
        offsets.reserveCapacity(objects.members.count + 1)
        let window = WindowReader(image.reader, windowBytes: 1 << 18)
        for id in objects.members {
            let start = index.start(id)
            let type = types.type(of: id)
            let layout = known[type] ?? layouts.layout(of: types.entries[Int(type)], types: names)
            known[type] = layout
            counts.append(counts(at: start, index, window))
            let object = Object(
                id: id, start: start, usable: min(index.usable(id), SwiftReferences.objectLimit),
                entry: types.entries[Int(type)], layout: layout)
            addReferences(of: object, index, window, layouts)
            if object.entry.kind == .task { addFrames(ofTask: start, index, window, types) }
            offsets.append(UInt32(references.count))
        }
        settle()
    }

    /// A task's allocator keeps frames in a chain of blocks (swift/stdlib/public/runtime/StackAllocator.h): next at +8,
    /// capacity at +16 (u32), bytes in use at +20 (u32), the bytes from +32 on. The first is named in the task, at +120 (as
    /// of 6.3; its own measurements must fit, else nothing is taken for one).
    private mutating func addFrames(
        ofTask task: UInt64, _ index: BlockIndex, _ window: WindowReader, _ types: TypeTable
    ) {
        var next = window.word(at: task &+ 120) ?? 0
        while next != 0, frames.count < objects.members.count + SwiftReferences.frameLimit {
            let found = index.find(next)
            guard found >= 0, !BlockIndex.isInterior(found), let measure = window.word(at: next &+ 16) else { return }
            let id = BlockIndex.id(found)
            let (capacity, used) = (measure & 0xffff_ffff, measure >> 32)
            let usable = index.usable(id)
            guard frames[id] == nil, types.kind(of: id) == .none, used <= capacity, capacity + 32 <= usable,
                usable - capacity - 32 < 32
            else { return }
            var targets: [BlockID] = []
            for offset in stride(from: 32, to: 32 + (used & ~7), by: 8) {
                let target = window.word(at: next + offset).map(index.find) ?? -1
                if target >= 0, BlockIndex.id(target) != id { targets.append(BlockIndex.id(target)) }
            }
            next = window.word(at: next + 8) ?? 0
            let following = index.find(next)
            if following >= 0 { targets.append(BlockIndex.id(following)) }
            frames[id] = targets
        }
    }

    private static let frameLimit = 65_536

    private struct Object {
        let id: BlockID
        let start: UInt64
        let usable: UInt64
        let entry: TypeTable.Entry
        let layout: SwiftLayout
    }

    /// The references of object number `number`.
    func references(of number: Int) -> ArraySlice<Reference> {
        references[Int(offsets[number])..<Int(offsets[number + 1])]
    }

    // MARK: - Counts

    private mutating func counts(at start: UInt64, _ index: BlockIndex, _ window: WindowReader) -> Counts {
        guard var word = window.word(at: start + 8) else { return Counts(strong: .max, unowned: 1, isEnding: false) }
        if SwiftReferences.hasSideTable(word) {
            // The counts have moved to a side table, a block of its own.
            let table = (word & 0x3fff_ffff_ffff_ffff) << 3
            let found = index.find(table)
            if found >= 0, !BlockIndex.isInterior(found) { sideTables.append(BlockIndex.id(found)) }
            guard let counts = window.word(at: table &+ 16) else {
                return Counts(strong: .max, unowned: 1, isEnding: false)
            }
            word = counts
        }
        if word & 0xffff_ffff == 0xffff_ffff { return Counts(strong: .max, unowned: 1, isEnding: false) }
        return Counts(
            strong: UInt32((word >> 33) & 0x3fff_ffff) + 1, unowned: UInt32((word & 0xffff_ffff) >> 1),
            isEnding: word >> 32 & 1 != 0)
    }

    // MARK: - References

    private mutating func addReferences(
        of object: Object, _ index: BlockIndex, _ window: WindowReader, _ layouts: SwiftLayouts
    ) {
        let place = Place(object: object, index: index, window: window, layouts: layouts)
        switch object.layout.tail {
        case .array(let first, let element):
            guard !element.fields.isEmpty, first <= object.usable, let count = window.word(at: object.start + 16),
                count <= (object.usable - first) / element.stride
            else { return }
            for number in 0..<count { add(element.fields, at: first + number * element.stride, "[i]", place) }
        case .table(let bitmap, let key, let value):
            addTable(bitmap, key, value, place)
        case .error:
            addError(place)
        case .none:
            guard object.layout.isKnown || !object.layout.fields.isEmpty else {
                return add(words: 16..<object.usable, nil, .unknown, place)
            }
            add(object.layout.fields, at: 0, "", place)
            // Behind the declared fields: tail allocation (ManagedBuffer), or fields that could not be decoded.
            guard object.entry.name != "Swift.__StringStorage" else { return }
            let known = object.entry.kind == .swiftClass ? max(object.entry.instanceSize, 16) : object.usable
            let rest = object.layout.isKnown ? known : object.layout.fields.last?.end ?? 16
            add(words: min(rest, object.usable)..<object.usable, nil, .unknown, place)
        }
    }

    /// What is needed to read the parts of one object.
    private struct Place {
        let object: Object
        let index: BlockIndex
        let window: WindowReader
        let layouts: SwiftLayouts

        func word(at offset: UInt64) -> UInt64? { window.word(at: object.start + offset) }
    }

    /// The references of a value `offset` bytes from the object's start, which is called `name`.
    private mutating func add(_ fields: [SwiftLayout.Field], at offset: UInt64, _ name: String, _ place: Place) {
        for field in fields where field.kind != .weak && field.kind != .unmanaged {
            guard field.offset < place.object.usable, offset < place.object.usable - field.offset else { continue }
            let lower = offset + field.offset
            let upper = lower + min(max(field.end, field.offset) - field.offset, place.object.usable - lower)
            let label =
                field.name.isEmpty ? name : name.isEmpty ? field.name : name + "." + field.name
            if field.form == .existential, upper - lower >= 32 {
                addExistential(at: lower, label, field.kind, place)
            } else {
                let isFunction = field.form == .function
                add(words: lower..<upper, Label(name: label, isFunction: isFunction), field.kind, place)
            }
        }
    }

    /// Three words of buffer, then the metadata of what is in them: a value that fits, or a pointer to its box. What the
    /// value leaves of the buffer is stale.
    private mutating func addExistential(
        at offset: UInt64, _ name: String, _ kind: ReferenceKind, _ place: Place
    ) {
        guard let metadata = place.word(at: offset + 24), metadata != 0 else { return }
        let label = Label(name: name, isFunction: false)
        guard kind == .strong, let value = value(of: metadata, place.layouts) else {
            return add(words: offset..<(offset + 24), label, .unknown, place)
        }
        if !value.isInline {
            add(words: offset..<(offset + 8), label, .strong, place)
        } else if value.size <= 24 {
            add(value.fields, at: offset, name, place)
        }
    }

    /// The box of an error: metadata of the value at +16, its conformance at +24, the value behind that.
    private mutating func addError(_ place: Place) {
        guard let metadata = place.word(at: 16), let value = value(of: metadata, place.layouts) else {
            return add(words: 16..<place.object.usable, nil, .unknown, place)
        }
        let first = (32 + value.alignment - 1) / value.alignment * value.alignment
        add(value.fields, at: first, "value", place)
    }

    private mutating func value(of metadata: UInt64, _ layouts: SwiftLayouts) -> SwiftLayout.Value? {
        if let known = values[metadata] { return known }
        let value = layouts.value(ofMetadata: metadata)
        // Damaged memory may name a new one each time.
        if values.count < SwiftReferences.valueLimit { values[metadata] = .some(value) }
        return value
    }

    private static let valueLimit = 65_536

    /// Words of unknown kind are taken for unowned references where the object counts as many of them. If they are strong
    /// after all, the object's strong count is larger than what was found, and nothing is certain of it.
    private mutating func settle() {
        guard references.contains(where: { $0.kind == .unknown }) else { return }
        var open = [UInt32](repeating: 0, count: counts.count)
        for reference in references {
            if reference.kind == .unknown { open[Int(reference.target)] &+= 1 }
            // These have been found already.
            if reference.kind == .unowned, counts[Int(reference.target)].unowned > 1 {
                open[Int(reference.target)] &+= 1
            }
        }
        for number in references.indices where references[number].kind == .unknown {
            let target = Int(references[number].target)
            if counts[target].unowned > open[target] { references[number].kind = .unowned }
        }
    }

    /// `_DictionaryStorage` and `_SetStorage`: scale at +32, keys and values where +48 and +56 say, and one bit a bucket that
    /// says whether it is occupied.
    private mutating func addTable(
        _ bitmap: UInt64, _ key: SwiftLayout.Value, _ value: SwiftLayout.Value?, _ place: Place
    ) {
        let object = place.object
        guard let scale = place.word(at: 32).map({ $0 & 0xff }), scale < 40 else { return }
        let buckets = UInt64(1) << scale
        guard buckets / 8 <= object.usable, bitmap <= object.usable - buckets / 8 else { return }
        var columns: [(base: UInt64, value: SwiftLayout.Value, name: String)] = []
        for (word, value, name) in [(UInt64(48), Optional(key), "[key]"), (56, value, "[value]")] {
            guard let value, !value.fields.isEmpty, let base = place.word(at: word), base >= object.start,
                base - object.start < object.usable
            else { continue }
            columns.append((base - object.start, value, name))
        }
        guard !columns.isEmpty else { return }
        for first in stride(from: 0, to: buckets, by: 64) {
            guard var bits = place.word(at: bitmap + first / 8) else { return }
            while bits != 0 {
                let bucket = first + UInt64(bits.trailingZeroBitCount)
                bits &= bits - 1
                guard bucket < buckets else { break }
                for column in columns {
                    add(column.value.fields, at: column.base + bucket * column.value.stride, column.name, place)
                }
            }
        }
    }

    /// Notes what the aligned words of a part of an object lead to. `label` nil: the word's distance from the start.
    private mutating func add(words range: Range<UInt64>, _ label: Label?, _ kind: ReferenceKind, _ place: Place) {
        var offset = (range.lowerBound + 7) & ~7
        let end = min(range.upperBound, place.object.usable)
        while offset + 8 <= end {
            defer { offset += 8 }
            guard let word = place.word(at: offset) else { continue }
            // Enumerations and bridged objects keep tags in the bits that no address needs.
            let found = place.index.find(word & 0x00ff_ffff_ffff_fff8)
            guard found >= 0, !BlockIndex.isInterior(found) else { continue }
            let target = objects.number(of: BlockIndex.id(found))
            guard target >= 0 else { continue }
            let name =
                label
                ?? Label(
                    name: place.object.layout.elements?.name(at: offset) ?? "+\(offset)", isFunction: false)
            references.append(Reference(target: UInt32(target), label: labelNumber(name), kind: kind))
        }
    }

    private mutating func labelNumber(_ label: Label) -> UInt32 {
        if let number = labelNumbers[label] { return number }
        let number = UInt32(labels.count)
        labels.append(label)
        labelNumbers[label] = number
        return number
    }
}
