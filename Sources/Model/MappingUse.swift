/// A mapping and what of it is in memory: one entry of `/proc/PID/smaps` (man 5 proc_pid_smaps). All in bytes.
package struct MappingUse: Hashable, Sendable {
    package let mapping: Mapping
    /// `Rss`: in memory and in this process's page tables.
    package var residentBytes: UInt64 = 0
    /// `Pss`: the same with every page divided by the number of processes that have it.
    package var proportionalBytes: UInt64 = 0
    /// `Shared_Dirty` and `Private_Dirty` together.
    package var dirtyBytes: UInt64 = 0
    /// `Swap`.
    package var swapBytes: UInt64 = 0
    /// `AnonHugePages`.
    package var hugePageBytes: UInt64 = 0

    package init(mapping: Mapping) { self.mapping = mapping }
}
