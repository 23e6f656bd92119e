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
