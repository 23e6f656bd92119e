/// One thread as the kernel's records name it. Numbers are used again: a key means a thread only between its first record and
/// its `exit`.
package struct ThreadKey: Hashable, Sendable {
    /// 0 where it is not known of which process the thread is.
    package var pid: Int32
    package var tid: Int32

    package init(pid: Int32, tid: Int32) {
        self.pid = pid
        self.tid = tid
    }

    /// What a core runs when it has nothing to run.
    package static let idle = ThreadKey(pid: 0, tid: 0)
    package var isIdle: Bool { tid == 0 }
}

/// How a thread sleeps: the kernel's letters (man 5 proc_pid_stat, field 3; fs/proc/array.c).
package enum SleepState: UInt8, Hashable, Sendable, CaseIterable {
    /// S: any signal wakes it.
    case interruptible
    /// D: in the kernel, where no signal reaches it.
    case uninterruptible
    /// T: by a signal.
    case stopped
    /// t: by its tracer.
    case traced
    /// X and Z: it has ended.
    case ended
    /// P: a thread of the kernel that has been put aside.
    case parked
    /// I: a thread of the kernel that waits for work.
    case idle

    package var letter: UInt8 { Array("SDTtXPI".utf8)[Int(rawValue)] }

    /// nil for R, and for what no known kernel writes.
    package init?(letter: UInt8) {
        switch letter {
        case UInt8(ascii: "S"), UInt8(ascii: "K"): self = .interruptible
        case UInt8(ascii: "D"), UInt8(ascii: "W"): self = .uninterruptible
        case UInt8(ascii: "T"): self = .stopped
        case UInt8(ascii: "t"): self = .traced
        case UInt8(ascii: "X"), UInt8(ascii: "x"), UInt8(ascii: "Z"): self = .ended
        case UInt8(ascii: "P"): self = .parked
        case UInt8(ascii: "I"): self = .idle
        default: return nil
        }
    }
}

/// The name of a thread as the kernel keeps it: at most 15 bytes, not always UTF-8, not escaped (TASK_COMM_LEN, linux/sched.h).
package struct CommandName: Hashable, Sendable {
    /// The bytes in order, the first the lowest, then zeros.
    package let low: UInt64
    package let high: UInt64

    /// Ends at the first zero byte, and after 15 bytes.
    package init(_ bytes: some Sequence<UInt8>) {
        var words: (low: UInt64, high: UInt64) = (0, 0)
        for (index, byte) in bytes.prefix(15).enumerated() {
            guard byte != 0 else { break }
            if index < 8 {
                words.low |= UInt64(byte) << (index * 8)
            } else {
                words.high |= UInt64(byte) << ((index - 8) * 8)
            }
        }
        (low, high) = words
    }

    package var bytes: [UInt8] {
        let all = (0..<15).map { UInt8(truncatingIfNeeded: ($0 < 8 ? low : high) >> ($0 % 8 * 8)) }
        return Array(all.prefix { $0 != 0 })
    }
}

/// One thing that the scheduler did. A value without references: millions of them are handed on.
package struct SwitchEvent: Hashable, Sendable {
    package enum Leaving: Hashable, Sendable {
        /// It is ready to run on: another took its core, or it let others go first (sched_yield).
        case preempted
        /// It waits for something; nil where the kernel does not say how it sleeps.
        case blocked(SleepState?)
    }

    package enum Kind: Hashable, Sendable {
        /// It begins to run on `core`. The idle thread too: then the core has nothing to run.
        case switchIn(ThreadKey)
        case switchOut(ThreadKey, Leaving)
        /// What it waited for has come: it is ready to run, on `core`. `by`: who ran where that was done, idle for an interrupt (a
        /// timer, a device); nil where that is not known.
        case wakeup(ThreadKey, by: ThreadKey?)
        /// It was moved to `core`. Only where `TraceHeader.wakeupsSeen`; else a move shows by the next `switchIn`.
        case migration(ThreadKey)
        /// The child has its parent's name until a `name` says otherwise.
        case fork(parent: ThreadKey, child: ThreadKey)
        /// It ends: its last `switchOut` follows, but for `.ownThreads`, which stops here.
        case exit(ThreadKey)
        case name(ThreadKey, CommandName)
        /// It was there, and slept so, a moment before the trace began; nil: it ran, or was ready to. What its first switch or
        /// wake-up says is surer.
        case found(ThreadKey, SleepState?)
        /// Records of `core` that were lost before this time: the reader came too late.
        case lost(UInt64)
    }

    /// Nanoseconds since the trace began (CLOCK_MONOTONIC).
    package var time: UInt64
    package var core: UInt16
    package var kind: Kind

    package init(time: UInt64, core: UInt16, kind: Kind) {
        self.time = time
        self.core = core
        self.kind = kind
    }
}

