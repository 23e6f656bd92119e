/// The few fields of a Perfetto trace that nusu writes, by number (perfetto.dev/docs/reference/trace-packet-proto).
enum PerfettoField {
    enum Trace {
        static let packet: UInt64 = 1
    }

    enum Packet {
        static let ftraceEvents: UInt64 = 1
        static let processTree: UInt64 = 2
        static let clockSnapshot: UInt64 = 6
        /// uint64, nanoseconds of CLOCK_BOOTTIME.
        static let timestamp: UInt64 = 8
    }

    enum ClockSnapshot {
        static let clocks: UInt64 = 1
        /// uint32: 1 CLOCK_REALTIME, 6 CLOCK_BOOTTIME.
        static let clockID: UInt64 = 1
        /// uint64, nanoseconds.
        static let timestamp: UInt64 = 2
    }

    enum ProcessTree {
        static let processes: UInt64 = 1
        static let threads: UInt64 = 2
    }

    enum Process {
        /// int32.
        static let pid: UInt64 = 1
        /// int32.
        static let parent: UInt64 = 2
        /// Repeated string.
        static let commandLine: UInt64 = 3
    }

    enum Thread {
        /// int32.
        static let tid: UInt64 = 1
        static let name: UInt64 = 2
        /// int32.
        static let pid: UInt64 = 3
    }

    enum Bundle {
        /// uint32.
        static let core: UInt64 = 1
        /// bool.
        static let lostEvents: UInt64 = 3
        static let compactSched: UInt64 = 4
    }

    /// Switches and wake-ups of one core, a packed list for each field; times are differences to the one before.
    enum Compact {
        static let switchTimestamp: UInt64 = 1
        static let switchPreviousState: UInt64 = 2
        static let switchNextThread: UInt64 = 3
        static let switchNextPriority: UInt64 = 4
        /// Repeated string: the names that the indexes mean.
        static let names: UInt64 = 5
        static let switchNextName: UInt64 = 6
        static let wakingTimestamp: UInt64 = 7
        static let wakingThread: UInt64 = 8
        static let wakingCore: UInt64 = 9
        static let wakingPriority: UInt64 = 10
        static let wakingName: UInt64 = 11
        static let wakingFlags: UInt64 = 12
    }
}
