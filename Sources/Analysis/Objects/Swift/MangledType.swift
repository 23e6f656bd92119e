import Model

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

    /// The text without the mark of an optional.
    private var unwrapped: Substring { text.hasSuffix("Sg") ? text.dropLast(2) : text[...] }

    /// The type is the referenced one itself or an optional of it, without arguments.
    var isContext: Bool { context != nil && unwrapped.isEmpty }
    var isOptional: Bool { text.hasSuffix("Sg") }

    /// A function type ends with `c`, whatever its arguments, results and attributes.
    var isFunction: Bool { unwrapped.hasSuffix("c") }

    /// Types of protocols end with `p`; those bound to classes may, too: their size tells.
    var isExistential: Bool { unwrapped.hasSuffix("p") }

    /// The box of a captured variable (mangled as a box of the intermediate language).
    var isBox: Bool { ["XX", "Xx", "Xb"].contains { text.hasSuffix($0) } }

    /// Which of the generic class's parameters it is: `x` the first, `q_` the second, `q0_` the third.
    var parameter: Int? { ["x", "q_", "q0_"].firstIndex { unwrapped == $0 } }

    /// `Int32`, or an optional of it.
    var isInt32: Bool { context == nil && unwrapped == "s5Int32V" }

    /// What is declared of the reference; nil where nothing is.
    var declaredKind: ReferenceKind? {
        if text.hasSuffix("Xw") { return .weak }
        if text.hasSuffix("Xo") { return .unowned }
        if text.hasSuffix("Xu") { return .unmanaged }
        return holdsNothing ? .unmanaged : nil
    }

    /// Numbers and pointers of the standard library.
    private var holdsNothing: Bool {
        let name = unwrapped
        if MangledType.scalars[String(name)] != nil { return true }
        return name.hasSuffix("G") && ["Sp", "SP", "SR", "Sr", "s9UnmanagedV"].contains { name.hasPrefix($0) }
    }

    private static let scalars: [String: UInt64] = [
        "Si": 8, "Su": 8, "Sd": 8, "Sf": 4, "Sb": 1, "SV": 8, "Sv": 8, "SW": 16, "Sw": 16, "s13OpaquePointerV": 8,
        "s4Int8V": 1, "s5Int16V": 2, "s5Int32V": 4, "s5Int64V": 8, "s5UInt8V": 1, "s6UInt16V": 2, "s6UInt32V": 4,
        "s6UInt64V": 8,
    ]

    /// Size in bytes and alignment, as far as the text alone tells.
    var size: (bytes: UInt64, alignment: UInt64)? {
        if let kind = declaredKind, kind == .weak || kind == .unowned { return (8, 8) }
        if isBox { return (8, 8) }
        if let bytes = MangledType.scalars[text] { return (bytes, min(bytes, 8)) }
        if isFunction { return (16, 8) }
        let name = unwrapped
        switch name {
        case "SS": return (16, 8)
        case "yXl", "s5Error_p", "Bo", "BO": return (8, 8)
        case "yp": return (32, 8)
        default:
            // One pointer each: pointers, arrays, dictionaries, sets, tasks.
            let pointers = ["Sp", "SP", "s9UnmanagedV", "Say", "SDy", "Shy", "ScTy", "s15ContiguousArrayVy"]
            let isPointer = name.hasSuffix("G") && pointers.contains { name.hasPrefix($0) }
            // An optional of a raw or unsafe pointer is as large as the pointer.
            return isPointer || ["SV", "Sv", "s13OpaquePointerV"].contains(String(name)) ? (8, 8) : nil
        }
    }
}
