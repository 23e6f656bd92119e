/// Which processes have which pipes and sockets open: one look at the descriptors of many processes.
package struct ChannelHolders: Sendable {
    package struct Holder: Hashable, Sendable {
        package var pid: Int32
        package var descriptor: Int32
        /// As it was opened: O_RDONLY 0, O_WRONLY 1, O_RDWR 2; nil where that could not be told.
        package var access: UInt8?

        package init(pid: Int32, descriptor: Int32, access: UInt8? = nil) {
            self.pid = pid
            self.descriptor = descriptor
            self.access = access
        }

        package var reads: Bool { access == 0 || access == 2 }
        package var writes: Bool { access == 1 || access == 2 }
    }

    /// By the number in `pipe:[N]`. In ascending order of processes; one stands once for each of its descriptors.
    package var pipes: [UInt64: [Holder]] = [:]
    /// By their file; only of a look that asked for them.
    package var fifos: [Mapping.FileID: [Holder]] = [:]
    /// By the number in `socket:[N]`.
    package var sockets: [UInt64: [Holder]] = [:]
    /// Processes whose descriptors may not be read.
    package var unreadable: [Int32] = []

    package init() {}

    /// The processes that have one of these sockets open, each once, in ascending order.
    package func processes(ofSockets inodes: some Sequence<UInt64>) -> [Int32] {
        var pids: Set<Int32> = []
        for inode in inodes { for holder in sockets[inode] ?? [] { pids.insert(holder.pid) } }
        return pids.sorted()
    }
}
