import Model

/// What a stored reference does for the object that it leads to.
package enum ReferenceKind: UInt8, Sendable {
    /// Keeps it alive; counted in its strong count.
    case strong
    /// Leads to its side table; never keeps it alive.
    case weak
    /// Keeps its memory, not the object; counted in its unowned count.
    case unowned
    /// A plain pointer.
    case unmanaged
    /// A word whose kind is not known: it may keep the object alive.
    case unknown
}

/// Where the references of one Swift type lie, from its metadata.
struct SwiftLayout {
    /// How the words of a part are to be read.
    enum Form {
        /// Each may be a reference.
        case words
        /// The second is a closure's context.
        case function
        /// Three words of buffer, and metadata that says what is in them.
        case existential
    }

    /// A run of bytes of an instance or a value that belongs to one stored property or capture.
    struct Field {
        var offset: UInt64
        /// Exclusive.
        var end: UInt64
        /// With the names of the structures around it ("frame.window"); empty for a value's only part.
        var name: String
        var kind: ReferenceKind
        var form = Form.words
        /// Its end was decoded, not taken from where the next field begins.
        var isExact = false
        /// nil for everything that is no number of four bytes with a sign.
        var number: Number?
    }

    /// An `Int32`: what descriptors are.
    struct Number {
        /// The byte behind it is 0 where there is one.
        var isOptional = false
        /// Of a `FileDescriptor`, whatever the property is called.
        var isDescriptor = false
    }

    /// The parts of a value outside of an instance: an array's element, what an existential holds.
    struct Value {
        let size: UInt64
        let stride: UInt64
        let alignment: UInt64
        /// Whether an existential's buffer holds it; else the buffer leads to a box.
        let isInline: Bool
        /// Empty where it holds no references.
        let fields: [Field]
    }

    /// What follows behind the stored properties.
    enum Tail {
        case none
        /// `count` at +16; elements from `first` on.
        case array(first: UInt64, Value)
        /// The storage of a dictionary or set: a bitmap of occupied buckets, keys and values elsewhere in the block.
        case table(bitmap: UInt64, key: Value, value: Value?)
        /// The box of an error: metadata of what it holds at +16, the value behind it.
        case error
    }

    /// Elements of which only the type is known, not how many there are: behind the header of a `ManagedBuffer`.
    struct Elements {
        let first: UInt64
        let element: Value

        /// What the word at `offset` belongs to; nil in front of the elements.
        func name(at offset: UInt64) -> String? {
            guard offset >= first else { return nil }
            let place = (offset - first) % element.stride
            let part = element.fields.first { place >= $0.offset && place < $0.end }?.name ?? ""
            return part.isEmpty ? "elements[i]" : "elements[i]." + part
        }
    }

    /// Ascending, without overlaps.
    var fields: [Field]
    var tail: Tail
    /// nil where nothing is known of what lies behind the stored properties.
    var elements: Elements?
    /// False where nothing is known of the instance's contents: every word may be a reference.
    var isKnown: Bool

    static let unknown = SwiftLayout(fields: [], tail: .none, isKnown: false)
}

/// Decodes layouts from metadata in memory: class metadata, field descriptors, capture descriptors (Swift ABI 5.0 and
/// later; checked with 6.3.1). Every count and offset is checked before it is used.
struct SwiftLayouts {
    let pages: PageCache
    private let work = Work()

    /// Damaged memory can describe structures that hold each other in ever new ways: in all, only so many fields are looked
    /// at. What comes after that is not known.
    private final class Work {
        var recordsLeft = 2_000_000
    }

    /// Takes `count` field records from what may be read; false when there are not so many left.
    func mayRead(_ count: UInt32) -> Bool {
        guard work.recordsLeft >= Int(count) else { return false }
        work.recordsLeft -= Int(count)
        return true
    }

    init(pages: PageCache) { self.pages = pages }

    private static let superclassLimit = 32
    private static let nameLimit = 256

    func layout(of entry: TypeTable.Entry, types: SwiftTypes) -> SwiftLayout {
        switch entry.kind {
        case .swiftClass: return classLayout(entry, types)
        case .closure: return captureLayout(entry.head)
        case .box: return boxLayout(entry.head)
        case .error: return SwiftLayout(fields: [], tail: .error, isKnown: true)
        case .task, .none, .cxx, .sideTable, .frames: return .unknown
        }
    }

    /// A generic box holds one value; its metadata is named at +16 of the box's own.
    private func boxLayout(_ metadata: UInt64) -> SwiftLayout {
        guard let boxed = pages.word(at: metadata &+ 16), let value = value(ofMetadata: boxed) else {
            return SwiftLayout(
                fields: [.init(offset: 16, end: .max, name: "value", kind: .unknown)], tail: .none, isKnown: false)
        }
        let first = (16 + value.alignment - 1) / value.alignment * value.alignment
        return SwiftLayout(
            fields: SwiftLayouts.placed(value.fields, at: first, in: "value"), tail: .none, isKnown: true)
    }

    /// A value's parts where it is the part `name` of something.
    static func placed(_ fields: [SwiftLayout.Field], at offset: UInt64, in name: String) -> [SwiftLayout.Field] {
        fields.map { field in
            var field = field
            field.offset += offset
            field.end += offset
            field.name = field.name.isEmpty ? name : name.isEmpty ? field.name : name + "." + field.name
            return field
        }
    }

