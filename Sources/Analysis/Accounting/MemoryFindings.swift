package import Model

/// One part of a resident set.
package struct ResidentPart: Hashable, Sendable {
    /// What it is. The names are a promise to scripts.
    package enum Kind: String, CaseIterable, Sendable {
        /// Blocks of malloc's that something reaches, or may reach.
        case heapInUse
        /// Blocks that nothing reaches.
        case heapLost
        /// Free, and kept by malloc.
        case heapFree
        /// Headers, and what is lost to alignment.
        case heapBookkeeping
        /// Heap that could not be looked into.
        case heapUnread
        /// The program's instructions and constants.
        case programCode
        case libraryCode
        /// Variables of the program: data, bss, and what was relocated at its start.
        case programData
        case libraryData
        case stacks
        /// Instructions that were made at run time, in private memory without a file.
        case generatedCode
        /// Private memory without a file that no other part names.
        case anonymous
        /// Memory that is made to be shared: POSIX and System V shared memory, memfd, MAP_SHARED | MAP_ANONYMOUS.
        case shared
        /// Pages of mapped files as they stand in the file.
        case filesClean
        /// Pages of mapped files that were changed and not yet written, or that never will be (private mappings).
        case filesDirty
        /// What the kernel (vdso) and devices lend.
        case kernel
        /// The difference between two readings of one process: pages came or went between them. Below 0 when they came.
        case changed
    }

    package let kind: Kind
    package var bytes: Int64

    package init(kind: Kind, bytes: Int64) {
        self.kind = kind
        self.bytes = bytes
    }
}

/// Thread stacks together.
package struct StackUse: Hashable, Sendable {
    package var threads: Int
    package var residentBytes: UInt64
    /// Address space, touched or not.
    package var reservedBytes: UInt64

    package init(threads: Int, residentBytes: UInt64, reservedBytes: UInt64) {
        self.threads = threads
        self.residentBytes = residentBytes
        self.reservedBytes = reservedBytes
    }
}

/// A piece of shared memory, and who else has it mapped.
package struct SharedUse: Hashable, Sendable {
    /// What the kernel calls it: "/dev/shm/ratelimit", "/memfd:x (deleted)", "/dev/zero (deleted)"; raw bytes.
    package var nameBytes: [UInt8]
    package var file: Mapping.FileID
    package var residentBytes: UInt64
    /// Other processes that have it mapped, as far as they may be seen.
    package var sharers = AddressSpaceFacts.Sharers()
}

/// The resident set of a process in parts, and what stands out in it.
package struct MemoryFindings: Sendable {
    /// The sum of `Rss` over `/proc/PID/smaps`, one reading.
    package var kernelBytes: UInt64
    /// Add up to `kernelBytes`; largest first, `changed` last. Parts of 0 bytes are left out.
    package var parts: [ResidentPart]
    /// The same with every shared page counted in part (`Pss`).
    package var proportionalBytes: UInt64
    package var swapBytes: UInt64
    /// Anonymous memory in huge pages (`AnonHugePages`).
    package var hugePageBytes: UInt64
    /// What of it was never written to; nil where that is not known.
    package var hugePageWasteBytes: UInt64?
    /// nil where the heap could not be read.
    package var heap: HeapAccount?
    package var summary: HeapSummary?
    /// Who keeps most of what is in use, largest first.
    package var owners: [HeapFindings.Owner] = []
    package var lost = Tally()
    package var stacks: StackUse
    package var shared: [SharedUse] = []
    package var evidence: MemoryEvidence
    /// A part of the heap did not hang together.
    package var isTorn = false
    /// All of the heap was looked at; false where it could not be read at all.
    package var sawHeap = false
    package var gaps: [Gap] = []

    package func bytes(_ kind: ResidentPart.Kind) -> UInt64 {
        UInt64(max(parts.first { $0.kind == kind }?.bytes ?? 0, 0))
    }
}
