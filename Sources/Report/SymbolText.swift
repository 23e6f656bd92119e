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
