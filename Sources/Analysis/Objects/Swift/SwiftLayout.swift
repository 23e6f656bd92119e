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
    /// A run of bytes of an instance that belongs to one stored property or capture.
    struct Field {
        let offset: UInt64
        /// Exclusive.
        let end: UInt64
        let name: String
        let kind: ReferenceKind
        /// Its type is a function: what it leads to is a closure's context.
        var isFunction = false
    }

    /// What follows behind the stored properties.
    enum Tail {
        case none
        /// `count` at +16; elements from `first` on.
        case array(first: UInt64, stride: UInt64, kind: ReferenceKind)
        /// The storage of a dictionary or set: a bitmap of occupied buckets at +64, keys and values elsewhere in the block.
        case table(keyStride: UInt64, valueStride: UInt64)
    }

    /// Ascending, without overlaps.
    var fields: [Field]
    var tail: Tail
    /// False where nothing is known of the instance's contents: every word may be a reference.
    var isKnown: Bool

    static let unknown = SwiftLayout(fields: [], tail: .none, isKnown: false)

    /// The field that holds the word at `offset`; nil between fields.
    func field(at offset: UInt64) -> Field? {
        // Few types have more than a handful of fields.
        fields.first { offset >= $0.offset && offset < $0.end }
    }
}

/// Decodes layouts from metadata in memory: class metadata, field descriptors, capture descriptors (Swift ABI 5.0 and
/// later; checked with 6.3.1). Every count and offset is checked before it is used.
struct SwiftLayouts {
    let image: MemoryImage
    let pages: PageCache

    private static let fieldLimit = 1024
    private static let superclassLimit = 32
    private static let nameLimit = 256

    func layout(of entry: TypeTable.Entry, types: SwiftTypes) -> SwiftLayout {
        switch entry.kind {
        case .swiftClass: return classLayout(entry, types)
        case .closure: return captureLayout(entry.head)
        case .box:
            return SwiftLayout(
                fields: [.init(offset: 16, end: .max, name: "value", kind: .unknown)], tail: .none, isKnown: false)
        case .error, .task, .none, .cxx, .sideTable: return .unknown
        }
    }

    // MARK: - Classes

    private func classLayout(_ entry: TypeTable.Entry, _ types: SwiftTypes) -> SwiftLayout {
        if let storage = storageLayout(entry, types) { return storage }
        var fields: [SwiftLayout.Field] = []
        var metadata = entry.head
        var isKnown = true
        for _ in 0..<SwiftLayouts.superclassLimit where metadata != 0 {
            guard let own = ownFields(of: metadata) else {
                isKnown = false
                break
            }
            fields += own
            guard let superclass = pages.word(at: metadata &+ 8) else { break }
            metadata = superclass
        }
        fields.sort { $0.offset < $1.offset }
        // A field ends where the next one begins.
        let ends = fields.dropFirst().map(\.offset) + [entry.instanceSize]
        fields = zip(fields, ends).map { field, end in
            .init(offset: field.offset, end: end, name: field.name, kind: field.kind, isFunction: field.isFunction)
        }
        return SwiftLayout(fields: fields, tail: .none, isKnown: isKnown)
    }

    /// The stored properties that a class declares itself; nil where its metadata does not tell. Without end.
    private func ownFields(of metadata: UInt64) -> [SwiftLayout.Field]? {
        guard let descriptor = pages.word(at: metadata &+ 40), descriptor != 0,
            let flags = pages.word32(at: descriptor), flags & 0x1f == 16,
            let count = pages.word32(at: descriptor &+ 36), count <= SwiftLayouts.fieldLimit,
            let vector = pages.word32(at: descriptor &+ 40), vector < 1 << 16
        else { return nil }
        guard count > 0 else { return [] }
        guard let records = fieldRecords(descriptor &+ 16, count: Int(count)) else { return nil }
        var fields: [SwiftLayout.Field] = []
        for (number, record) in records.enumerated() {
            guard let offset = pages.word(at: metadata &+ (UInt64(vector) + UInt64(number)) * 8), offset >= 16,
                offset < 1 << 24
            else { return nil }
            fields.append(
                .init(
                    offset: offset, end: offset, name: record.name, kind: record.kind, isFunction: record.isFunction))
        }
        return fields
    }

    /// Names and reference kinds from a field descriptor: a header of 16 bytes (number of fields at +12) and records of 12
    /// (flags, mangled type, name; the latter two relative).
    private func fieldRecords(_ reference: UInt64, count: Int) -> [(
        name: String, kind: ReferenceKind, isFunction: Bool
    )]? {
        guard let descriptor = relative(reference), let stated = pages.word32(at: descriptor &+ 12), stated >= count
        else { return nil }
        var records: [(String, ReferenceKind, Bool)] = []
        for number in 0..<UInt64(count) {
            let record = descriptor &+ 16 &+ number * 12
            guard let type = relative(record &+ 4), let name = relative(record &+ 8),
                let bytes = pages.cString(at: name, limit: SwiftLayouts.nameLimit)
            else { return nil }
            let text = MangledType(at: type, pages: pages).text
            let isFunction = text.hasSuffix("c") || text.hasSuffix("cSg")
            records.append((String(decoding: bytes, as: UTF8.self), kind(ofMangled: type), isFunction))
        }
        return records
    }

