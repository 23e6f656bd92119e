/// What an ELF file says of how it lies in memory (System V ABI, chapters 4 and 5). Addresses are the file's own, without
/// load bias. No number was believed beyond what arithmetic needs: ranges may overlap.
package struct ModuleHeaders: Hashable, Sendable {
    /// PT_LOAD.
    package struct Segment: Hashable, Sendable {
        package let range: AddressRange
        /// Where the bytes that are in the file end; behind it memory starts as zeros.
        package let fileEnd: UInt64
        package let fileOffset: UInt64
        package let permissions: Mapping.Permissions

        package init(
            range: AddressRange, fileEnd: UInt64, fileOffset: UInt64, permissions: Mapping.Permissions
        ) {
            self.range = range
            self.fileEnd = fileEnd
            self.fileOffset = fileOffset
            self.permissions = permissions
        }
    }

    /// A section that occupies memory (SHF_ALLOC).
    package struct Section: Hashable, Sendable {
        /// As the file spells it, not escaped.
        package let name: String
        package let range: AddressRange
        package let isCode: Bool
        package let isWritable: Bool
        /// SHT_NOBITS: not in the file, zeros at first.
        package let isZeroed: Bool

        package init(name: String, range: AddressRange, isCode: Bool, isWritable: Bool, isZeroed: Bool) {
            self.name = name
            self.range = range
            self.isCode = isCode
            self.isWritable = isWritable
            self.isZeroed = isZeroed
        }
    }

    package var segments: [Segment]
    /// Ascending by address; empty where the file has no section headers, or only its memory could be read.
    package var sections: [Section]
    /// PT_GNU_RELRO: written by the loader, then made read-only.
    package var relro: AddressRange?
    /// Size and alignment of a thread's copy of the thread-local variables (PT_TLS); 0 where there are none.
    package var threadLocalBytes: UInt64
    package var threadLocalAlignment: UInt64

    package init(
        segments: [Segment], sections: [Section] = [], relro: AddressRange? = nil, threadLocalBytes: UInt64 = 0,
        threadLocalAlignment: UInt64 = 1
    ) {
        self.segments = segments
        self.sections = sections
        self.relro = relro
        self.threadLocalBytes = threadLocalBytes
        self.threadLocalAlignment = threadLocalAlignment
    }
}

/// A program or library in an address space. One file may be loaded twice.
package struct LoadedModule: Hashable, Sendable {
    /// Path as the kernel prints it, raw bytes; may end in " (deleted)".
    package let pathBytes: [UInt8]
    /// Numbers of its mappings, ascending.
    package var mappings: [Int]
    /// Added to the file's addresses; wraps around.
    package var bias: UInt64
    /// nil where neither the file nor its headers in memory could be read.
    package var headers: ModuleHeaders?
    /// The program itself, not one of its libraries.
    package var isProgram = false

    package init(pathBytes: [UInt8], mappings: [Int], bias: UInt64, headers: ModuleHeaders?) {
        self.pathBytes = pathBytes
        self.mappings = mappings
        self.bias = bias
        self.headers = headers
    }

    /// The last component of the path, without the kernel's " (deleted)"; not escaped.
    package var name: String {
        let path = String(decoding: pathBytes, as: UTF8.self)
        let plain = path.hasSuffix(" (deleted)") ? String(path.dropLast(10)) : path
        return plain.split(separator: "/").last.map(String.init) ?? plain
    }
}
