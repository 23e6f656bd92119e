import Model

/// The parts of values: of stored properties and captures by their mangled type, of elements and of what existentials hold
/// by their metadata.
extension SwiftLayouts {
    /// Structures within structures deeper than this are taken as words.
    private static let depthLimit = 4
    /// A value of more parts is taken as words.
    private static let partLimit = 256
    private static let captureLimit: UInt32 = 256

    // MARK: - By mangled type

    /// The parts of a stored property, from its beginning. One part without an exact end where the type is not taken apart.
    func parts(of type: MangledType, depth: Int = 0) -> [SwiftLayout.Field] {
        if let structure = structure(type, depth) { return structure.fields }
        var field = SwiftLayout.Field(offset: 0, end: 0, name: "", kind: kind(of: type))
        field.form = type.isFunction ? .function : type.isExistential ? .existential : .words
        field.number = number(type, depth)
        if let size = size(of: type, depth) {
            field.end = size.bytes
            field.isExact = true
        }
        return [field]
    }

    /// Size and parts of a structure that is not generic, from the types of its fields; nil where one's size is not known.
    private func structure(
        _ type: MangledType, _ depth: Int
    ) -> (fields: [SwiftLayout.Field], bytes: UInt64, alignment: UInt64)? {
        guard type.isContext, !type.isOptional, let context = type.context else { return nil }
        return structure(at: context, depth)
    }

    private func structure(
        at context: UInt64, _ depth: Int
    ) -> (fields: [SwiftLayout.Field], bytes: UInt64, alignment: UInt64)? {
        guard depth < SwiftLayouts.depthLimit, let flags = pages.word32(at: context), flags & 0x9f == 17,
            let count = pages.word32(at: context &+ 20), count > 0, count <= 64,
            let records = fieldRecords(context, count: count)
        else { return nil }
        var fields: [SwiftLayout.Field] = []
        var end: UInt64 = 0
        var alignment: UInt64 = 1
        let isStandard = isStandard(context)
        for record in records {
            guard let size = size(of: record.type, depth + 1) else { return nil }
            end = (end + size.alignment - 1) / size.alignment * size.alignment
            let name = isStandard ? "" : record.name
            fields += SwiftLayouts.placed(parts(of: record.type, depth: depth + 1), at: end, in: name)
            end += size.bytes
            alignment = max(alignment, size.alignment)
            guard fields.count <= SwiftLayouts.partLimit, end < 1 << 20 else { return nil }
        }
        if fields.count == 1, contextName(context) == "FileDescriptor" { fields[0].number?.isDescriptor = true }
        return (fields, end, alignment)
    }

    /// Bytes of a number of the standard library's that mangling has no abbreviation for: the compiler refers to these by
    /// their descriptors.
    private func standardSize(_ context: UInt64) -> UInt64? {
        guard let bytes = contextName(context).flatMap({ SwiftLayouts.standardSizes[$0] }), isStandard(context) else {
            return nil
        }
        return bytes
    }

    private static let standardSizes: [String: UInt64] = [
        "Int8": 1, "Int16": 2, "Int32": 4, "Int64": 8, "UInt8": 1, "UInt16": 2, "UInt32": 4, "UInt64": 8,
    ]

    /// An `Int32`, or an optional of one or of a structure around one.
    private func number(_ type: MangledType, _ depth: Int) -> SwiftLayout.Number? {
        if type.isInt32 { return SwiftLayout.Number(isOptional: type.isOptional) }
        guard type.isContext, let context = type.context else { return nil }
        if contextName(context) == "Int32", isStandard(context) {
            return SwiftLayout.Number(isOptional: type.isOptional)
        }
        guard type.isOptional, let wrapped = structure(at: context, depth), wrapped.fields.count == 1,
            var number = wrapped.fields[0].number, !number.isOptional
        else { return nil }
        number.isOptional = true
        return number
    }

    private func size(of type: MangledType, _ depth: Int) -> (bytes: UInt64, alignment: UInt64)? {
        if let size = type.size { return size }
        guard let context = type.context, let flags = pages.word32(at: context) else { return nil }
        switch flags & 0x1f {
        case 16:
            // A class is one word, optional or not; so is one with arguments.
            return type.isContext || type.text == "yG" ? (8, 8) : nil
        case 17:
            if type.isContext, !type.isOptional, let bytes = standardSize(context) { return (bytes, bytes) }
            return structure(type, depth).map { ($0.bytes, $0.alignment) }
        case 3 where type.text == "_p" || type.text == "_pSg":
            // A protocol. Bit 16: not bound to classes.
            return flags >> 16 & 1 == 0 ? (16, 8) : (40, 8)
        default:
            return nil
        }
    }

