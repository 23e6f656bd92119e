/// The threads that are ready and wait for a core, under one policy. The simulator calls; times are nanoseconds.
protocol ReadyQueue {
    /// A thread became ready, or must give up its core while it would go on.
    /// - Parameter remaining: of its run, until it blocks.
    mutating func add(_ thread: Int, _ cause: ReadyCause, remaining: Int, now: Int)
    /// Takes out who runs next.
    mutating func next(now: Int) -> Int?
    /// How long `thread` may run from `start` on before it is asked again; `Int.max` where nothing but blocking ends it.
    mutating func slice(of thread: Int, from start: Int) -> Int
    /// A thread that runs has done so for another while.
    mutating func charge(_ thread: Int, ran: Int)
    /// A thread that ran blocks or ends.
    mutating func leave(_ thread: Int)
    /// Whether a thread that has just become ready takes the core of one that runs.
    func preempts(_ woken: Candidate, _ running: Candidate) -> Bool
    /// Of several that run, the one with the largest gives way.
    func yielding(_ running: Candidate) -> Int
}

enum ReadyCause {
    /// It arrived, or what it waited for has come.
    case woken
    /// Its slice is used up.
    case expired
    /// Another took its core.
    case preempted
}

/// A thread and what is left of its run.
struct Candidate {
    let thread: Int
    let remaining: Int
}

extension ReadyQueue {
    mutating func slice(of thread: Int, from start: Int) -> Int { Int.max }
    mutating func charge(_ thread: Int, ran: Int) {}
    mutating func leave(_ thread: Int) {}
    func preempts(_ woken: Candidate, _ running: Candidate) -> Bool { false }
    func yielding(_ running: Candidate) -> Int { 0 }
}

/// First come first served, and with a quantum round robin.
struct FirstComeQueue: ReadyQueue {
    private var queue: ThreadQueue
    private let quantum: Int

    init(threads: Int, quantum: Int = Int.max) {
        queue = ThreadQueue(capacity: threads)
        self.quantum = quantum
    }

    mutating func add(_ thread: Int, _ cause: ReadyCause, remaining: Int, now: Int) { queue.append(thread) }
    mutating func next(now: Int) -> Int? { queue.popFirst() }
    func slice(of thread: Int, from start: Int) -> Int { quantum }
}

/// Shortest job first, and shortest remaining time, which takes the core of a longer one. The job is the run until the
/// next block; it is known beforehand, as it never is outside of a simulation.
struct ShortestQueue: ReadyQueue {
    private var heap = KeyedHeap()
    private let isPreemptive: Bool

    init(isPreemptive: Bool) { self.isPreemptive = isPreemptive }

    mutating func add(_ thread: Int, _ cause: ReadyCause, remaining: Int, now: Int) {
        heap.push(thread, key: remaining)
    }
    mutating func next(now: Int) -> Int? { heap.pop()?.item }
    func preempts(_ woken: Candidate, _ running: Candidate) -> Bool {
        isPreemptive && woken.remaining < running.remaining
    }
    func yielding(_ running: Candidate) -> Int { running.remaining }
}

/// By nice value, preemptive; who waits becomes more urgent by one for each `ageing`. Equals take turns.
struct AgeingQueue: ReadyQueue {
    /// Nanoseconds of waiting that are worth one nice value.
    static let ageing = 100_000_000
    static let quantum = 10_000_000

    /// Keys grow with the time at which a thread began to wait. As all age alike, their order never changes.
    private var heap = KeyedHeap()
    private let nice: [Int]
    /// How urgent a thread was when it got its core, in nanoseconds of ageing: that lasts until it gives it up.
    private var urgency: [Int]

    init(_ workload: Workload) {
        nice = workload.threads.map(\.nice)
        urgency = nice.map { $0 * Self.ageing }
    }

    mutating func add(_ thread: Int, _ cause: ReadyCause, remaining: Int, now: Int) {
        // Who was pushed off keeps what it gained by waiting.
        heap.push(thread, key: (cause == .preempted ? urgency[thread] : nice[thread] * Self.ageing) + now)
    }

    mutating func next(now: Int) -> Int? {
        guard let entry = heap.pop() else { return nil }
        urgency[entry.item] = entry.key - now
        return entry.item
    }

    func slice(of thread: Int, from start: Int) -> Int { Self.quantum }
    func preempts(_ woken: Candidate, _ running: Candidate) -> Bool {
        nice[woken.thread] * Self.ageing < urgency[running.thread]
    }
    func yielding(_ running: Candidate) -> Int { urgency[running.thread] }
}
