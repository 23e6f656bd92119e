import Capture
import Kernel
import Model

/// Adds up what a trace says of each thread, in the plainest way: to be compared with what the kernel counts.
struct SwitchTally {
    struct Thread {
        var runNanoseconds: UInt64 = 0
        var begun = 0
        var preempted = 0
        var blocked = 0
        var sleeps: Set<SleepState?> = []
        var wakers: [ThreadKey?: Int] = [:]
        /// Between what times it ran.
        var runs: [Range<UInt64>] = []
    }

    let header: TraceHeader
    private(set) var threads: [ThreadKey: Thread] = [:]
    private(set) var names: [ThreadKey: [String]] = [:]
    private(set) var found: [ThreadKey: SleepState?] = [:]
    private(set) var forks: [(parent: ThreadKey, child: ThreadKey)] = []
    private(set) var exits: Set<ThreadKey> = []
    private(set) var waits: [WaitSample] = []
    private(set) var isOrdered = true
    private(set) var end: TraceEnd?
    /// What the kernel counted of one thread within the trace, and from before it to after it: a busy machine puts much time
    /// between the two.
    private(set) var within: ThreadCounters?
    private(set) var around: ThreadCounters?
    private var running: [UInt16: (key: ThreadKey, since: UInt64)] = [:]
    private var touched: Set<UInt16> = []
    private var lastTime: UInt64 = 0

    init(_ header: TraceHeader) { self.header = header }

    /// Takes a trace of so long, in the middle of which something is done, and until enough was seen: a busy machine takes
    /// its time.
    init(
        _ scope: TraceHeader.Scope, seconds: Double, counting pid: Int32? = nil, during: () throws -> Void = {},
        until isEnough: (SwitchTally) -> Bool = { _ in true }
    ) throws {
        func counters() throws -> ThreadCounters? { try pid.map { try ThreadCounters($0) } }
        let before = try counters()
        let trace = SwitchTrace(scope)
        let first = try counters()
        self.init(trace.header)
        let start = Clock.now
        while Clock.now - start < seconds / 2 { add(trace.next(seconds: 0.02)) }
        try during()
        while Clock.now - start < seconds || !isEnough(self) && Clock.now - start < 60 {
            add(trace.next(seconds: 0.02))
        }
        let last = try counters()
        finish(trace)
        if let before, let first, let last, let after = try counters() {
            (within, around) = (last.since(first), after.since(before))
        }
    }

    mutating func finish(_ trace: SwitchTrace) {
        let (batch, end) = trace.end()
        add(batch)
        for (_, run) in running { count(run.key, from: run.since, to: end.nanoseconds) }
        self.end = end
    }

    mutating func add(_ batch: TraceBatch) {
        waits += batch.waits
        for event in batch.events { add(event) }
    }

    private mutating func add(_ event: SwitchEvent) {
        if event.time < lastTime { isOrdered = false }
        lastTime = event.time
        switch event.kind {
        case .switchIn(let key):
            running[event.core] = (key, event.time)
            touched.insert(event.core)
            threads[key, default: Thread()].begun += 1
        case .switchOut(let key, let leaving):
            if let run = running[event.core], run.key == key {
                count(key, from: run.since, to: event.time)
            } else if touched.insert(event.core).inserted {
                count(key, from: 0, to: event.time)
            }
            running[event.core] = nil
            switch leaving {
            case .preempted: threads[key, default: Thread()].preempted += 1
            case .blocked(let state):
                threads[key, default: Thread()].blocked += 1
                threads[key, default: Thread()].sleeps.insert(state)
            }
        case .wakeup(let key, let waker): threads[key, default: Thread()].wakers[waker, default: 0] += 1
        case .fork(let parent, let child): forks.append((parent, child))
        case .exit(let key): exits.insert(key)
        case .name(let key, let name): names[key, default: []].append(String(decoding: name.bytes, as: UTF8.self))
        case .found(let key, let state): found[key] = state
        case .migration, .lost: break
        }
    }

    private mutating func count(_ key: ThreadKey, from: UInt64, to: UInt64) {
        guard to > from else { return }
        threads[key, default: Thread()].runNanoseconds += to - from
        threads[key, default: Thread()].runs.append(from..<to)
    }

    func thread(_ pid: Int32) -> Thread { threads[ThreadKey(pid: pid, tid: pid)] ?? Thread() }

    /// The share of the trace in which it ran.
    func share(_ pid: Int32) -> Double {
        Double(thread(pid).runNanoseconds) / Double(max(end?.nanoseconds ?? 1, 1))
    }

    /// What the kernel itself counted of it.
    func counted(_ pid: Int32) -> ScheduleDifference? { end?.differences.first { $0.thread.tid == pid } }
}
