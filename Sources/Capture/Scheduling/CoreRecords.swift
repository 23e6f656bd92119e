import Model

/// What one core's ring told, as events in the order of time. The bytes come from the kernel, but nothing is believed of them
/// beyond their own bounds (man 2 perf_event_open, "MMAP layout").
struct CoreRecords {
    let core: UInt16
    /// What time 0 of the trace is, of CLOCK_MONOTONIC.
    let start: UInt64
    private let tracepoints: SchedulerTracepoints?
    /// In a container with process numbers of its own every thread outside has the idle thread's number, 0.
    private let isIdleTold: Bool
    /// Records that found no room before the trace began: nobody misses them.
    private let lostBefore: UInt64

    /// Not yet handed on.
    var events: [SwitchEvent] = []
    /// Bytes that could not be understood.
    private(set) var damagedBytes = 0
    private(set) var lost: UInt64 = 0

    private var lastTime: UInt64 = 0
    /// Who began to run here last: a thread that has been waited for has no number any more when it leaves.
    private var running: ThreadKey?
    /// How the thread that leaves next will sleep.
    private var sleep: (thread: Int32, state: SleepState)?
    /// The last record of a switch: of a thread that is watched twice, each comes twice.
    private var last: (thread: Int32, isOut: Bool)?

    init(
        core: UInt16, start: UInt64, tracepoints: SchedulerTracepoints?, isIdleTold: Bool = true, lostBefore: UInt64 = 0
    ) {
        self.core = core
        self.start = start
        self.tracepoints = tracepoints
        self.isIdleTold = isIdleTold
        self.lostBefore = lostBefore
    }

    /// Whole records, one behind the other.
    mutating func take(_ bytes: UnsafeRawBufferPointer) {
        var at = 0
        while bytes.count - at >= Record.headerBytes {
            let size = Int(bytes.loadUnaligned(fromByteOffset: at + 6, as: UInt16.self))
            guard size >= Record.headerBytes, size <= bytes.count - at else { break }
            take(Record(UnsafeRawBufferPointer(rebasing: bytes[at..<at + size])))
            at += size
        }
        // Without its size the next one's start is not known.
        damagedBytes += bytes.count - at
    }

    private mutating func take(_ record: Record) {
        let kind = record.kind
        // Records of things that were not asked for may come with new kernels.
        guard let kind else { return }
        guard let read = kind == .sample ? takeSample(record) : takeOther(kind, record) else {
            damagedBytes += record.count
            return
        }
        _ = read
    }

    mutating func append(_ time: UInt64, _ kind: SwitchEvent.Kind, core other: UInt16? = nil) {
        // A record that an interrupt wrote in the middle of another's may be earlier by a little.
        lastTime = max(lastTime, time > start ? time - start : 0)
        events.append(SwitchEvent(time: lastTime, core: other ?? core, kind: kind))
    }

    mutating func note(damagedBytes: Int) { self.damagedBytes += damagedBytes }

    /// - Parameter all: how many found no room since there is a ring.
    mutating func note(lostInAll all: UInt64) {
        let known = lostBefore &+ lost
        if all > known { note(lost: all - known) }
    }

    private mutating func note(lost count: UInt64) {
        lost &+= count
        (last, running, sleep) = (nil, nil, nil)
        append(start &+ lastTime, .lost(count))
    }

    /// nil: damaged.
    private mutating func takeOther(_ kind: Record.Kind, _ record: Record) -> Void? {
        guard let key = record.ownKey, let time = record.ownTime else { return nil }
        switch kind {
        case .switched, .switchedCpuWide:
            if record.isOut {
                takeOut(key, isPreempted: record.isPreempted, time)
            } else {
                takeIn(key, time)
            }
        case .lost:
            guard let count = record.word64(16) else { return nil }
            lost &+= count
            (last, running, sleep) = (nil, nil, nil)
            append(time, .lost(count))
        case .name:
            guard let pid = record.word32(8), let tid = record.word32(12) else { return nil }
            append(time, .name(ThreadKey(pid: pid, tid: tid), CommandName(record.bytes(from: 16))))
        case .exit, .fork:
            guard let pid = record.word32(8), let parentPid = record.word32(12), let tid = record.word32(16),
                let parentTid = record.word32(20)
            else { return nil }
            let thread = ThreadKey(pid: pid, tid: tid)
            append(
                time,
                kind == .exit
                    ? .exit(thread) : .fork(parent: ThreadKey(pid: parentPid, tid: parentTid), child: thread))
        case .sample: return nil
        }
        return ()
    }

