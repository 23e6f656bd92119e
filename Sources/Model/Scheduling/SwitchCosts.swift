/// What it costs on this machine to hand the processor over, as measured. Times are seconds.
package struct SwitchCosts: Hashable, Sendable {
    /// One way of handing over.
    package enum Way: CaseIterable, Hashable, Sendable {
        /// A byte written into a pipe and read by the same thread: the calls alone, no switch.
        case pipeAlone
        case pipeProcesses
        case pipeThreads
        case futexThreads
        case pipeProcessesAcross
        case pipeThreadsAcross
        case futexThreadsAcross

        /// Whether both stay on different cores.
        package var isAcross: Bool {
            switch self {
            case .pipeAlone, .pipeProcesses, .pipeThreads, .futexThreads: false
            case .pipeProcessesAcross, .pipeThreadsAcross, .futexThreadsAcross: true
            }
        }
    }

    /// A measured time, over batches of many repetitions each.
    package struct Spread: Hashable, Sendable {
        package var median: Double
        package var lowerQuartile: Double
        package var upperQuartile: Double
        package var batches: Int

        /// nil without samples.
        package init?(samples: [Double]) {
            guard !samples.isEmpty else { return nil }
            let sorted = samples.sorted()
            median = sorted[sorted.count / 2]
            lowerQuartile = sorted[sorted.count / 4]
            upperQuartile = sorted[sorted.count * 3 / 4]
            batches = sorted.count
        }
    }

    package struct HandOver: Hashable, Sendable {
        package var way: Way
        /// From one to the other, once.
        package var time: Spread
        /// How often the measuring thread gave up its core for each time that it handed over: near 1 where each was a switch.
        package var switches: Double

        package init(way: Way, time: Spread, switches: Double) {
            self.way = way
            self.time = time
            self.switches = switches
        }
    }

    /// How long a process takes to go through memory of its own, a word of each cache line.
    package struct Turn: Hashable, Sendable {
        /// The memory of each of the two.
        package var bytes: Int
        /// Where it did the same just before, and nobody else ran.
        package var alone: Spread
        /// Where another process went through as much of its own meanwhile, on the same core.
        package var shared: Spread

        package init(bytes: Int, alone: Spread, shared: Spread) {
            self.bytes = bytes
            self.alone = alone
            self.shared = shared
        }

        /// What it costs that the other pushed this one's memory out of the caches. Below 0 it is noise.
        package var extra: Double { shared.median - alone.median }
        /// Whether that is more than the spread of either.
        package var isClear: Bool { shared.lowerQuartile > alone.upperQuartile }
    }

    /// In the order of `Way`; what could not be measured is left out.
    package var handOvers: [HandOver] = []
    /// By size, ascending.
    package var turns: [Turn] = []
    /// The core on which all was measured, and the other one; nil where there is no other.
    package var core = 0
    package var otherCore: Int?
    package var gaps: [Gap] = []

    package init() {}

    package func time(_ way: Way) -> Spread? { handOvers.first { $0.way == way }?.time }

    /// The switch alone, between processes on one core: what a hand-over by a pipe takes beyond its calls. nil where that is not
    /// known, or lost in the noise.
    package var switchSeconds: Double? {
        guard let whole = time(.pipeProcesses), let calls = time(.pipeAlone), whole.median > calls.median else {
            return nil
        }
        return whole.median - calls.median
    }
}

/// How often all processors switched while it was watched.
package struct MachineSwitches: Hashable, Sendable {
    package var perSecond: Double
    package var seconds: Double
    package var processors: Int

    package init(perSecond: Double, seconds: Double, processors: Int) {
        self.perSecond = perSecond
        self.seconds = seconds
        self.processors = processors
    }

    /// The share of all processors' time that so many switches of `seconds` each take.
    package func share(of seconds: Double) -> Double { perSecond * seconds / Double(max(processors, 1)) }
}
