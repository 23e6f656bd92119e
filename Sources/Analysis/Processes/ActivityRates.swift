package import Model

/// What a process's threads did between two looks, per second of that time. What was not read both times is nil. A thread
/// that ended in between counts no more: a lower bound.
package struct ActivityRates: Hashable, Sendable {
    /// Between the two looks.
    package let seconds: Double
    /// Seconds on a core in each second: 1 is one core, all the time.
    package var cores: Double?
    /// Seconds in each second that its threads stood in line for a core.
    package var waiting: Double?
    package var voluntarySwitches: Double?
    package var involuntarySwitches: Double?

    /// nil where no time passed.
    package init?(from before: ProcessActivity, to after: ProcessActivity) {
        guard after.nanoseconds > before.nanoseconds else { return nil }
        let seconds = Double(after.nanoseconds - before.nanoseconds) / 1e9
        self.seconds = seconds
        func rate(_ value: (ProcessActivity.Thread) -> UInt64?) -> Double? {
            var sum: UInt64?
            for (number, thread) in after.threads {
                guard let now = value(thread) else { continue }
                // A number may be another thread's by now, whose counts are lower.
                let earlier = before.threads[number].map { value($0) } ?? 0
                guard let earlier else { continue }
                sum = (sum ?? 0) &+ (now >= earlier ? now - earlier : now)
            }
            return sum.map { Double($0) / seconds }
        }
        cores = rate { $0.runTimes?.ran }.map { $0 / 1e9 }
        waiting = rate { $0.runTimes?.waited }.map { $0 / 1e9 }
        voluntarySwitches = rate(\.voluntarySwitches)
        involuntarySwitches = rate(\.involuntarySwitches)
    }
}