    private func kind(of type: MangledType) -> ReferenceKind {
        if let kind = type.declaredKind { return kind }
        if let context = type.context, let flags = pages.word32(at: context) {
            if flags & 0x1f == 17, contextName(context) == "Unmanaged" { return .unmanaged }
            // A structure or enumeration may hold references of any kind: its words are not told apart.
            if flags & 0x1f == 17 || flags & 0x1f == 18, holdsUncounted(context, depth: 0) { return .unknown }
        }
        return .strong
    }

    /// Whether a structure or enumeration has a stored weak, unowned or unmanaged reference, its own parts included.
    private func holdsUncounted(_ descriptor: UInt64, depth: Int) -> Bool {
        // Without a field descriptor (-disable-reflection-metadata) it may have one.
        guard depth < SwiftLayouts.depthLimit, let fields = relative(descriptor &+ 16),
            let count = pages.word32(at: fields &+ 12), count <= SwiftLayouts.fieldLimit, mayRead(count)
        else { return true }
        if contextName(descriptor) == "Unmanaged" { return true }
        for number in 0..<UInt64(count) {
            guard let address = relative(fields &+ 16 &+ number * 12 &+ 4) else { continue }
            let type = MangledType(at: address, pages: pages)
            if ["Xw", "Xo", "Xu"].contains(where: { type.text.hasSuffix($0) }) { return true }
            if type.text.contains("s9UnmanagedV") { return true }
            guard let context = type.context, let flags = pages.word32(at: context) else { continue }
            if flags & 0x1f == 17 || flags & 0x1f == 18, context != descriptor,
                holdsUncounted(context, depth: depth + 1)
            {
                return true
            }
        }
        return false
    }

    // MARK: - Closures

    /// Metadata of a closure's context: offset of the first capture at +8 (u32), capture descriptor at +16: number of
    /// captures, of metadata sources, of bindings, and then the captures' mangled types, relative.
    func captureLayout(_ metadata: UInt64) -> SwiftLayout {
        guard let first = pages.word32(at: metadata &+ 8), first >= 16, first < 1 << 16,
            let descriptor = pages.word(at: metadata &+ 16), descriptor != 0, let count = pages.word32(at: descriptor),
            count > 0, count < SwiftLayouts.captureLimit
        else { return .unknown }
        var fields: [SwiftLayout.Field] = []
        var offset = UInt64(first)
        for number in 0..<UInt64(count) {
            guard let address = relative(descriptor &+ 12 &+ number * 4) else { return .unknown }
            let type = MangledType(at: address, pages: pages)
            let size = size(of: type, 0)
            if let size { offset = (offset + size.alignment - 1) / size.alignment * size.alignment }
            var parts = SwiftLayouts.placed(parts(of: type), at: offset, in: "capture")
            guard let size else {
                // The last one is all that remains. Else it is not known which capture a word belongs to from here on.
                let isLast = number + 1 == UInt64(count)
                for part in parts.indices {
                    parts[part].end = .max
                    if !isLast { parts[part].kind = .unknown }
                    if !isLast { parts[part].form = .words }
                }
                fields += parts
                break
            }
            fields += parts
            offset += size.bytes
        }
        return SwiftLayout(fields: fields, tail: .none, isKnown: true)
    }

    // MARK: - By metadata

    /// From the value witness table, one word before the metadata: size +64, stride +72, flags +80 (alignment mask in the
    /// low byte, bit 16: not plain data, bit 17: too large for an existential's buffer).
    func value(ofMetadata metadata: UInt64, depth: Int = 0) -> SwiftLayout.Value? {
        guard metadata & 7 == 0, metadata > 4096, let table = pages.word(at: metadata &- 8), table & 7 == 0,
            let size = pages.word(at: table &+ 64), let stride = pages.word(at: table &+ 72), size <= stride,
            stride > 0, stride < 1 << 20, let flags = pages.word32(at: table &+ 80)
        else { return nil }
        let alignment = UInt64(flags & 0xff) + 1
        guard [1, 2, 4, 8, 16].contains(alignment) else { return nil }
        let isPlain = flags & 0x1_0000 == 0
        return SwiftLayout.Value(
            size: size, stride: stride, alignment: alignment, isInline: flags & 0x2_0000 == 0,
            fields: isPlain ? [] : fields(ofMetadata: metadata, size, depth))
    }

