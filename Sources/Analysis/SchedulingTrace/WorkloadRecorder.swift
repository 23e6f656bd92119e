package import Model

/// Makes a workload of a trace: of each thread the times that it ran until it blocked, and the times that it was blocked.
package struct WorkloadRecorder: Sendable {
    /// A workload, and what it is not.
    package struct Recording: Sendable {
        package var workload: Workload
        /// How many cores were traced.
        package var cores: Int
        package var gaps: [Gap]
    }

    /// Runs and blocks of all threads together.
    static let maximumPhases = 2_000_000

    private struct Thread: Sendable {
        let key: ThreadKey
        var name: CommandName
        /// When it was first ready to run; nil: not yet.
        var arrival: Int?
        var phases: [Workload.Phase] = []
        /// Since it last blocked.
        var run = 0
        var runningSince: Int?
        var blockedSince: Int?
    }

    private let header: TraceHeader
    private var threads: [Thread] = []
    private var indexes: [Int32: Int] = [:]
    /// Of threads that have not run yet.
    private var names: [Int32: CommandName] = [:]
    private static let maximumNames = 1 << 17
    private var phases = 0
    private var now = 0
    /// When there was no room for more.
    private var fullAt: Int?

    package init(_ header: TraceHeader) { self.header = header }

    package mutating func add(_ batch: TraceBatch) {
        for event in batch.events where fullAt == nil { add(event) }
    }

    private mutating func add(_ event: SwitchEvent) {
        now = max(now, Int(min(event.time, UInt64(Workload.maximumTotal))))
        switch event.kind {
        case .switchIn(let key):
            guard let index = index(key) else { return }
            unblock(index)
            threads[index].runningSince = now
        case .switchOut(let key, let leaving):
            guard let index = index(key, arrivesNow: false) else { return }
            // Where the first that is heard of it is that it stops, it has run since the beginning.
            if let start = threads[index].runningSince ?? (threads[index].arrival == nil ? 0 : nil) {
                threads[index].run += now - start
                threads[index].arrival = threads[index].arrival ?? 0
            }
            threads[index].runningSince = nil
            if case .blocked = leaving { block(index) }
        case .wakeup(let key, _):
            guard let index = index(key) else { return }
            unblock(index)
        case .fork(_, let child):
            indexes[child.tid] = nil
            _ = index(child)
        case .name(let key, let name):
            if let index = indexes[key.tid] {
                threads[index].name = name
            } else if names.count < Self.maximumNames {
                names[key.tid] = name
            }
            return
        case .exit, .migration, .found, .lost: return
        }
        if phases >= Self.maximumPhases { fullAt = now }
    }

    private mutating func block(_ index: Int) {
        guard threads[index].run > 0 else { return }
        threads[index].phases.append(Workload.Phase(run: threads[index].run))
        threads[index].run = 0
        threads[index].blockedSince = now
        phases += 1
    }

    private mutating func unblock(_ index: Int) {
        guard let start = threads[index].blockedSince, let last = threads[index].phases.indices.last else { return }
        threads[index].phases[last].block = now - start
        threads[index].blockedSince = nil
    }

    /// A thread that is ready to run, or was until now.
    private mutating func index(_ key: ThreadKey, arrivesNow: Bool = true) -> Int? {
        guard key.tid > 0 else { return nil }
        if let index = indexes[key.tid] { return index }
        guard threads.count < Workload.maximumThreads else { return nil }
        threads.append(
            Thread(key: key, name: names[key.tid] ?? CommandName([]), arrival: arrivesNow ? now : nil))
        indexes[key.tid] = threads.count - 1
        return threads.count - 1
    }

    /// - Throws: `.unsupported` where nothing ran, or single switches were not seen.
    package mutating func finish(_ end: TraceEnd, file: String) throws(Failure) -> Recording {
        let length = fullAt ?? max(now, Int(min(end.nanoseconds, UInt64(Workload.maximumTotal))))
        var gaps: [Gap] = []
        if let fullAt {
            gaps.append(
                Gap(
                    what: "what came after \(Units.milliseconds(UInt64(fullAt))) of the trace",
                    reason: "a workload has at most \(Self.maximumPhases / 1_000_000) million runs",
                    remedy: "record a shorter time"))
        }
        for index in threads.indices {
            if let start = threads[index].runningSince { threads[index].run += max(length - start, 0) }
            if threads[index].run > 0 { threads[index].phases.append(Workload.Phase(run: threads[index].run)) }
        }
        var total = 0
        var leftOut = 0
        var kept: [Workload.Thread] = []
        let ran = threads.filter { !$0.phases.isEmpty }.map { thread in
            Workload.Thread(
                "\(String(decoding: thread.name.bytes, as: UTF8.self)) \(thread.key.tid)",
                arrival: thread.arrival ?? 0, phases: thread.phases)
        }
        // Who ran most is kept; all times together have a limit.
        for thread in ran.sorted(by: { ($0.totalRun, $1.name) > ($1.totalRun, $0.name) }) {
            let time = thread.totalRun + thread.totalBlock + (thread.phases.last?.block ?? 0) + thread.arrival
            guard total + time <= Workload.maximumTotal else {
                leftOut += 1
                continue
            }
            total += time
            kept.append(thread)
        }
        guard !kept.isEmpty else {
            throw Failure(
                .unsupported,
                what: header.source == .schedstat
                    ? "\(file) has the counters of threads, and no single runs" : "\(file) has no thread that ran",
                subject: file, remedy: "record one as root: sudo nusu sched trace PID --save FILE")
        }
        if leftOut > 0 {
            gaps.append(
                Gap(what: Units.counted(leftOut, "thread"), reason: "all times together are over 1,000,000 s"))
        }
        if !header.wakeupsSeen {
            gaps.append(
                Gap(
                    what: "when threads were woken",
                    reason: "the trace has no wake-ups, so a wait for a core after a block counts as part of the block",
                    remedy: "record as root where the kernel's tracepoints may be used"))
        }
        if end.lost > 0 {
            gaps.append(
                Gap(
                    what: "\(Units.counted(Int(clamping: end.lost), "record")) of the trace",
                    reason: "they came faster than they were read"))
        }
        gaps.append(Gap(what: "nice values", reason: "a trace does not have them: all threads count as nice 0"))
        return Recording(workload: Workload(threads: kept), cores: max(header.cores.count, 1), gaps: gaps)
    }
}
