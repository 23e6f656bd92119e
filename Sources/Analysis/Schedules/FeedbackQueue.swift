/// A multi-level feedback queue by the rules of Arpaci-Dusseau, Operating Systems: Three Easy Pieces, chapter 8: who comes
/// starts at the top; who has used up its allotment of a level, in however many runs, goes one down; the upper level runs
/// first, equals take turns; at intervals all go to the top again.
struct FeedbackQueue: ReadyQueue {
    /// Nanoseconds that a thread of each level may run while equals wait; figure 8.7 there.
    static let slices = [10_000_000, 20_000_000, 40_000_000]
    /// Slices until it goes down.
    static let allotment = 2
    /// Nanoseconds from one rise of all to the next.
    static let boost = 1_000_000_000

    private var queues: [ThreadQueue]
    private var level: [Int]
    /// Of its allotment, and of its slice, in nanoseconds.
    private var used: [Int]
    private var usedOfSlice: [Int]
    /// In which interval between rises its level was set.
    private var interval: [Int]
    private var current = 0

    init(threads: Int) {
        queues = Self.slices.map { _ in ThreadQueue(capacity: threads) }
        level = [Int](repeating: 0, count: threads)
        used = level
        usedOfSlice = level
        interval = level
    }

    mutating func add(_ thread: Int, _ cause: ReadyCause, remaining: Int, now: Int) {
        rise(now)
        refresh(thread)
        if used[thread] >= Self.slices[level[thread]] * Self.allotment {
            level[thread] = min(level[thread] + 1, Self.slices.count - 1)
            used[thread] = 0
        }
        if cause == .preempted {
            // It stays first of its level, with what is left of its slice.
            queues[level[thread]].prepend(thread)
        } else {
            usedOfSlice[thread] = 0
            queues[level[thread]].append(thread)
        }
    }

    mutating func next(now: Int) -> Int? {
        rise(now)
        for index in queues.indices {
            if let thread = queues[index].popFirst() { return thread }
        }
        return nil
    }

    func slice(of thread: Int, from start: Int) -> Int {
        let slice = Self.slices[level[thread]]
        return max(min(slice - usedOfSlice[thread], slice * Self.allotment - used[thread]), 1)
    }

    mutating func charge(_ thread: Int, ran: Int) {
        used[thread] += ran
        usedOfSlice[thread] += ran
    }

    func preempts(_ woken: Candidate, _ running: Candidate) -> Bool { level[woken.thread] < level[running.thread] }
    func yielding(_ running: Candidate) -> Int { level[running.thread] }

    /// Moves all that wait to the top when it is time. Who runs or blocks follows when it is next added.
    private mutating func rise(_ now: Int) {
        guard now / Self.boost > current else { return }
        current = now / Self.boost
        var all: [Int] = []
        for index in queues.indices {
            while let thread = queues[index].popFirst() { all.append(thread) }
        }
        for thread in all {
            refresh(thread)
            queues[0].append(thread)
        }
    }

    private mutating func refresh(_ thread: Int) {
        guard interval[thread] != current else { return }
        interval[thread] = current
        level[thread] = 0
        used[thread] = 0
        usedOfSlice[thread] = 0
    }
}
