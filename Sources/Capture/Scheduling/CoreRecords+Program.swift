import Kernel
import Model

extension CoreRecords {
    /// What nusu's own programs wrote, whole records one behind the other.
    /// - Parameter lost: how many of this core found no room since the program runs.
    mutating func take(program bytes: UnsafeRawBufferPointer, lost: UInt64) {
        var offset = 0
        while let record = SchedulerProgram.Record(bytes, at: offset) {
            // The program has run since before the trace began.
            if record.time >= start { take(record) }
            offset += SchedulerProgram.Record.bytes
        }
        note(damagedBytes: bytes.count - offset)
        // They came after what is there.
        note(lostInAll: lost)
    }

    private mutating func take(_ record: SchedulerProgram.Record) {
        let first = ThreadKey(pid: record.first.process, tid: record.first.thread)
        let second = ThreadKey(pid: record.second.process, tid: record.second.thread)
        switch record.kind {
        case .leaving:
            let state = SleepState(taskState: record.value)
            append(
                record.time,
                .switchOut(first, state.map { record.flags == 0 ? .blocked($0) : .preempted } ?? .preempted))
            append(record.time, .switchIn(second))
        case .waking:
            // Who was interrupted has not woken anybody. In a soft interrupt that is not known: it may be the rest of what the
            // running thread asked for (a packet to the same machine).
            let isInterrupt = record.flags & CoreRecords.hardInterrupts != 0
            append(record.time, .wakeup(first, by: isInterrupt ? .idle : second), core: UInt16(clamping: record.value))
        case .migration: append(record.time, .migration(first), core: UInt16(clamping: record.value))
        }
    }

    /// HARDIRQ_MASK (include/linux/preempt.h).
    private static let hardInterrupts: UInt32 = 0xf_0000
}

extension SleepState {
    /// A thread's state as the scheduler itself keeps it (include/linux/sched.h, since Linux 4.14); nil where it is ready to run.
    init?(taskState state: UInt32) {
        // TASK_IDLE is TASK_UNINTERRUPTIBLE with TASK_NOLOAD.
        if state & 0x402 == 0x402 {
            self = .idle
        } else if state & 0xb0 != 0 {
            // TASK_DEAD, EXIT_ZOMBIE, EXIT_DEAD.
            self = .ended
        } else if state & 0x40 != 0 {
            self = .parked
        } else if state & 0x08 != 0 {
            self = .traced
        } else if state & 0x04 != 0 {
            self = .stopped
        } else if state & 0x01 != 0 {
            self = .interruptible
        } else if state != 0 {
            // TASK_UNINTERRUPTIBLE, and what is as deaf: TASK_RTLOCK_WAIT, TASK_FROZEN.
            self = .uninterruptible
        } else {
            return nil
        }
    }
}
