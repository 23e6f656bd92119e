import Glibc
import Kernel
package import Model

/// A trace that is being taken: who runs on which core when, as the kernel tells it. Nothing is stopped or changed in those that
/// it is about.
package final class SwitchTrace {
    package let header: TraceHeader

    private let procfs: ProcFS
    private let start: Moment
    private var rings: RingReader?
    private var counters: ScheduleWatch
    private var nextCounters: Moment
    private var nextWaits: Moment
    private var waitTurn = 0
    /// Who was there before the first event.
    private var found: [SwitchEvent] = []

    /// Between two looks at the counters: what a thread did after the last of them is lost with it. Where they are not all that there
    /// is, or of a whole machine, more seldom.
    private static let counterSeconds = 0.25
    private static let seldomSeconds = 1.0
    /// Between two looks at what threads wait for, and how many are looked at each time.
    private static let waitSeconds = 0.1
    private static let waitThreads = 16
    /// A record is written a moment after the time that it tells; a machine's owner may halt a core there.
    private static let settleNanoseconds: UInt64 = 2_000_000

    /// Begins at once.
    /// - Parameter scope: a command is one that is held before its first instruction.
    package init(_ scope: TraceHeader.Scope, procfs: ProcFS = ProcFS()) {
        self.procfs = procfs
        var source = TraceSource(scope, procfs)
        var threads = TraceThreads(procfs)
        var pids: [Int32]?
        switch scope {
        case .machine: break
        case .process(let process), .command(let process):
            source.rings?.wake(atEndOf: process.pid)
            if source.kind == .ownThreads { pids = [process.pid] }
        }
        if source.kind != .schedstat { found = threads.found(pids) }
        counters = ScheduleWatch(scope, procfs)
        if scope != .machine || source.kind == .schedstat { counters.look() }
        let kind = source.kind
        let tracepoints = source.tracepoints
        let program = source.program.take()
        let seesWakeups = tracepoints != nil || program != nil
        let gaps = source.gaps
        let isIdleTold = source.isIdleTold
        if let taken = source.rings.take() {
            rings = RingReader(
                taken, program: program, tracepoints: tracepoints, isIdleTold: isIdleTold, threads: threads)
        }
        start = rings?.start ?? .now
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        header = TraceHeader(
            source: kind, scope: scope, cores: rings?.cores ?? [],
            startedAt: Double(now.tv_sec) + Double(now.tv_nsec) / 1e9, wakeupsSeen: seesWakeups,
            reasonsSeen: seesWakeups, gaps: gaps)
        nextCounters = start
        nextWaits = start
    }

    /// Waits at most so long and hands on what has come in.
    package func next(seconds: Double) -> TraceBatch {
        if let rings {
            rings.wait(seconds: seconds)
        } else {
            Pause.sleep(seconds: seconds)
        }
        let now = Moment.now
        var batch = TraceBatch()
        readCounters(now)
        batch.waits = waits(now)
        let passed = now.nanoseconds - start.nanoseconds
        let settled = passed > SwitchTrace.settleNanoseconds ? passed - SwitchTrace.settleNanoseconds : 0
        read(before: settled, into: &batch)
        return batch
    }

    /// Ends the trace, with what had come in by now.
    package func end() -> (batch: TraceBatch, end: TraceEnd) {
        rings?.stop()
        let length = Moment.now.nanoseconds - start.nanoseconds
        if counts { counters.look() }
        var batch = TraceBatch()
        read(before: .max, into: &batch)
        // The rings were stopped one after the other.
        batch.events.removeAll { $0.time > length }
        batch.completeTo = length
        var gaps: [Gap] = []
        if counters.leftOut > 0 {
            gaps.append(
                Gap(
                    what: Units.counted(counters.leftOut, "more thread"), reason: "there are too many to keep apart"))
        }
        if let damaged = rings?.damagedBytes, damaged > 0 {
            gaps.append(
                Gap(
                    what: "\(Units.bytes(UInt64(damaged))) of records",
                    reason: "this kernel writes them in an unknown form"))
        }
        let end = TraceEnd(
            nanoseconds: length, lost: rings?.lostCount() ?? 0, differences: counts ? counters.differences() : [],
            gaps: gaps)
        return (batch, end)
    }

    /// Whether the counters are read: of a whole machine they would take too long where they are not all there is.
    private var counts: Bool { header.scope != .machine || header.source == .schedstat }

    private func read(before limit: UInt64, into batch: inout TraceBatch) {
        batch.events = found
        found = []
        rings?.read(before: limit, into: &batch.events)
        batch.completeTo = limit
    }

    private func readCounters(_ now: Moment) {
        guard counts, now >= nextCounters else { return }
        let isSeldom = header.scope == .machine || header.source != .schedstat
        // The first look was before the trace began.
        if nextCounters > start { counters.look() }
        nextCounters = now.after(seconds: isSeldom ? SwitchTrace.seldomSeconds : SwitchTrace.counterSeconds)
    }

    /// What some of the threads wait for just now, in turn.
    private func waits(_ now: Moment) -> [WaitSample] {
        guard header.scope != .machine, now >= nextWaits else { return [] }
        nextWaits = now.after(seconds: SwitchTrace.waitSeconds)
        let present = counters.present
        guard !present.isEmpty else { return [] }
        var samples: [WaitSample] = []
        for offset in 0..<min(SwitchTrace.waitThreads, present.count) {
            let key = present[(waitTurn + offset) % present.count]
            guard let channel = procfs.waitChannel(of: key.pid, thread: key.tid) else { continue }
            let call = procfs.currentCall(of: key.pid, thread: key.tid)?.number
            samples.append(
                WaitSample(
                    time: Moment.now.nanoseconds - start.nanoseconds, thread: key, channel: channel,
                    call: call.flatMap { WaitingCall.number($0)?.name }))
        }
        waitTurn = (waitTurn + SwitchTrace.waitThreads) % max(present.count, 1)
        return samples
    }
}
