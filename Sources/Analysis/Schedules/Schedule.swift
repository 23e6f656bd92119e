/// What came of a workload under one policy. Times are nanoseconds from the start.
package struct Schedule: Hashable, Sendable {
    /// What became of a thread.
    package struct Outcome: Hashable, Sendable {
        package var arrival = 0
        package var end = 0
        package var ran = 0
        package var blocked = 0
        /// From its arrival to its first run.
        package var firstResponse = 0

        /// From its arrival to its end.
        package var turnaround: Int { end - arrival }
        /// Ready, but not running; what a switch to it took is part of that.
        package var waited: Int { turnaround - ran - blocked }
    }

    /// A core ran a thread without a break.
    package struct Span: Hashable, Sendable {
        package var core: Int
        package var thread: Int
        package var start: Int
        package var end: Int
    }

    /// Spans that are kept: the first ones.
    package static let maximumSpans = 50_000

    package var policy: SchedulingPolicy
    package var machine: SchedulingMachine
    /// In the order of the workload.
    package var threads: [Outcome]
    /// From becoming ready, by arrival or after a block, to running, over all times that a thread did.
    package var response: TimeSummary?
    package var switches = 0
    /// Processor time that switches took.
    package var switchTime = 0
    /// Arrivals, ends of blocks, ends of runs and of slices, and switches.
    package var events = 0
    package var spans: [Span] = []
    /// Up to when the spans are complete; nil: to the end.
    package var spansEnd: Int?

    package var start: Int { threads.map(\.arrival).min() ?? 0 }
    package var end: Int { threads.map(\.end).max() ?? 0 }
    /// From the first arrival to the last end.
    package var makespan: Int { end - start }
    package var busy: Int { threads.reduce(0) { $0 + $1.ran } }

    package var turnaround: TimeSummary? { Self.summary(threads.map(\.turnaround)) }
    package var waiting: TimeSummary? { Self.summary(threads.map(\.waited)) }

    /// Threads that ended, in a second; nil where no time passed.
    package var threadsPerSecond: Double? { makespan > 0 ? Double(threads.count) / Double(makespan) * 1e9 : nil }

    /// What part of the time in which cores did something went into switches.
    package var overhead: Double? {
        busy + switchTime > 0 ? Double(switchTime) / Double(busy + switchTime) : nil
    }

    /// What part of all cores' time threads ran.
    package var utilisation: Double? {
        makespan > 0 ? Double(busy) / (Double(makespan) * Double(machine.cores)) : nil
    }

    /// Jain's index over each thread's speed, the part of its ready time in which it ran: 1 where all got on equally well, 1/n
    /// where one of n took everything. Nice values do not count.
    package var fairness: Double? {
        let speeds = threads.map { Double($0.ran) / Double(max($0.ran + $0.waited, 1)) }
        let sum = speeds.reduce(0, +)
        let squares = speeds.reduce(0) { $0 + $1 * $1 }
        return squares > 0 ? sum * sum / (Double(speeds.count) * squares) : nil
    }

    private static func summary(_ times: [Int]) -> TimeSummary? {
        guard !times.isEmpty else { return nil }
        let sorted = times.sorted()
        let mean = times.reduce(0) { $0 + Double($1) } / Double(times.count)
        return TimeSummary(mean: mean, p99: sorted[(times.count * 99 + 99) / 100 - 1], worst: sorted[times.count - 1])
    }
}

extension SchedulingPolicy {
    /// Where a workload asks for more, the policy or the workload is not meant so: some ten seconds of simulation.
    package static let maximumEvents = 100_000_000

    /// Simulates a workload.
    /// - Returns: nil where there are more than `limit` events.
    package func schedule(
        _ workload: Workload, on machine: SchedulingMachine, limit: Int = SchedulingPolicy.maximumEvents
    ) -> Schedule? {
        func run(_ queue: some ReadyQueue) -> Schedule? {
            var simulator = Simulator(workload, machine, queue)
            return simulator.run(self, limit: limit)
        }
        let count = workload.threads.count
        return switch self {
        case .firstComeFirstServed: run(FirstComeQueue(threads: count))
        case .roundRobin(let quantum): run(FirstComeQueue(threads: count, quantum: max(quantum, 1)))
        case .shortestJobFirst: run(ShortestQueue(isPreemptive: false))
        case .shortestRemainingTime: run(ShortestQueue(isPreemptive: true))
        case .priority: run(AgeingQueue(workload))
        case .feedback: run(FeedbackQueue(threads: count))
        case .eevdf: run(EligibleQueue(workload, machine))
        }
    }
}