    // MARK: - Standard library storage

    /// The buffers of arrays, dictionaries and sets keep their elements behind their own fields.
    private func storageLayout(_ entry: TypeTable.Entry, _ types: SwiftTypes) -> SwiftLayout? {
        let name = entry.name
        if name.hasPrefix("Swift._ContiguousArrayStorage<"),
            let argument = types.genericArguments(ofClass: entry.head)?.first, let element = values(argument)
        {
            let first = (32 + element.alignment - 1) / element.alignment * element.alignment
            return SwiftLayout(
                fields: [],
                tail: .array(
                    first: first, stride: element.stride,
                    kind: element.isPlain ? .unmanaged : elementKind(argument, element.stride)),
                isKnown: true)
        }
        if name.hasPrefix("Swift._DictionaryStorage<"), let arguments = types.genericArguments(ofClass: entry.head),
            arguments.count >= 2, let key = values(arguments[0]), let value = values(arguments[1])
        {
            return SwiftLayout(
                fields: [],
                tail: .table(keyStride: key.isPlain ? 0 : key.stride, valueStride: value.isPlain ? 0 : value.stride),
                isKnown: true)
        }
        if name.hasPrefix("Swift._SetStorage<"),
            let key = types.genericArguments(ofClass: entry.head)?.first.flatMap(values)
        {
            return SwiftLayout(
                fields: [], tail: .table(keyStride: key.isPlain ? 0 : key.stride, valueStride: 0), isKnown: true)
        }
        if name == "Swift.__StringStorage" { return SwiftLayout(fields: [], tail: .none, isKnown: true) }
        return nil
    }

    /// From the value witness table, one word before the metadata: size +64, stride +72, flags +80 (alignment mask in the
    /// low byte, bit 16: not plain data).
    private func values(_ metadata: UInt64) -> (stride: UInt64, alignment: UInt64, isPlain: Bool)? {
        guard let table = pages.word(at: metadata &- 8), table & 7 == 0, let stride = pages.word(at: table &+ 72),
            stride > 0, stride < 1 << 20, let flags = pages.word32(at: table &+ 80)
        else { return nil }
        return (stride, UInt64(flags & 0xff) + 1, flags & 0x1_0000 == 0)
    }

    /// What the words of an element are: one kind, or not known where an element may hold references of several kinds, or
    /// has a buffer that is not always full (an existential of more than two words).
    private func elementKind(_ metadata: UInt64, _ stride: UInt64) -> ReferenceKind {
        guard let kind = pages.word(at: metadata) else { return .unknown }
        switch kind {
        case 0: return .strong
        case 0x200, 0x201, 0x202:
            guard let descriptor = pages.word(at: metadata &+ 8), descriptor != 0 else { return .unknown }
            return holdsUncounted(descriptor, depth: 0) ? .unknown : .strong
        default: return stride <= 16 ? .strong : .unknown
        }
    }

    // MARK: - Closures

    /// Metadata of a closure's context: offset of the first capture at +8 (u32), capture descriptor at +16: number of
    /// captures, of metadata sources, of bindings, and then the captures' mangled types, relative.
    private func captureLayout(_ metadata: UInt64) -> SwiftLayout {
        guard let first = pages.word32(at: metadata &+ 8), first >= 16, first < 1 << 16,
            let descriptor = pages.word(at: metadata &+ 16), descriptor != 0, let count = pages.word32(at: descriptor),
            count > 0, count < 256
        else { return .unknown }
        var fields: [SwiftLayout.Field] = []
        var offset = UInt64(first)
        for number in 0..<UInt64(count) {
            guard let type = relative(descriptor &+ 12 &+ number * 4) else { return .unknown }
            let kind = kind(ofMangled: type)
            let text = MangledType(at: type, pages: pages).text
            let isFunction = text.hasSuffix("c") || text.hasSuffix("cSg")
            guard number + 1 < UInt64(count) else {
                fields.append(.init(offset: offset, end: .max, name: "capture", kind: kind, isFunction: isFunction))
                break
            }
            guard let size = captureSize(type, kind) else {
                // From here on it is not known which capture a word belongs to.
                fields.append(.init(offset: offset, end: .max, name: "capture", kind: .unknown))
                break
            }
            offset = (offset + size.alignment - 1) / size.alignment * size.alignment
            fields.append(
                .init(offset: offset, end: offset + size.bytes, name: "capture", kind: kind, isFunction: isFunction))
            offset += size.bytes
        }
        return SwiftLayout(fields: fields, tail: .none, isKnown: true)
    }

