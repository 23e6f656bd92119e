/// All that `nusu show` reads of one process. What may not be read is nil and stands in `gaps`.
package struct ProcessPortrait: Sendable {
    package struct Limit: Hashable, Sendable {
        /// As the kernel writes it: "Max open files".
        package var name: String
        /// nil: none.
        package var soft: UInt64?
        package var hard: UInt64?

        package init(name: String, soft: UInt64?, hard: UInt64?) {
            self.name = name
            self.soft = soft
            self.hard = hard
        }
    }

    package struct Thread: Hashable, Sendable {
        package var number: Int32
        package var nameBytes: [UInt8]
        package var state: UInt8
        package var call: String?
        package var channel: String?
        package var runTimes: ProcessRecord.RunTimes?

        package init(number: Int32, nameBytes: [UInt8], state: UInt8) {
            self.number = number
            self.nameBytes = nameBytes
            self.state = state
        }
    }

    package struct Relative: Hashable, Sendable {
        package var identity: ProcessIdentity
        package var isZombie: Bool

        package init(identity: ProcessIdentity, isZombie: Bool) {
            self.identity = identity
            self.isZombie = isZombie
        }
    }

    package var record: ProcessRecord
    package var signals: ProcessSignals
    /// Its parent first.
    package var ancestors: [Relative] = []
    package var children: [Relative] = []
    package var threads: [Thread] = []
    /// Run and wait times of all threads together.
    package var runTimes: ProcessRecord.RunTimes?
    /// Of all threads together.
    package var voluntarySwitches: UInt64?
    package var involuntarySwitches: UInt64?
    /// What its threads have done, at the moment of this look, and at an earlier one where there was one.
    package var activity: ProcessActivity?
    package var earlier: ProcessActivity?
    /// Open descriptors by what they lead to: "socket", "pipe", "file" …; nil where they may not be seen.
    package var descriptors: [String: Int]?
    package var limits: [Limit] = []
    /// Threads of all processes of its real user: what its limit of processes counts. nil where they cannot be counted.
    package var userThreads: UInt64?
    /// The highest capability that this kernel has.
    package var lastCapability: UInt64?
    /// Lines of `status` by their names: capabilities, processors, groups.
    package var status: [String: String] = [:]
    /// Seconds that it runs at a time before the next gets its turn (`se.slice`); nil where the kernel does not say.
    package var sliceSeconds: Double?
    /// Seconds since it was last on a processor.
    package var sleepsSeconds: Double?
    package var memoryLimitBytes: UInt64?
    package var memoryUsedBytes: UInt64?
    /// Of the target first, then of whom it waits for, and of whom those do. Bounded.
    package var waits: [WaitReason] = []
    package var gaps: [Gap] = []

    package init(record: ProcessRecord, signals: ProcessSignals) {
        self.record = record
        self.signals = signals
    }
}
