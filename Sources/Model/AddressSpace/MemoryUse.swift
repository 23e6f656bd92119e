/// What a run of addresses costs, in bytes: the counters of `/proc/PID/smaps` (man 5 proc_pid_smaps). They add up.
package struct MemoryUse: Hashable, Sendable {
    /// In memory now (Rss).
    package var resident: UInt64 = 0
    /// The same with each page divided by how many map it (Pss).
    package var proportional: UInt64 = 0
    package var sharedClean: UInt64 = 0
    package var sharedDirty: UInt64 = 0
    package var privateClean: UInt64 = 0
    package var privateDirty: UInt64 = 0
    /// Resident pages that are no file's (Anonymous): heap, stacks, what was written to a private mapping of a file.
    package var anonymous: UInt64 = 0
    package var swapped: UInt64 = 0
    /// Swapped, divided by how many share it (SwapPss).
    package var swappedProportional: UInt64 = 0
    /// Resident in huge pages (AnonHugePages, ShmemPmdMapped, FilePmdMapped).
    package var hugePages: UInt64 = 0
    /// Pages of hugetlbfs, which the kernel counts in no resident set.
    package var reservedHugePages: UInt64 = 0
    package var locked: UInt64 = 0

    package init() {}

    /// Would have to be written somewhere before the memory could be given to another.
    package var dirty: UInt64 { sharedDirty &+ privateDirty }

    package static func += (left: inout MemoryUse, right: MemoryUse) {
        left.resident &+= right.resident
        left.proportional &+= right.proportional
        left.sharedClean &+= right.sharedClean
        left.sharedDirty &+= right.sharedDirty
        left.privateClean &+= right.privateClean
        left.privateDirty &+= right.privateDirty
        left.anonymous &+= right.anonymous
        left.swapped &+= right.swapped
        left.swappedProportional &+= right.swappedProportional
        left.hugePages &+= right.hugePages
        left.reservedHugePages &+= right.reservedHugePages
        left.locked &+= right.locked
    }
}

/// A mapping and what the kernel counts in it, of one reading.
package struct MappingUse: Hashable, Sendable {
    /// What `VmFlags` says that matters here.
    package struct Flags: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// `ht`: pages of hugetlbfs.
        package static let hugeTable = Flags(rawValue: 1)
        /// `io`, `pf`: memory of a device, or frames that are not the kernel's to move.
        package static let device = Flags(rawValue: 2)
        /// `gd`: grows down, as the main thread's stack does.
        package static let growsDown = Flags(rawValue: 4)
        /// `lo`: locked in memory.
        package static let locked = Flags(rawValue: 8)
        /// `dc`: MADV_DONTFORK, a forked child does not have it.
        package static let leftOutOfForks = Flags(rawValue: 16)
        /// `wf`: MADV_WIPEONFORK, a forked child finds zeros there.
        package static let wipedOnFork = Flags(rawValue: 32)
    }

    package let mapping: Mapping
    /// nil where the kernel does not tell (no right, no smaps, a core file).
    package var use: MemoryUse?
    package var flags: Flags = []
    /// Size of a page of this mapping; nil where it is not told.
    package var kernelPageBytes: UInt64?

    package init(mapping: Mapping, use: MemoryUse? = nil) {
        self.mapping = mapping
        self.use = use
    }
}