    /// The parts of a value by the kind of its metadata.
    private func fields(ofMetadata metadata: UInt64, _ size: UInt64, _ depth: Int) -> [SwiftLayout.Field] {
        var whole = SwiftLayout.Field(offset: 0, end: size, name: "", kind: .unknown)
        whole.isExact = true
        guard depth < SwiftLayouts.depthLimit, let kind = pages.word(at: metadata) else { return [whole] }
        switch kind {
        case 0:
            whole.kind = .strong
        case 0x200:
            if let fields = structureFields(metadata, size, depth) { return fields }
            whole.kind = nominalKind(metadata)
        case 0x202:
            // An optional is laid out as what it wraps, which its first argument names.
            if let wrapped = pages.word(at: metadata &+ 16), let value = value(ofMetadata: wrapped, depth: depth + 1) {
                return value.fields
            }
            whole.kind = nominalKind(metadata)
        case 0x201:
            whole.kind = nominalKind(metadata)
        case 0x302:
            whole.kind = .strong
            whole.form = .function
        case 0x303:
            whole.kind = .strong
            if size >= 32 { whole.form = .existential }
        default:
            break
        }
        return [whole]
    }

    /// A structure's metadata has its fields' offsets (u32 each) where its descriptor says (+24, in words).
    private func structureFields(_ metadata: UInt64, _ size: UInt64, _ depth: Int) -> [SwiftLayout.Field]? {
        guard let descriptor = pages.word(at: metadata &+ 8), let flags = pages.word32(at: descriptor),
            flags & 0x1f == 17, let count = pages.word32(at: descriptor &+ 20), count > 0, count <= 64,
            let vector = pages.word32(at: descriptor &+ 24), vector > 0, vector < 1 << 16,
            let records = fieldRecords(descriptor, count: count)
        else { return nil }
        var starts: [UInt64] = []
        for number in 0..<UInt64(count) {
            guard let start = pages.word32(at: metadata &+ UInt64(vector) * 8 &+ number * 4), UInt64(start) <= size,
                UInt64(start) >= starts.last ?? 0
            else { return nil }
            starts.append(UInt64(start))
        }
        var fields: [SwiftLayout.Field] = []
        let isStandard = isStandard(descriptor)
        for (record, (start, end)) in zip(records, zip(starts, starts.dropFirst() + [size])) {
            // A parameter of the structure's own is among its metadata's arguments.
            var argument: SwiftLayout.Value?
            if let parameter = record.type.parameter, flags & 0x80 != 0 {
                argument = pages.word(at: metadata &+ 16 &+ UInt64(parameter) * 8)
                    .flatMap { value(ofMetadata: $0, depth: depth + 1) }
            }
            for var part in SwiftLayouts.placed(
                argument?.fields ?? parts(of: record.type, depth: depth + 1), at: start,
                in: isStandard ? "" : record.name)
            {
                part.end = part.isExact ? min(part.end, end) : end
                part.isExact = true
                // Only what has room for a reference and may be one.
                if part.end >= part.offset + 8, part.kind != .weak, part.kind != .unmanaged { fields.append(part) }
            }
            guard fields.count <= SwiftLayouts.partLimit else { return nil }
        }
        return fields
    }

    /// A type of the standard library's: the names of its stored properties say nothing to its users.
    func isStandard(_ descriptor: UInt64) -> Bool {
        guard let offset = pages.word32(at: descriptor &+ 4), offset != 0 else { return false }
        var parent = descriptor &+ 4 &+ UInt64(bitPattern: Int64(Int32(bitPattern: offset)))
        if parent & 1 != 0 {
            guard let pointed = pages.word(at: parent & ~1) else { return false }
            parent = pointed
        }
        return pages.word32(at: parent).map { $0 & 0x1f } == 0 && contextName(parent) == "Swift"
    }

    private func nominalKind(_ metadata: UInt64) -> ReferenceKind {
        guard let descriptor = pages.word(at: metadata &+ 8), descriptor != 0 else { return .unknown }
        return holdsUncounted(descriptor, depth: 0) ? .unknown : .strong
    }

    // MARK: - Standard library storage

    /// The buffers of arrays, dictionaries and sets keep their elements behind their own fields.
    func storageLayout(_ entry: TypeTable.Entry, _ types: SwiftTypes) -> SwiftLayout? {
        func storage(_ tail: SwiftLayout.Tail) -> SwiftLayout { SwiftLayout(fields: [], tail: tail, isKnown: true) }
        let name = entry.name
        if name == "Swift.__StringStorage" { return storage(.none) }
        guard name.hasPrefix("Swift._"), let arguments = types.genericArguments(ofClass: entry.head),
            let first = arguments.first.flatMap({ value(ofMetadata: $0) })
        else { return nil }
        if name.hasPrefix("Swift._ContiguousArrayStorage<") {
            return storage(
                .array(first: (32 + first.alignment - 1) / first.alignment * first.alignment, first))
        }
        if name.hasPrefix("Swift._DictionaryStorage<"), arguments.count >= 2,
            let second = value(ofMetadata: arguments[1])
        {
            return storage(.table(bitmap: 64, key: first, value: second))
        }
        // A set has no pointer to values, and its bitmap begins where a dictionary has that.
        if name.hasPrefix("Swift._SetStorage<") { return storage(.table(bitmap: 56, key: first, value: nil)) }
        return nil
    }
}
