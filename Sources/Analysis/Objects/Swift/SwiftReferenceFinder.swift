import Model

/// Finds the references of all Swift objects of an image.
struct SwiftReferenceFinder {
    private typealias Reference = SwiftReferences.Reference
    private typealias Counts = SwiftReferences.Counts
    private typealias Label = SwiftReferences.Label

    private let index: BlockIndex
    private let types: TypeTable
    private let objects: BlockSet
    private let layouts: SwiftLayouts
    private let names: SwiftTypes
    private let window: WindowReader
    private var counts: [Counts] = []
    private var labels: [Label] = []
    private var sideTables: [BlockID] = []
    private var frames: [BlockID: [BlockID]] = [:]
    private var offsets: [UInt32] = [0]
    private var references: [Reference] = []
    private var labelNumbers: [Label: UInt32] = [:]
    /// What existentials and errors were met to hold, by metadata.
    private var values: [UInt64: SwiftLayout.Value?] = [:]

    /// The largest object of which all words are looked at.
    private static let objectLimit: UInt64 = 1 << 30

    init(image: MemoryImage, graph: ObjectGraph, types: TypeTable) {
        let pages = PageCache(image.reader)
        index = graph.index
        self.types = types
        objects = BlockSet(count: index.count) { types.kind(of: BlockID($0)).isCounted }
        layouts = SwiftLayouts(pages: pages)
        names = SwiftTypes(image: image, pages: pages)
        window = WindowReader(image.reader, windowBytes: 1 << 18)
    }

    /// To be called once.
    mutating func find() -> SwiftReferences {
        var known = [Kind?](repeating: nil, count: types.entries.count)
        counts.reserveCapacity(objects.members.count)
        offsets.reserveCapacity(objects.members.count + 1)
        for id in objects.members {
            let start = index.start(id)
            let type = Int(types.type(of: id))
            let kind = known[type] ?? Kind(types.entries[type], layouts.layout(of: types.entries[type], types: names))
            known[type] = kind
            counts.append(counts(at: start))
            addReferences(
                of: Object(kind: kind, start: start, usable: min(index.usable(id), SwiftReferenceFinder.objectLimit)))
            if kind.entry.kind == .task { addFrames(ofTask: start) }
            offsets.append(UInt32(references.count))
        }
        settle()
        return SwiftReferences(
            objects: objects, counts: counts, labels: labels, sideTables: sideTables, frames: frames, offsets: offsets,
            references: references)
    }

