/// The files below `/proc/PID` that something is read from. What nobody asks for is not opened: each costs every process
/// on the machine two to fourteen microseconds.
package struct ProcessSources: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// The owner of the folder `/proc/PID` itself: the effective user and group, readable for everybody.
    package static let owner = ProcessSources(rawValue: 1 << 0)
    /// `cmdline`. The kernel takes the process's memory lock for it.
    package static let arguments = ProcessSources(rawValue: 1 << 1)
    package static let status = ProcessSources(rawValue: 1 << 2)
    package static let schedstat = ProcessSources(rawValue: 1 << 3)
    package static let waitChannel = ProcessSources(rawValue: 1 << 4)
    package static let controlGroups = ProcessSources(rawValue: 1 << 5)
    package static let io = ProcessSources(rawValue: 1 << 6)
    /// Where `exe` leads.
    package static let executable = ProcessSources(rawValue: 1 << 7)
    /// Where `ns/…` lead: cgroup, ipc, mnt, net, pid, time, user, uts.
    package static let namespaces = ProcessSources(rawValue: 1 << 8)
    /// `oom_score` and `oom_score_adj`.
    package static let memoryPressure = ProcessSources(rawValue: 1 << 9)
    package static let autogroup = ProcessSources(rawValue: 1 << 10)
    /// `loginuid`.
    package static let loginUser = ProcessSources(rawValue: 1 << 11)
    /// `smaps_rollup`. The kernel takes the process's memory lock for it, and walks its page tables.
    package static let proportional = ProcessSources(rawValue: 1 << 12)
    /// `sched`, but of processes only that have ended or sleep where no signal reaches them.
    package static let lastRun = ProcessSources(rawValue: 1 << 13)
    /// Of `ns/…` those that containers are made of: mnt, net, pid, user.
    package static let isolation = ProcessSources(rawValue: 1 << 14)

    /// No file: ioprio_get(2).
    package static let ioPriority = ProcessSources(rawValue: 1 << 15)
    /// No file: what the kernel counts of a thread's delays and tells over netlink (taskstats), with CAP_NET_ADMIN.
    package static let delays = ProcessSources(rawValue: 1 << 16)

    /// Files whose reading waits while the process's memory map is locked, which may be for ever.
    package static let lockable: ProcessSources = [.arguments, .proportional]
}
