/// What was read of one process, or of one of its threads. A part that was not asked for, may not be read, or was gone
/// by then is nil.
package struct ProcessRecord: Hashable, Sendable {
    package var stat: ProcessStat
    /// The process that a thread belongs to; for a process its own number.
    package var processID: Int32
    /// The effective user and group.
    package var owner: Owner?
    /// One thread of a process with several: what belongs to the whole process, as its memory does, is not its own.
    package var isThread = false
    /// `cmdline` as it stands: every argument ends with a zero byte, unless the program wrote over them. Empty for kernel
    /// threads and zombies. Bounded.
    package var argumentBytes: [UInt8]?
    package var status: ProcessStatus? {
        get { statusBox.first }
        set { statusBox = newValue.map { [$0] } ?? [] }
    }
    /// Apart from the record: it is as large as all the rest, and most looks at thousands of processes do without.
    private var statusBox: [ProcessStatus] = []
    package var runTimes: RunTimes?
    /// The kernel function that it sleeps in, raw; "0" where it runs or may not be told.
    package var waitChannel: [UInt8]?
    /// `cgroup`, one line for each hierarchy.
    package var controlGroups: [UInt8]?
    /// The container's identifier as it stands in the control groups; nil outside of containers.
    package var containerBytes: [UInt8]?
    package var io: IO?
    package var ioPriority: IOPriority?
    /// How long it waited for its own memory to come back from swap, in nanoseconds: of one thread, for a process of its main thread.
    package var swapDelay: UInt64?
    /// The file of the program that it runs.
    package var executable: [UInt8]?
    package var namespaces: Namespaces?
    /// 0 to 2000: who ends first when memory runs out.
    package var oomScore: Int?
    /// -1000 (never) to 1000, set by whoever runs it.
    package var oomAdjustment: Int?
    package var autogroup: Autogroup?
    /// Who logged in for it to be started; nil for nobody.
    package var loginUser: UInt32?
    /// Pss of `smaps_rollup`: memory shared by n processes counted as an n-th.
    package var proportionalBytes: UInt64?
    /// When it was last on a processor, on the scheduler's clock (`se.exec_start` of `sched`): since then it sleeps, or is
    /// dead.
    package var lastRanSeconds: Double?
    /// Files that were asked for and may not be read.
    package var denied: ProcessSources = []
    /// Files that were given up on, since the process's memory map stayed locked.
    package var locked: ProcessSources = []

    package init(stat: ProcessStat, processID: Int32) {
        self.stat = stat
        self.processID = processID
    }

    package var identity: ProcessIdentity {
        ProcessIdentity(pid: stat.pid, startTicks: stat.startTicks, commandBytes: stat.commandBytes)
    }

    package struct Owner: Hashable, Sendable {
        package var user: UInt32
        package var group: UInt32

        package init(user: UInt32, group: UInt32) {
            self.user = user
            self.group = group
        }
    }

    /// `schedstat`, in nanoseconds: of one thread; for a process that of its main thread.
    package struct RunTimes: Hashable, Sendable {
        package var ran: UInt64
        /// Ready to run, but no processor was free for it.
        package var waited: UInt64
        /// How often it was put on a processor.
        package var slices: UInt64

        package init(ran: UInt64, waited: UInt64, slices: UInt64) {
            self.ran = ran
            self.waited = waited
            self.slices = slices
        }
    }

    /// `io`: bytes that went to or came from storage since the process was started.
    package struct IO: Hashable, Sendable {
        package var readBytes: UInt64
        package var writtenBytes: UInt64

        package init(readBytes: UInt64, writtenBytes: UInt64) {
            self.readBytes = readBytes
            self.writtenBytes = writtenBytes
        }
    }

    /// The inode numbers by which the kernel tells namespaces apart (man 7 namespaces); nil for those it may not tell.
    package struct Namespaces: Hashable, Sendable {
        package enum Kind: String, CaseIterable, Hashable, Sendable {
            case cgroup, ipc, mnt, net, pid, time, user, uts

            /// What containers are made of.
            package static let isolating: [Kind] = [.mnt, .net, .pid, .user]
        }

        package var inodes: [Kind: UInt64] = [:]

        package init() {}
    }

    /// The group that a session's processes share a processor's time in (man 7 sched).
    package struct Autogroup: Hashable, Sendable {
        package var number: UInt64
        package var nice: Int32

        package init(number: UInt64, nice: Int32) {
            self.number = number
            self.nice = nice
        }
    }
}
