import CDemangle
import Glibc
import Model

/// C++ class names from virtual tables (Itanium C++ ABI, 2.5.2 and 2.9.5): the two words before a table's address point
/// are the offset to top and the type_info; the second word of a type_info is its mangled name. Works on stripped
/// programs, since run-time type information is data.
struct CxxTypes {
    let image: MemoryImage
    let pages: PageCache

    /// Longer names exist and are cut off here; the demangler is recursive and must not be fed without bound.
    private static let nameLimit = 2048
    private static let demangledLimit = 4096

    /// The class whose virtual table's address point is `table`, demangled; nil when it is none.
    func name(ofTable table: UInt64) -> String? {
        guard isModuleData(table), let offsetToTop = pages.word(at: table &- 16), let info = pages.word(at: table &- 8),
            // Only whole objects start a block: a table of a second base would say a negative distance.
            offsetToTop == 0, info & 7 == 0, isModuleData(info),
            let infoTable = pages.word(at: info), isModuleData(infoTable),
            let nameAddress = pages.word(at: info + 8), isModuleData(nameAddress), leadsToCode(table),
            var name = pages.cString(at: nameAddress, limit: CxxTypes.nameLimit)
        else { return nil }
        // A leading star marks names that are compared by address.
        if name.first == UInt8(ascii: "*") { name.removeFirst() }
        guard !name.isEmpty, name.allSatisfy(CxxTypes.isMangledCharacter) else { return nil }
        return demangled(name)
    }

    /// Read-only or relocated data of a module: where tables and type_infos lie.
    private func isModuleData(_ address: UInt64) -> Bool {
        guard address != 0, let mapping = image.mapping(at: address) else { return false }
        return mapping.isFileBacked && mapping.permissions.contains(.read) && !mapping.permissions.contains(.shared)
    }

    /// One of the table's first functions must lie in code (the very first may be a null for an abstract destructor).
    private func leadsToCode(_ table: UInt64) -> Bool {
        for slot in 0..<3 as Range<UInt64> {
            if let function = pages.word(at: table &+ slot * 8), function != 0 {
                return image.mapping(at: function)?.permissions.contains(.execute) == true
            }
        }
        return false
    }

    private static func isMangledCharacter(_ byte: UInt8) -> Bool {
        (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
            || (byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z"))
            || (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z")) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "$") || byte == UInt8(ascii: ".")
    }

    /// The readable form; the mangled one where the demangler knows no better.
    private func demangled(_ name: [UInt8]) -> String? {
        guard let first = name.first,
            first == UInt8(ascii: "N") || first == UInt8(ascii: "S")
                || (first >= UInt8(ascii: "0") && first <= UInt8(ascii: "9"))
                || first == UInt8(ascii: "Z")
        else { return nil }
        var status: CInt = 0
        let mangled = name.map { CChar(bitPattern: $0) } + [0]
        guard let text = __cxa_demangle(mangled, nil, nil, &status) else { return nil }
        defer { free(text) }
        guard status == 0 else { return nil }
        let length = min(strlen(text), CxxTypes.demangledLimit)
        return String(decoding: UnsafeRawBufferPointer(start: text, count: length), as: UTF8.self)
    }
}
