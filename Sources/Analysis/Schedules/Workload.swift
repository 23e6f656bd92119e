/// What threads want of the processors: when each comes, how long it runs and blocks in turn, and its nice value.
package struct Workload: Hashable, Sendable {
    /// A run and the block after it.
    package struct Phase: Hashable, Sendable {
        /// Processor time until it blocks or ends, in nanoseconds; above 0.
        package var run: Int
        /// How long it then blocks, in nanoseconds. After the last run of a thread it has no meaning.
        package var block: Int

        package init(run: Int, block: Int = 0) {
            self.run = run
            self.block = block
        }
    }

    package struct Thread: Hashable, Sendable {
        package var name: String
        /// Nanoseconds after the start.
        package var arrival: Int
        /// At least one.
        package var phases: [Phase]
        /// How often all phases are gone through; at least 1.
        package var rounds: Int
        /// -20 ... 19: a smaller one is more urgent (man 2 setpriority).
        package var nice: Int
        /// The slice that it asked for, in nanoseconds (sched_setattr's sched_runtime); nil: the usual one. Only EEVDF looks.
        package var slice: Int?

        package init(
            _ name: String, arrival: Int = 0, phases: [Phase], rounds: Int = 1, nice: Int = 0, slice: Int? = nil
        ) {
            self.name = name
            self.arrival = arrival
            self.phases = phases
            self.rounds = rounds
            self.nice = nice
            self.slice = slice
        }

        /// All the processor time that it wants, in nanoseconds.
        package var totalRun: Int { rounds * phases.reduce(0) { $0 + $1.run } }
        /// All the time that it blocks, in nanoseconds: what stands behind its last run does not count.
        package var totalBlock: Int {
            rounds * phases.reduce(0) { $0 + $1.block } - (phases.last?.block ?? 0)
        }
    }

    package static let maximumThreads = 10_000
    /// All times of a workload together, in nanoseconds: eleven days. So no sum of times overflows.
    package static let maximumTotal = 1_000_000_000_000_000

    package var threads: [Thread]

    package init(threads: [Thread]) { self.threads = threads }
}
