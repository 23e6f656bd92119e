package import Analysis
package import Model

/// What `nusu watch` has seen: of each process, of their control groups, and what was kept as evidence.
package struct WatchReport: Sendable {
    package struct Ended: Hashable, Sendable {
        package var ending: ProcessEnding
        /// Since the watch began.
        package var afterSeconds: Double
        /// The kernel counted that it ended a process of the target's group, or of the machine, for lack of memory just then.
        package var isOutOfMemory: Bool

        package init(ending: ProcessEnding, afterSeconds: Double, isOutOfMemory: Bool) {
            self.ending = ending
            self.afterSeconds = afterSeconds
            self.isOutOfMemory = isOutOfMemory
        }
    }

    package struct Target: Sendable {
        package let process: ProcessIdentity
        package let history: UsageHistory
        package let trends: [UsageHistory.Figure: Trend]
        /// Indexes of its groups, innermost first.
        package let groups: [Int]
        package let descriptorLimit: UInt64?
        package let ended: Ended?

        package init(
            process: ProcessIdentity, history: UsageHistory, groups: [Int] = [], descriptorLimit: UInt64? = nil,
            ended: Ended? = nil
        ) {
            self.process = process
            self.history = history
            trends = history.trends()
            self.groups = groups
            self.descriptorLimit = descriptorLimit
            self.ended = ended
        }

        /// What surely grows, what says most first.
        package var growing: [UsageHistory.Figure] {
            UsageHistory.Figure.allCases.filter { trends[$0]?.grows ?? false }
        }
    }

    /// A file or two that were kept.
    package struct Evidence: Hashable, Sendable {
        package var process: ProcessIdentity
        /// Since the watch began.
        package var afterSeconds: Double
        /// "at 91 % of its limit", "every 10 min".
        package var reason: String
        package var reportPath: String
        package var snapshotPath: String?
        /// Why there is no snapshot, in a line.
        package var problem: String?

        package init(process: ProcessIdentity, afterSeconds: Double, reason: String, reportPath: String) {
            self.process = process
            self.afterSeconds = afterSeconds
            self.reason = reason
            self.reportPath = reportPath
        }
    }

    package var targets: [Target]
    package var groups: [GroupHistory]
    package var seconds: Double
    /// Of a command that nusu started: its words.
    package var command: [String]?
    package var evidence: [Evidence] = []
    package var gaps: [Gap] = []

    package init(targets: [Target], groups: [GroupHistory], seconds: Double) {
        self.targets = targets
        self.groups = groups
        self.seconds = seconds
    }

    /// Something surely grows, or the kernel ended a target for lack of memory.
    package var grew: Bool {
        targets.contains { !$0.growing.isEmpty || $0.ended?.isOutOfMemory ?? false }
    }

    /// Each was watched for long enough to tell, and nothing that counts stayed unseen.
    package var sawEverything: Bool {
        targets.allSatisfy { target in
            [.resident, .descriptors].allSatisfy { target.trends[$0].map { $0.course != .unknown } ?? false }
        }
    }

    /// When a target's fullest group, or what it is in, reaches its limit: the earliest.
    func forecast(_ target: Target) -> (forecast: Forecast, limitBytes: UInt64)? {
        let memory = target.trends[.anonymous].flatMap { $0.grows ? $0 : nil } ?? target.trends[.resident]
        let all = target.groups.compactMap { index -> (forecast: Forecast, limitBytes: UInt64)? in
            guard let limit = groups[index].last?.limitBytes else { return nil }
            // Where the group as a whole tells nothing, the process alone does.
            let forecast =
                groups[index].forecast
                ?? memory.flatMap {
                    Forecast($0, level: groups[index].last?.heldBytes.map { Double($0) }, limit: Double(limit))
                }
            return forecast.map { ($0, limit) }
        }
        return all.min { $0.forecast.seconds < $1.forecast.seconds }
    }
}
