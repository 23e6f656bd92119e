/// A process's memory at one moment: a snapshot of a live process, a core file, or a test's fixture.
/// Everything that analysis may know of a process is in here.
package struct MemoryImage: Sendable {
    package let process: ProcessIdentity
    /// In ascending order, without overlaps.
    package let mappings: [Mapping]
    package let threads: [ThreadState]
    /// Pointers of the program that only the kernel holds (`epoll_event.data`, values of timers and of queued signals, what lies in pipes).
    package let kernelHeldWords: [UInt64]
    package let reader: any MemoryReader
    /// What the capture could not get, or not at the same moment.
    package let gaps: [Gap]

    package init(
        process: ProcessIdentity, mappings: [Mapping], threads: [ThreadState], kernelHeldWords: [UInt64] = [],
        reader: any MemoryReader, gaps: [Gap] = []
    ) {
        self.process = process
        self.mappings = mappings
        self.threads = threads
        self.kernelHeldWords = kernelHeldWords
        self.reader = reader
        self.gaps = gaps
    }

    /// The mapping that holds `address`, found by bisection.
    package func mapping(at address: UInt64) -> Mapping? {
        var low = 0
        var high = mappings.count
        while low < high {
            let middle = (low + high) / 2
            if mappings[middle].range.upper <= address { low = middle + 1 } else { high = middle }
        }
        guard low < mappings.count, mappings[low].range.contains(address) else { return nil }
        return mappings[low]
    }
}
