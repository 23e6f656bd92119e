/// What `/proc/PID/stat` says of a process or thread (man 5 proc_pid_stat). Times are clock ticks.
package struct ProcessStat: Hashable, Sendable {
    /// The process's number, or the thread's in the file of a thread.
    package var pid: Int32 = 0
    /// The command name, raw: it may hold blanks, newlines and parentheses.
    package var commandBytes: [UInt8] = []
    /// One ASCII letter: `R` running, `S` sleeping, `D` in the kernel, `T` stopped, `t` traced, `Z` zombie, `X` dead, `I` idle.
    package var state: UInt8 = 0
    package var parent: Int32 = 0
    package var processGroup: Int32 = 0
    package var session: Int32 = 0
    /// The device number of the controlling terminal as the kernel writes it; 0 for none.
    package var terminal: UInt32 = 0
    /// The process group that the terminal's keys go to; -1 without a terminal.
    package var terminalGroup: Int32 = -1
    /// The kernel's PF_ flags (include/linux/sched.h).
    package var flags: UInt32 = 0
    package var minorFaults: UInt64 = 0
    package var majorFaults: UInt64 = 0
    package var userTicks: UInt64 = 0
    package var systemTicks: UInt64 = 0
    /// Of children that have ended and were waited for, with what they had waited for in turn.
    package var childUserTicks: UInt64 = 0
    package var childSystemTicks: UInt64 = 0
    /// As the kernel writes it: 0 to 39 for normal processes, below 0 for real-time ones.
    package var priority: Int32 = 0
    /// -20 (first) to 19 (last).
    package var nice: Int32 = 0
    /// 0 for a process that has ended.
    package var threadCount: Int = 0
    /// Clock ticks since boot.
    package var startTicks: UInt64 = 0
    package var virtualBytes: UInt64 = 0
    /// Pages of the machine's page size; approximate (man 5 proc_pid_stat).
    package var residentPages: UInt64 = 0
    /// The signal that the parent gets when this process ends (field 38); 0 or -1 for none.
    package var exitSignal: Int32 = 0
    /// The processor that it ran on last.
    package var processor: Int32 = 0
    /// 1 to 99 for real-time policies, else 0.
    package var realTimePriority: Int32 = 0
    /// SCHED_OTHER 0, FIFO 1, RR 2, BATCH 3, IDLE 5, DEADLINE 6, EXT 7 (man 7 sched).
    package var policy: Int32 = 0
    /// How long it waited for storage (field 42): of one thread, for a process of its main thread. 0 too where the kernel does not
    /// count that (`MachineFacts.countsDelays`).
    package var storageDelayTicks: UInt64 = 0
    /// Of a zombie: how it ended, as wait(2) tells it. Of a stopped process the number of the signal that stopped it, until
    /// its parent has asked (WUNTRACED, as shells do). 0 too where that may not be read, or an old kernel does not say.
    package var exitStatus: Int32 = 0

    package init() {}

    /// PF_KTHREAD: a thread of the kernel, which has no memory of its own.
    package var isKernelThread: Bool { flags & 0x0020_0000 != 0 }
    package var isZombie: Bool { state == UInt8(ascii: "Z") || state == UInt8(ascii: "X") }
    /// Stopped by a signal (Ctrl+Z, SIGSTOP), not by a tracer.
    package var isStopped: Bool { state == UInt8(ascii: "T") }
    /// The signal that it was stopped by; nil where it is not stopped, or that is not known.
    package var stopSignal: Int32? { isStopped && (1...64).contains(exitStatus) ? exitStatus : nil }
    /// Asleep in the kernel where no signal reaches it.
    package var isUninterruptible: Bool { state == UInt8(ascii: "D") }
}
