package import Model

/// A run of addresses with one meaning: a mapping, or the part of one.
package struct Region: Hashable, Sendable {
    /// What it is for. Every address of a mapping is of exactly one kind.
    package enum Kind: String, CaseIterable, Sendable {
        /// Code of a program or library.
        case text
        /// Constants, and the tables by which the loader links.
        case rodata
        /// Pointers that the loader fills in and then protects (PT_GNU_RELRO).
        case relro
        /// Variables with a value in the file.
        case data
        /// Variables that start as zeros.
        case bss
        /// The main arena of malloc: the program break's area, and what it mapped when the break could not grow.
        case mainHeap
        /// A heap of a thread's arena, all that is reserved for it.
        case threadArena
        /// A block of malloc with a mapping of its own.
        case mappedBlock
        case mainStack
        case threadStack
        /// May not be touched: ends the program that runs over its stack.
        case guardPages
        /// A thread's own variables and its descriptor.
        case threadLocal
        /// vdso, vvar, vsyscall: the kernel's.
        case kernel
        /// A file that is no module, private or only read.
        case mappedFile
        /// Memory that others may have mapped too, and see written.
        case sharedMemory
        /// Private memory without a file and without execute permission that nothing else explains.
        case anonymous
        /// Private memory without a file that may be executed: code that was made at run time.
        case generatedCode
        case device
        /// Addresses kept free: nobody may touch them, and they cost nothing.
        case reserved

        /// Where malloc's blocks lie.
        package static let ofMalloc: Set<Kind> = [.mainHeap, .threadArena, .mappedBlock]
    }

    /// What it costs, in bytes.
    package struct Use: Hashable, Sendable {
        package var resident: UInt64 = 0
        /// Each page divided by how many map it.
        package var proportional: UInt64 = 0
        package var dirty: UInt64 = 0
        package var swapped: UInt64 = 0
        /// Resident, and no file's.
        package var anonymous: UInt64 = 0
        /// Proportional and dirty bytes of its mapping were shared out by its pages: the kernel counts them for a whole
        /// mapping. The other figures are exact.
        package var isApportioned = false

        package init() {}

        package init(_ use: MemoryUse) {
            resident = use.resident
            proportional = use.proportional
            dirty = use.dirty
            swapped = use.swapped
            anonymous = use.anonymous
        }

        package static func += (left: inout Use, right: Use) {
            left.resident &+= right.resident
            left.proportional &+= right.proportional
            left.dirty &+= right.dirty
            left.swapped &+= right.swapped
            left.anonymous &+= right.anonymous
            left.isApportioned = left.isApportioned || right.isApportioned
        }
    }

    package let range: AddressRange
    package let kind: Kind
    /// Number of the mapping it lies in.
    package let mapping: Int
    package let permissions: Mapping.Permissions
    /// Number of the program or library it belongs to.
    package var module: Int?
    /// Whose stack, guard or thread-local memory it is; nil where that is not known, or the thread has ended.
    package var thread: Int32?
    /// nil where the kernel does not tell.
    package var use: Use?

    package init(
        range: AddressRange, kind: Kind, mapping: Int, permissions: Mapping.Permissions, module: Int? = nil,
        thread: Int32? = nil, use: Use? = nil
    ) {
        self.range = range
        self.kind = kind
        self.mapping = mapping
        self.permissions = permissions
        self.module = module
        self.thread = thread
        self.use = use
    }

    package var isWritableCode: Bool { permissions.contains([.write, .execute]) }
}