    private mutating func takeIn(_ key: ThreadKey, _ time: UInt64) {
        guard key.tid >= 0 else { return }
        if let last, !last.isOut, last.thread == key.tid { return }
        last = (key.tid, false)
        running = key
        guard isIdleTold || !key.isIdle else { return }
        append(time, .switchIn(key))
    }

    private mutating func takeOut(_ key: ThreadKey, isPreempted: Bool, _ time: UInt64) {
        if let last, last.isOut, last.thread == key.tid, key.tid > 0 { return }
        last = (key.tid, true)
        let known = sleep
        sleep = nil
        guard key.tid >= 0 else {
            // It has ended, and its parent has been told already.
            if let running, isIdleTold || !running.isIdle { append(time, .switchOut(running, .blocked(.ended))) }
            running = nil
            return
        }
        running = nil
        guard isIdleTold || !key.isIdle else { return }
        guard !isPreempted else {
            append(time, .switchOut(key, .preempted))
            return
        }
        let state = known.flatMap { $0.thread == key.tid ? $0.state : nil }
        append(time, .switchOut(key, .blocked(state ?? (tracepoints == nil ? nil : .interruptible))))
    }

    /// nil: damaged.
    private mutating func takeSample(_ record: Record) -> Void? {
        guard let tracepoints, let pid = record.word32(8), let tid = record.word32(12), let time = record.word64(16),
            let number = record.raw16(0), let flags = record.raw8(2)
        else { return nil }
        let own = ThreadKey(pid: pid, tid: tid)
        switch number {
        case tracepoints.waking.number: return takeWakeup(tracepoints.waking, record, own, flags, time)
        case tracepoints.wakeupNew.number: return takeWakeup(tracepoints.wakeupNew, record, own, flags, time)
        case tracepoints.migration.number:
            guard let thread = record.raw32(tracepoints.migration.thread),
                let core = record.core(tracepoints.migration.core)
            else { return nil }
            append(time, .migration(ThreadKey(pid: 0, tid: thread)), core: core)
        case tracepoints.leaving.number:
            guard let thread = record.raw32(tracepoints.leaving.thread),
                let bits = record.raw64(tracepoints.leaving.state)
            else { return nil }
            sleep = SleepState(bits: bits).map { (thread, $0) }
        default: return nil
        }
        return ()
    }

    private mutating func takeWakeup(
        _ layout: SchedulerTracepoints.Wakeup, _ record: Record, _ own: ThreadKey, _ flags: UInt8, _ time: UInt64
    ) -> Void? {
        guard let thread = record.raw32(layout.thread), let core = record.core(layout.core) else { return nil }
        // Who was interrupted has not woken anybody. In a soft interrupt that is not known: it may be the rest of what the
        // running thread asked for (a packet to the same machine).
        let isInterrupt = flags & Record.hardInterrupt != 0
        append(time, .wakeup(ThreadKey(pid: 0, tid: thread), by: isInterrupt ? .idle : own), core: core)
        return ()
    }
}

extension SleepState {
    /// `prev_state` of sched_switch (include/linux/sched.h, TASK_REPORT; since Linux 4.14); nil where it does not sleep.
    init?(bits: UInt64) {
        switch bits & 0xff {
        case 0x01: self = .interruptible
        case 0x02: self = .uninterruptible
        case 0x04: self = .stopped
        case 0x08: self = .traced
        case 0x10, 0x20: self = .ended
        case 0x40: self = .parked
        case 0x80: self = .idle
        default: return nil
        }
    }
}