    // MARK: - Classes

    private func classLayout(_ entry: TypeTable.Entry, _ types: SwiftTypes) -> SwiftLayout {
        if let storage = storageLayout(entry, types) { return storage }
        var fields: [SwiftLayout.Field] = []
        var metadata = entry.head
        var isKnown = true
        var elements: SwiftLayout.Elements?
        for _ in 0..<SwiftLayouts.superclassLimit where metadata != 0 {
            guard let own = ownFields(of: metadata, types) else {
                isKnown = false
                break
            }
            fields += own
            elements = elements ?? bufferElements(metadata, types)
            guard let superclass = pages.word(at: metadata &+ 8) else { break }
            metadata = superclass
        }
        fields.sort { $0.offset < $1.offset }
        // A field ends where the next one begins.
        for (number, next) in zip(fields.indices, fields.dropFirst().map(\.offset) + [entry.instanceSize])
        where !fields[number].isExact || fields[number].end > next {
            fields[number].end = next
        }
        return SwiftLayout(fields: fields, tail: .none, elements: elements, isKnown: isKnown)
    }

    /// Where `ManagedBuffer<Header, Element>` keeps its elements: behind the header, which begins behind the counts.
    private func bufferElements(_ metadata: UInt64, _ types: SwiftTypes) -> SwiftLayout.Elements? {
        guard let descriptor = pages.word(at: metadata &+ 40), descriptor != 0,
            contextName(descriptor) == "ManagedBuffer", isStandard(descriptor),
            let arguments = types.genericArguments(ofClass: metadata), arguments.count == 2,
            let header = value(ofMetadata: arguments[0]), let element = value(ofMetadata: arguments[1])
        else { return nil }
        func rounded(_ offset: UInt64, to alignment: UInt64) -> UInt64 {
            (offset + alignment - 1) / alignment * alignment
        }
        let end = rounded(16, to: header.alignment) + header.size
        return SwiftLayout.Elements(first: rounded(end, to: element.alignment), element: element)
    }

    /// The stored properties that a class declares itself; nil where its metadata does not tell.
    private func ownFields(of metadata: UInt64, _ types: SwiftTypes) -> [SwiftLayout.Field]? {
        guard let descriptor = pages.word(at: metadata &+ 40), descriptor != 0,
            let flags = pages.word32(at: descriptor), flags & 0x1f == 16,
            let count = pages.word32(at: descriptor &+ 36), count <= SwiftLayouts.fieldLimit,
            let vector = pages.word32(at: descriptor &+ 40), vector < 1 << 16
        else { return nil }
        guard count > 0 else { return [] }
        guard let records = fieldRecords(descriptor, count: count),
            let base = types.fieldOffsetBase(descriptor, flags)
        else { return nil }
        let arguments = types.genericArguments(ofClass: metadata) ?? []
        var fields: [SwiftLayout.Field] = []
        for (number, record) in records.enumerated() {
            guard let offset = pages.word(at: metadata &+ base &+ (UInt64(vector) + UInt64(number)) * 8), offset >= 16,
                offset < 1 << 24
            else { return nil }
            if let parameter = record.type.parameter, parameter < arguments.count,
                let value = value(ofMetadata: arguments[parameter])
            {
                fields += SwiftLayouts.placed(value.fields, at: offset, in: record.name)
            } else {
                fields += SwiftLayouts.placed(parts(of: record.type), at: offset, in: record.name)
            }
        }
        return fields
    }

    // MARK: - Field descriptors

    struct Record {
        let name: String
        let type: MangledType
    }

    /// Names and types from the field descriptor of a type's context descriptor: a header of 16 bytes (number of fields at
    /// +12) and records of 12 (flags, mangled type, name; the latter two relative).
    func fieldRecords(_ context: UInt64, count: UInt32) -> [Record]? {
        guard count <= SwiftLayouts.fieldLimit, let descriptor = relative(context &+ 16),
            let stated = pages.word32(at: descriptor &+ 12), stated >= count, mayRead(count)
        else { return nil }
        var records: [Record] = []
        for number in 0..<UInt64(count) {
            let record = descriptor &+ 16 &+ number * 12
            guard let type = relative(record &+ 4), let name = relative(record &+ 8),
                let bytes = pages.cString(at: name, limit: SwiftLayouts.nameLimit)
            else { return nil }
            let text = String(decoding: bytes, as: UTF8.self)
            records.append(Record(name: SwiftLayouts.written(text), type: MangledType(at: type, pages: pages)))
        }
        return records
    }

    static let fieldLimit: UInt32 = 1024

    /// The name as it stands in the source: the storage of a lazy property has a prefix.
    private static func written(_ name: String) -> String {
        let prefix = "$__lazy_storage_$_"
        return name.hasPrefix(prefix) ? String(name.dropFirst(prefix.count)) : name
    }

    func contextName(_ descriptor: UInt64) -> String? {
        relative(descriptor &+ 8).flatMap { pages.cString(at: $0, limit: SwiftLayouts.nameLimit) }
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// A 32-bit offset relative to its own address.
    func relative(_ address: UInt64) -> UInt64? {
        pages.word32(at: address).flatMap {
            $0 == 0 ? nil : address &+ UInt64(bitPattern: Int64(Int32(bitPattern: $0)))
        }
    }
}
