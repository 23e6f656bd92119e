/// What the threads of a process have done up to one moment: two of these give rates.
package struct ProcessActivity: Hashable, Sendable {
    package struct Thread: Hashable, Sendable {
        package var runTimes: ProcessRecord.RunTimes?
        package var voluntarySwitches: UInt64?
        package var involuntarySwitches: UInt64?

        package init(
            runTimes: ProcessRecord.RunTimes? = nil, voluntarySwitches: UInt64? = nil,
            involuntarySwitches: UInt64? = nil
        ) {
            self.runTimes = runTimes
            self.voluntarySwitches = voluntarySwitches
            self.involuntarySwitches = involuntarySwitches
        }
    }

    /// Nanoseconds of the clock that never jumps (CLOCK_MONOTONIC).
    package var nanoseconds: UInt64
    /// By their numbers: those that live.
    package var threads: [Int32: Thread]

    package init(nanoseconds: UInt64, threads: [Int32: Thread] = [:]) {
        self.nanoseconds = nanoseconds
        self.threads = threads
    }
}
