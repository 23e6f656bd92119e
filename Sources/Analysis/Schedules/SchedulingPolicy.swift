/// By what rule the next thread is chosen.
package enum SchedulingPolicy: Hashable, Sendable {
    case firstComeFirstServed
    case shortestJobFirst
    case shortestRemainingTime
    /// - Parameter quantum: nanoseconds that a thread may run while others wait.
    case roundRobin(quantum: Int)
    case priority
    case feedback
    case eevdf

    /// What `--policy` and JSON call it.
    package var name: String {
        switch self {
        case .firstComeFirstServed: "fcfs"
        case .shortestJobFirst: "sjf"
        case .shortestRemainingTime: "srtf"
        case .roundRobin: "rr"
        case .priority: "priority"
        case .feedback: "mlfq"
        case .eevdf: "eevdf"
        }
    }
}

/// On what is scheduled.
package struct SchedulingMachine: Hashable, Sendable {
    package static let maximumCores = 256

    /// 1 ... `maximumCores`.
    package var cores: Int
    /// Nanoseconds that a core loses when it begins another thread than it ran last.
    package var switchCost: Int
    /// The period of the timer in nanoseconds: EEVDF then ends a slice only at a multiple of it. nil: at once.
    package var tick: Int?
    /// EEVDF's slice in nanoseconds where a thread asked for none.
    package var slice: Int

    /// - Parameter slice: nil is the kernel's own.
    package init(cores: Int = 1, switchCost: Int = 0, tick: Int? = nil, slice: Int? = nil) {
        self.cores = cores
        self.switchCost = switchCost
        self.tick = tick
        self.slice = slice ?? Self.usualSlice(cores: cores)
    }

    /// 0.7 ms times 1 + log2 of the cores, of which at most 8 count (kernel/sched/fair.c, sysctl_sched_base_slice).
    package static func usualSlice(cores: Int) -> Int {
        var logarithm = 0
        while logarithm < 3, cores >> (logarithm + 1) > 0 { logarithm += 1 }
        return 700_000 * (1 + logarithm)
    }
}
