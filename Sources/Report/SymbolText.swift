import CDemangle
import Glibc
import Model

/// Names of functions and variables as people write them.
enum SymbolText {
    /// Both demanglers are recursive and take names that a target wrote: longer ones are shown as they are.
    private static let mangledLimit = 2048
    private static let readableLimit = 4096

    /// "SessionStore.shared in api", "cache+16 in libfoo.so"; escaped.
    static func place(_ symbol: Symbol) -> String {
        let offset = symbol.offset == 0 ? "" : "+\(symbol.offset)"
        return "\(TerminalText.escaped(readable(symbol.name)))\(offset) in \(TerminalText.escaped(symbol.module))"
    }

    /// Demangled, without a variable's type; the name itself where it is not mangled. Not escaped.
    static func readable(_ name: String) -> String {
        guard name.utf8.count <= mangledLimit else { return name }
        if name.hasPrefix("_Z") { return cxx(name) ?? name }
        if name.hasPrefix("$s") || name.hasPrefix("$S") || name.hasPrefix("_T0") {
            return swift(name).map(variable) ?? name
        }
        return name
    }

    /// A function's name without its parameters, and without what the compiler made of it: "closure #1 in api.Store.load" for
    /// "(2) suspend resume partial function for closure #1 @Sendable () async -> () in api.Store.load(String) -> ()".
    /// Not escaped.
    static func function(_ name: String) -> String {
        let text = readable(name)
        guard name.hasPrefix("$s") || name.hasPrefix("$S") || name.hasPrefix("_T0"), text != name else {
            return name.hasPrefix("_Z") ? withoutParameters(text[...]) : text
        }
        var rest = text[...]
        for lead in [" partial function for ", " specialization <"] {
            guard let range = rest.firstRange(of: lead), !rest[..<range.lowerBound].contains("<") else { continue }
            rest = rest[range.upperBound...]
            // Behind the arguments of the specialisation.
            if lead.hasSuffix("<"), let end = rest.firstRange(of: "> of ") { rest = rest[end.upperBound...] }
        }
        return rest.split(separator: " in ").map { part in
            let part = part.hasPrefix("static ") ? part.dropFirst("static ".count) : part
            guard part.hasPrefix("closure #") else { return withoutParameters(part) }
            return part.split(separator: " ").prefix(2).joined(separator: " ")
        }.joined(separator: " in ")
    }

    /// Up to where a function's parameters begin, or those of its type.
    private static func withoutParameters(_ text: Substring) -> String {
        var depth = 0
        var last: Character = " "
        for index in text.indices {
            let character = text[index]
            if character == "<" { depth += 1 }
            if character == ">", last != "-" { depth -= 1 }
            if character == "(", depth == 0, index != text.startIndex,
                !text[index...].hasPrefix("(anonymous namespace)")
            {
                return String(text[..<index])
            }
            last = character
        }
        return String(text)
    }

    /// "static main.Store.shared : main.Store" is the variable `main.Store.shared`.
    private static func variable(_ text: String) -> String {
        let name = text.firstRange(of: " : ").map { text[..<$0.lowerBound] } ?? text[...]
        return String(name.hasPrefix("static ") ? name.dropFirst("static ".count) : name)
    }

    private static func cxx(_ name: String) -> String? {
        var status: CInt = 0
        guard let text = __cxa_demangle(name, nil, nil, &status) else { return nil }
        defer { free(text) }
        return status == 0 ? string(text) : nil
    }

    private static func swift(_ name: String) -> String? {
        guard let text = swift_demangle(name, name.utf8.count, nil, nil, 0) else { return nil }
        defer { free(text) }
        return string(text)
    }

    private static func string(_ text: UnsafeMutablePointer<CChar>) -> String {
        let length = min(strlen(text), readableLimit)
        return String(decoding: UnsafeRawBufferPointer(start: text, count: length), as: UTF8.self)
    }
}