    private func captureSize(_ mangled: UInt64, _ kind: ReferenceKind) -> (bytes: UInt64, alignment: UInt64)? {
        if kind == .weak || kind == .unowned { return (8, 8) }
        let name = MangledType(at: mangled, pages: pages)
        if let context = name.context, name.text.isEmpty || name.text == "Sg" {
            // A class is one word, optional or not.
            guard let flags = pages.word32(at: context) else { return nil }
            return flags & 0x1f == 16 ? (8, 8) : nil
        }
        switch name.text {
        case "Si", "Su", "Sd", "SV", "Sv", "s5Int64V", "s6UInt64V": return (8, 8)
        case "SS": return (16, 8)
        case "Sb", "s5UInt8V", "s4Int8V": return (1, 1)
        case "Sf", "s5Int32V", "s6UInt32V": return (4, 4)
        default:
            // Functions are two words (the second is the context), arrays and dictionaries one.
            if name.text.hasSuffix("c") || name.text.hasSuffix("cSg") { return (16, 8) }
            if name.text.hasPrefix("Say") || name.text.hasPrefix("SDy") || name.text.hasPrefix("Shy") { return (8, 8) }
            return nil
        }
    }

    // MARK: - Mangled types

    private func kind(ofMangled address: UInt64) -> ReferenceKind {
        let type = MangledType(at: address, pages: pages)
        if type.text.hasSuffix("Xw") { return .weak }
        if type.text.hasSuffix("Xo") { return .unowned }
        if type.text.hasSuffix("Xu") { return .unmanaged }
        // Pointers and numbers of the standard library; Unmanaged<T>.
        let plain = ["SV", "Sv", "SP", "Sp", "SR", "Sr", "SW", "Sw", "Si", "Su", "Sb", "Sd", "Sf", "s9UnmanagedV"]
        if type.context == nil, plain.contains(where: { type.text.hasPrefix($0) }) { return .unmanaged }
        if let context = type.context, let flags = pages.word32(at: context) {
            if contextName(context) == "Unmanaged" { return .unmanaged }
            // A structure or enumeration may hold references of any kind: its words are not told apart.
            if flags & 0x1f == 17 || flags & 0x1f == 18, holdsUncounted(context, depth: 0) { return .unknown }
        }
        return .strong
    }

    /// Whether a structure or enumeration has a stored weak, unowned or unmanaged reference, its own parts included.
    private func holdsUncounted(_ descriptor: UInt64, depth: Int) -> Bool {
        guard depth < 4 else { return true }
        guard let fields = relative(descriptor &+ 16), let count = pages.word32(at: fields &+ 12),
            count <= SwiftLayouts.fieldLimit
        else { return false }
        for number in 0..<UInt64(count) {
            guard let address = relative(fields &+ 16 &+ number * 12 &+ 4) else { continue }
            let type = MangledType(at: address, pages: pages)
            if ["Xw", "Xo", "Xu"].contains(where: { type.text.hasSuffix($0) }) { return true }
            guard let context = type.context, let flags = pages.word32(at: context) else { continue }
            if contextName(context) == "Unmanaged" { return true }
            if flags & 0x1f == 17 || flags & 0x1f == 18, context != descriptor,
                holdsUncounted(context, depth: depth + 1)
            {
                return true
            }
        }
        return false
    }

    private func contextName(_ descriptor: UInt64) -> String? {
        relative(descriptor &+ 8).flatMap { pages.cString(at: $0, limit: SwiftLayouts.nameLimit) }
            .map { String(decoding: $0, as: UTF8.self) }
    }

    private func relative(_ address: UInt64) -> UInt64? {
        pages.word32(at: address).flatMap {
            $0 == 0 ? nil : address &+ UInt64(bitPattern: Int64(Int32(bitPattern: $0)))
        }
    }
}

/// A mangled type as it stands in reflection data: text with references to descriptors in between. A control byte 0x01 to
/// 0x17 is followed by a relative offset of 4 bytes, 0x18 to 0x1f by an absolute address of 8.
struct MangledType {
    /// The text without its references.
    let text: String
    /// The first type context that is referred to.
    let context: UInt64?

    private static let limit: UInt64 = 512

    init(at address: UInt64, pages: PageCache) {
        var bytes: [UInt8] = []
        var context: UInt64?
        var at = address
        while at &- address < MangledType.limit, let word = pages.word32(at: at) {
            let byte = UInt8(truncatingIfNeeded: word)
            if byte == 0 { break }
            if byte <= 0x17 {
                if let offset = pages.word32(at: at &+ 1) {
                    let target = at &+ 1 &+ UInt64(bitPattern: Int64(Int32(bitPattern: offset)))
                    // 1: a context descriptor; 2: a pointer to one.
                    if context == nil, byte == 1 { context = target }
                    if context == nil, byte == 2 { context = pages.word(at: target) }
                }
                at &+= 5
            } else if byte <= 0x1f {
                at &+= 9
            } else {
                bytes.append(byte)
                at &+= 1
            }
        }
        text = String(decoding: bytes, as: UTF8.self)
        self.context = context
    }
}
