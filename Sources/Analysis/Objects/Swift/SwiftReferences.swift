import Model

/// The references between the Swift objects of an image, with the field that each stands in, and every object's own count
/// of them.
struct SwiftReferences {
    struct Reference {
        /// Number (in `objects.members`) of the object that it leads to.
        let target: UInt32
        /// Index into `labels`.
        let label: UInt32
        let kind: ReferenceKind
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
    /// `offsets[i] ..< offsets[i + 1]` are the references of object i.
    private var offsets: [UInt32] = [0]
    private var references: [Reference] = []
    private var labelNumbers: [Label: UInt32] = [:]

    /// Where a reference stands in its object.
    struct Label: Hashable {
        /// The stored property, "capture", "[i]", or "+16" where no name is known.
        let name: String
        let isFunction: Bool
    }

    /// The largest object of which all words are looked at.
    private static let objectLimit: UInt64 = 1 << 30

    init(image: MemoryImage, graph: ObjectGraph, types: TypeTable) {
        let index = graph.index
        objects = BlockSet(count: index.count) { types.kind(of: BlockID($0)).isCounted }
        let pages = PageCache(image.reader)
        let layouts = SwiftLayouts(image: image, pages: pages)
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
            addReferences(of: object, index, window)
            offsets.append(UInt32(references.count))
        }
    }

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
        if word >> 62 == 3 {
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

    private mutating func addReferences(of object: Object, _ index: BlockIndex, _ window: WindowReader) {
        switch object.layout.tail {
        case .array(let first, let stride, let kind):
            guard kind != .unmanaged, first <= object.usable, let count = window.word(at: object.start + 16),
                count <= (object.usable - first) / stride
            else { return }
            let label = Label(name: "[i]", isFunction: false)
            add(words: first..<(first + count * stride), label, kind, object, index, window)
        case .table(let keyStride, let valueStride):
            addTable(object, keyStride, valueStride, index, window)
        case .none:
            if object.layout.isKnown || !object.layout.fields.isEmpty {
                for field in object.layout.fields where field.kind != .weak && field.kind != .unmanaged {
                    let label = Label(name: field.name, isFunction: field.isFunction)
                    add(
                        words: field.offset..<max(field.offset, min(field.end, object.usable)), label, field.kind,
                        object, index, window)
                }
                // Behind the declared fields: tail allocation (ManagedBuffer), or fields that could not be decoded.
                let known = object.entry.kind == .swiftClass ? max(object.entry.instanceSize, 16) : object.usable
                let rest = object.layout.isKnown ? known : object.layout.fields.last?.end ?? 16
                if object.entry.name != "Swift.__StringStorage" {
                    add(words: min(rest, object.usable)..<object.usable, nil, .unknown, object, index, window)
                }
            } else {
                add(words: 16..<object.usable, nil, .unknown, object, index, window)
            }
        }
    }

    /// `_DictionaryStorage` and `_SetStorage`: scale at +32, keys and values where +48 and +56 say, and from +64 on one bit a
    /// bucket that says whether it is occupied.
    private mutating func addTable(
        _ object: Object, _ keyStride: UInt64, _ valueStride: UInt64, _ index: BlockIndex, _ window: WindowReader
    ) {
        guard let scale = window.word(at: object.start + 32).map({ $0 & 0xff }), scale < 40,
            let keys = window.word(at: object.start + 48), let values = window.word(at: object.start + 56)
        else { return }
        let buckets = UInt64(1) << scale
        guard buckets / 8 <= object.usable else { return }
        var bucket: UInt64 = 0
        while bucket < buckets {
            guard var bits = window.word(at: object.start + 64 + bucket / 8) else { return }
            while bits != 0 {
                let number = bucket + UInt64(bits.trailingZeroBitCount)
                bits &= bits - 1
                guard number < buckets else { break }
                for (base, stride, name) in [(keys, keyStride, "[key]"), (values, valueStride, "[value]")]
                where stride > 0 && base >= object.start {
                    let lower = base - object.start + number * stride
                    guard lower < object.usable, stride <= object.usable - lower else { continue }
                    let label = Label(name: name, isFunction: false)
                    add(words: lower..<(lower + stride), label, .strong, object, index, window)
                }
            }
            bucket += 64
        }
    }

    /// Notes what the aligned words of a part of an object lead to. `label` nil: the word's distance from the start.
    private mutating func add(
        words range: Range<UInt64>, _ label: Label?, _ kind: ReferenceKind, _ object: Object, _ index: BlockIndex,
        _ window: WindowReader
    ) {
        var offset = (range.lowerBound + 7) & ~7
        while offset + 8 <= min(range.upperBound, object.usable) {
            defer { offset += 8 }
            guard let word = window.word(at: object.start + offset) else { continue }
            // Enumerations and bridged objects keep tags in the bits that no address needs.
            let found = index.find(word & 0x00ff_ffff_ffff_fff8)
            guard found >= 0, !BlockIndex.isInterior(found), BlockIndex.id(found) != object.id || kind == .strong
            else { continue }
            let target = objects.number(of: BlockIndex.id(found))
            guard target >= 0 else { continue }
            references.append(
                Reference(
                    target: UInt32(target), label: labelNumber(label ?? Label(name: "+\(offset)", isFunction: false)),
                    kind: kind))
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
