/// What the kernel charges to a memory control group: the container's own account, which is not the process's resident set. It
/// has page cache and the kernel's own memory in it, and other processes.
package struct GroupMemory: Hashable, Sendable {
    /// The group's path in its hierarchy, raw bytes.
    package var pathBytes: [UInt8]
    /// nil: none.
    package var limitBytes: UInt64?
    /// All of these: nil where the kernel does not say.
    package var usageBytes: UInt64?
    package var anonymousBytes: UInt64?
    /// Page cache without shared memory.
    package var cacheBytes: UInt64?
    package var kernelBytes: UInt64?
    /// Processes of this group that the kernel has ended for lack of memory.
    package var outOfMemoryKills: UInt64?

    package init(pathBytes: [UInt8], limitBytes: UInt64?, usageBytes: UInt64?) {
        self.pathBytes = pathBytes
        self.limitBytes = limitBytes
        self.usageBytes = usageBytes
    }
}