    /// A task's allocator keeps frames in a chain of blocks (swift/stdlib/public/runtime/StackAllocator.h): next at +8,
    /// capacity at +16 (u32), bytes in use at +20 (u32), the bytes from +32 on. The first is named in the task, at +120 (as
    /// of 6.3; its own measurements must fit, else nothing is taken for one).
    private mutating func addFrames(ofTask task: UInt64) {
        var next = window.word(at: task &+ 120) ?? 0
        while next != 0, frames.count < objects.members.count + SwiftReferenceFinder.frameLimit {
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

    /// What is known of a type. A class, so that an object of it is no copy of its layout.
    private final class Kind {
        let entry: TypeTable.Entry
        let layout: SwiftLayout

        init(_ entry: TypeTable.Entry, _ layout: SwiftLayout) {
            self.entry = entry
            self.layout = layout
        }
    }

    private struct Object {
        let kind: Kind
        let start: UInt64
        let usable: UInt64

        var layout: SwiftLayout { kind.layout }
    }

    // MARK: - Counts

    private mutating func counts(at start: UInt64) -> Counts {
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

    private mutating func addReferences(of object: Object) {
        switch object.layout.tail {
        case .array(let first, let element):
            guard !element.fields.isEmpty, first <= object.usable, let count = window.word(at: object.start + 16),
                count <= (object.usable - first) / element.stride
            else { return }
            for number in 0..<count { add(element.fields, at: first + number * element.stride, "[i]", object) }
        case .table(let bitmap, let key, let value):
            addTable(bitmap, key, value, object)
        case .error:
            addError(object)
        case .none:
            guard object.layout.isKnown || !object.layout.fields.isEmpty else {
                return add(words: 16..<object.usable, nil, .unknown, object)
            }
            add(object.layout.fields, at: 0, "", object)
            // Behind the declared fields: tail allocation (ManagedBuffer), or fields that could not be decoded.
            guard object.kind.entry.name != "Swift.__StringStorage" else { return }
            let known = object.kind.entry.kind == .swiftClass ? max(object.kind.entry.instanceSize, 16) : object.usable
            let rest = object.layout.isKnown ? known : object.layout.fields.last?.end ?? 16
            add(words: min(rest, object.usable)..<object.usable, nil, .unknown, object)
        }
    }

    private func word(at offset: UInt64, in object: Object) -> UInt64? { window.word(at: object.start + offset) }

    /// The references of a value `offset` bytes from the object's start, which is called `name`.
    private mutating func add(_ fields: [SwiftLayout.Field], at offset: UInt64, _ name: String, _ object: Object) {
        for field in fields where field.kind != .weak && field.kind != .unmanaged {
            guard field.offset < object.usable, offset < object.usable - field.offset else { continue }
            let lower = offset + field.offset
            let upper = lower + min(max(field.end, field.offset) - field.offset, object.usable - lower)
            let label =
                field.name.isEmpty ? name : name.isEmpty ? field.name : name + "." + field.name
            if field.form == .existential, upper - lower >= 32 {
                addExistential(at: lower, label, field.kind, object)
            } else {
                let isFunction = field.form == .function
                add(words: lower..<upper, Label(name: label, isFunction: isFunction), field.kind, object)
            }
        }
    }

    /// Three words of buffer, then the metadata of what is in them: a value that fits, or a pointer to its box. What the
    /// value leaves of the buffer is stale.
    private mutating func addExistential(
        at offset: UInt64, _ name: String, _ kind: ReferenceKind, _ object: Object
    ) {
        guard let metadata = word(at: offset + 24, in: object), metadata != 0 else { return }
        let label = Label(name: name, isFunction: false)
        guard kind == .strong, let value = value(of: metadata) else {
            return add(words: offset..<(offset + 24), label, .unknown, object)
        }
        if !value.isInline {
            add(words: offset..<(offset + 8), label, .strong, object)
        } else if value.size <= 24 {
            add(value.fields, at: offset, name, object)
        }
    }

    /// The box of an error: metadata of the value at +16, its conformance at +24, the value behind that.
    private mutating func addError(_ object: Object) {
        guard let metadata = word(at: 16, in: object), let value = value(of: metadata) else {
            return add(words: 16..<object.usable, nil, .unknown, object)
        }
        let first = (32 + value.alignment - 1) / value.alignment * value.alignment
        add(value.fields, at: first, "value", object)
    }

    private mutating func value(of metadata: UInt64) -> SwiftLayout.Value? {
        if let known = values[metadata] { return known }
        let value = layouts.value(ofMetadata: metadata)
        // Damaged memory may name a new one each time.
        if values.count < SwiftReferenceFinder.valueLimit { values[metadata] = .some(value) }
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
        _ bitmap: UInt64, _ key: SwiftLayout.Value, _ value: SwiftLayout.Value?, _ object: Object
    ) {
        guard let scale = word(at: 32, in: object).map({ $0 & 0xff }), scale < 40 else { return }
        let buckets = UInt64(1) << scale
        guard buckets / 8 <= object.usable, bitmap <= object.usable - buckets / 8 else { return }
        var columns: [(base: UInt64, value: SwiftLayout.Value, name: String)] = []
        for (place, value, name) in [(UInt64(48), Optional(key), "[key]"), (56, value, "[value]")] {
            guard let value, !value.fields.isEmpty, let base = word(at: place, in: object), base >= object.start,
                base - object.start < object.usable
            else { continue }
            columns.append((base - object.start, value, name))
        }
        guard !columns.isEmpty else { return }
        for first in stride(from: 0, to: buckets, by: 64) {
            guard var bits = word(at: bitmap + first / 8, in: object) else { return }
            while bits != 0 {
                let bucket = first + UInt64(bits.trailingZeroBitCount)
                bits &= bits - 1
                guard bucket < buckets else { break }
                for column in columns {
                    add(column.value.fields, at: column.base + bucket * column.value.stride, column.name, object)
                }
            }
        }
    }

    /// Notes what the aligned words of a part of an object lead to. `label` nil: the word's distance from the start.
    private mutating func add(words range: Range<UInt64>, _ label: Label?, _ kind: ReferenceKind, _ object: Object) {
        var offset = (range.lowerBound + 7) & ~7
        let end = min(range.upperBound, object.usable)
        while offset + 8 <= end {
            defer { offset += 8 }
            guard let word = self.word(at: offset, in: object) else { continue }
            // Enumerations and bridged objects keep tags in the bits that no address needs.
            let found = index.find(word & 0x00ff_ffff_ffff_fff8)
            guard found >= 0, !BlockIndex.isInterior(found) else { continue }
            let target = objects.number(of: BlockIndex.id(found))
            guard target >= 0 else { continue }
            let name =
                label
                ?? Label(
                    name: object.layout.elements?.name(at: offset) ?? "+\(offset)", isFunction: false)
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
