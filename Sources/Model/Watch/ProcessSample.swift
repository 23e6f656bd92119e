/// What the kernel says of a process's use of things at one moment of a watch. nil: not known.
package struct ProcessSample: Hashable, Sendable {
    /// Pages in memory. Since Linux 6.2 the kernel counts them per processor and may be off by some 100 KiB for each.
    package var residentBytes: UInt64?
    /// The part of it that belongs to no file and is not shared memory.
    package var anonymousBytes: UInt64?
    package var swappedBytes: UInt64?
    /// What glibc's malloc has from the kernel: all arenas and all chunks of own mapping, in use or free.
    package var heapBytes: UInt64?
    package var descriptors: UInt64?
    package var threads: UInt64?
    /// Since the process was started.
    package var minorFaults: UInt64?
    package var majorFaults: UInt64?

    package init() {}
}

/// What a memory control group holds at one moment of a watch. nil: not known, or no limit.
package struct MemoryGroupSample: Hashable, Sendable {
    /// The group's folder as nusu sees it.
    package let path: String
    package var limitBytes: UInt64?
    package var usageBytes: UInt64?
    /// The part of the usage that is page cache, which the kernel gives back before it ends a process.
    package var cacheBytes: UInt64?
    /// How often the kernel has ended a process of the group since it ran out of memory.
    package var outOfMemoryKills: UInt64?

    package init(path: String) { self.path = path }

    /// What cannot be given back; nil where the usage is not known.
    package var heldBytes: UInt64? { usageBytes.map { $0 - min($0, cacheBytes ?? 0) } }
}

/// Where glibc's malloc keeps its counts in a process: `malloc_state` of the main arena, from which a ring leads to all others.
package struct HeapCounters: Hashable, Sendable {
    package let mainArena: UInt64
    /// Offsets in `malloc_state`.
    package let nextOffset: UInt64
    package let systemMemoryOffset: UInt64
    /// The address of `mp_.mmapped_mem`; nil where it was not found.
    package let mappedBytes: UInt64?

    package init(mainArena: UInt64, nextOffset: UInt64, systemMemoryOffset: UInt64, mappedBytes: UInt64?) {
        self.mainArena = mainArena
        self.nextOffset = nextOffset
        self.systemMemoryOffset = systemMemoryOffset
        self.mappedBytes = mappedBytes
    }
}

/// How a process that was watched came to its end.
package enum ProcessEnding: Hashable, Sendable {
    case exited(status: Int32)
    case killed(signal: Int32)
    /// It ended, and the kernel does not tell others how (before Linux 6.15 only its parent).
    case unknown
}
