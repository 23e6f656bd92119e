/// The name that a program's file has for an address.
package struct Symbol: Hashable, Sendable {
    /// As the file spells it: mangled, invalid UTF-8 replaced, not escaped.
    package let name: String
    /// The file's name without folders, not escaped.
    package let module: String
    /// Bytes from the symbol's start.
    package let offset: UInt64
    /// Code; else a variable.
    package let isFunction: Bool

    package init(name: String, module: String, offset: UInt64, isFunction: Bool) {
        self.name = name
        self.module = module
        self.offset = offset
        self.isFunction = isFunction
    }
}

/// Says what lies at an address of one process. Must be callable from several threads.
package protocol SymbolSource: Sendable {
    /// nil where no name is known: a stripped file, memory without a file, a file that cannot be opened.
    func symbol(at address: UInt64) -> Symbol?
}
