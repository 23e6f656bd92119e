package import Model

/// Names of what a thread's requests and its turns on a processor go by.
package enum PriorityText {
    package static func name(_ priority: IOPriority) -> String {
        switch priority.kind {
        case .none: "by niceness"
        case .realTime: "real time \(priority.level)"
        case .bestEffort: "best effort \(priority.level)"
        case .idle: "idle"
        }
    }

    /// "B4": the priority that counts. What was not set goes by the policy and the niceness (block/ioprio.c).
    static func code(_ priority: IOPriority?, _ stat: ProcessStat) -> String? {
        guard let priority else { return nil }
        switch priority.kind {
        case .realTime: return "R\(priority.level)"
        case .bestEffort: return "B\(priority.level)"
        case .idle: return "id"
        case .none:
            let kind = ThreadPolicy.Kind(rawValue: stat.policy)
            if kind == .idle { return "id" }
            return "\(kind?.isRealTime == true ? "R" : "B")\((min(max(stat.nice, -20), 19) + 20) / 5)"
        }
    }

    package static func name(_ policy: ThreadPolicy) -> String {
        switch policy.kind {
        case .normal: "normal"
        case .batch: "batch"
        case .idle: "idle"
        case .roundRobin: "round robin \(policy.priority)"
        case .fifo: "FIFO \(policy.priority)"
        }
    }
}