/// Where a thread was seen asleep when it was looked at, at one moment.
package struct WaitSample: Hashable, Sendable {
    /// Nanoseconds since the trace began.
    package var time: UInt64
    package var thread: ThreadKey
    /// The kernel's function that it slept in (`/proc/TID/wchan`); nil where that may not be seen.
    package var channel: String?
    /// The system call that it was in; nil where it was in none, or that may not be seen.
    package var call: String?

    package init(time: UInt64, thread: ThreadKey, channel: String?, call: String?) {
        self.time = time
        self.thread = thread
        self.channel = channel
        self.call = call
    }
}

/// What came in between two looks.
package struct TraceBatch: Sendable {
    /// Of all cores, in the order of time. None is older than the last of the batch before.
    package var events: [SwitchEvent]
    /// In the order of time; only of the threads that the trace is about, and not of every wait.
    package var waits: [WaitSample]
    /// Everything up to this time has been handed on; nanoseconds since the trace began.
    package var completeTo: UInt64

    package init(events: [SwitchEvent] = [], waits: [WaitSample] = [], completeTo: UInt64 = 0) {
        self.events = events
        self.waits = waits
        self.completeTo = completeTo
    }
}

/// What is known of a trace before its first event.
package struct TraceHeader: Hashable, Sendable {
    package enum Source: UInt8, Hashable, Sendable, CaseIterable {
        /// The kernel's record of every switch of every core.
        case cpuWide
        /// The kernel's record of the switches of the target's threads, and of what they start.
        case ownThreads
        /// No record of single switches: the kernel's counters, read before and after.
        case schedstat
    }

    /// Whose threads the trace is about. Events of others are there where the source sees them.
    package enum Scope: Hashable, Sendable {
        case machine
        case process(ProcessIdentity)
        /// A command that nusu started, with all that it starts.
        case command(ProcessIdentity)
    }

    package var source: Source
    package var scope: Scope
    /// The cores that were watched, ascending; empty for `.schedstat`.
    package var cores: [Int]
    /// Seconds since 1970, of the real-time clock.
    package var startedAt: Double
    /// Whether there are `wakeup` and `migration` events.
    package var wakeupsSeen: Bool
    /// Whether `Leaving.blocked` says how a thread sleeps.
    package var reasonsSeen: Bool
    package var gaps: [Gap]

    package init(
        source: Source, scope: Scope, cores: [Int], startedAt: Double, wakeupsSeen: Bool, reasonsSeen: Bool,
        gaps: [Gap] = []
    ) {
        self.source = source
        self.scope = scope
        self.cores = cores
        self.startedAt = startedAt
        self.wakeupsSeen = wakeupsSeen
        self.reasonsSeen = reasonsSeen
        self.gaps = gaps
    }
}

/// What the kernel's counters of one thread said at the end less what they said at the beginning
/// (`/proc/PID/task/TID/schedstat`, `status`). nil: not known.
package struct ScheduleDifference: Hashable, Sendable {
    package var thread: ThreadKey
    package var command: CommandName
    /// On a core.
    package var runNanoseconds: UInt64?
    /// Ready to run, without a core.
    package var waitNanoseconds: UInt64?
    /// How often it began to run.
    package var slices: UInt64?
    package var voluntary: UInt64?
    package var involuntary: UInt64?
    package var migrations: UInt64?
    /// It was not there at the beginning: all that it has counted is in here.
    package var isNew: Bool
    /// It ended before the end: what it did after the last look at it is missing, so these are lower bounds.
    package var hasEnded: Bool

    package init(
        thread: ThreadKey, command: CommandName, runNanoseconds: UInt64? = nil, waitNanoseconds: UInt64? = nil,
        slices: UInt64? = nil, voluntary: UInt64? = nil, involuntary: UInt64? = nil, migrations: UInt64? = nil,
        isNew: Bool = false, hasEnded: Bool = false
    ) {
        self.thread = thread
        self.command = command
        self.runNanoseconds = runNanoseconds
        self.waitNanoseconds = waitNanoseconds
        self.slices = slices
        self.voluntary = voluntary
        self.involuntary = involuntary
        self.migrations = migrations
        self.isNew = isNew
        self.hasEnded = hasEnded
    }
}

/// What is known of a trace after its last event.
package struct TraceEnd: Hashable, Sendable {
    /// How long the trace is.
    package var nanoseconds: UInt64
    /// Records that were lost, of all cores.
    package var lost: UInt64
    /// Of the threads that the trace is about, where they could be read; of `.machine` only with `.schedstat`.
    package var differences: [ScheduleDifference]
    /// Gaps that showed only at the end.
    package var gaps: [Gap]

    package init(nanoseconds: UInt64, lost: UInt64, differences: [ScheduleDifference] = [], gaps: [Gap] = []) {
        self.nanoseconds = nanoseconds
        self.lost = lost
        self.differences = differences
        self.gaps = gaps
    }
}
