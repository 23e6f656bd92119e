/// Who is connected to whom, at one moment: processes, and the channels that join them.
package struct ChannelGraph: Sendable {
    package struct Process: Hashable, Sendable {
        package var identity: ProcessIdentity
        /// 0 where there is none that can be seen.
        package var parent: Int32
        /// The effective user; nil: not known.
        package var user: UInt32?
        package var isZombie: Bool

        package init(identity: ProcessIdentity, parent: Int32, user: UInt32?, isZombie: Bool = false) {
            self.identity = identity
            self.parent = parent
            self.user = user
            self.isZombie = isZombie
        }
    }

    /// Kind by kind. Those that only one process has are among them.
    package var channels: [Channel]
    /// All that were looked at, kernel threads left out.
    package var processes: [Int32: Process]
    /// Processes whose descriptors may not be read, or which did not answer: they may be at any other end. Ascending.
    package var unseen: [Int32]
    /// For whom threads wait that may be in a deadlock: all threads of processes that sleep until somebody writes to an empty
    /// channel, or until a child ends; who sleeps at locks of others, and these.
    package var waits: [WaitReason] = []
    /// Seconds that these threads have slept, by their numbers, where the kernel says.
    package var asleep: [Int32: Double] = [:]
    package var gaps: [Gap]

    package init(
        channels: [Channel] = [], processes: [Int32: Process] = [:], unseen: [Int32] = [], gaps: [Gap] = []
    ) {
        self.channels = channels
        self.processes = processes
        self.unseen = unseen
        self.gaps = gaps
    }
}
