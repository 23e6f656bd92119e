/// A set of signals as the kernel writes it: bit n-1 stands for signal n (man 5 proc_pid_status).
package struct SignalSet: Hashable, Sendable {
    package var bits: UInt64

    package init(bits: UInt64 = 0) { self.bits = bits }

    package func contains(_ signal: Int32) -> Bool {
        (1...64).contains(signal) && bits & (1 << UInt64(signal - 1)) != 0
    }
}

/// What the kernel keeps of a process by which it decides what a signal does to it. One moment's.
package struct ProcessSignals: Hashable, Sendable {
    package struct Thread: Hashable, Sendable {
        package var number: Int32
        /// `R` running, `S` sleeping, `D` in the kernel, `T` stopped, `t` stopped by a tracer, `Z` ended.
        package var state: UInt8
        package var blocked: SignalSet
        /// For this thread alone.
        package var pending: SignalSet
        /// What it waits for in sigwait; nil where it does not, or that may not be read.
        package var awaited: SignalSet?

        package init(
            number: Int32, state: UInt8, blocked: SignalSet, pending: SignalSet = SignalSet(),
            awaited: SignalSet? = nil
        ) {
            self.number = number
            self.state = state
            self.blocked = blocked
            self.pending = pending
            self.awaited = awaited
        }
    }

    package var identity: ProcessIdentity
    package var parent: Int32 = 0
    package var isKernelThread = false
    /// 0: nobody traces it.
    package var tracer: Int32 = 0
    /// Its number in each pid namespace from nusu's own down to its own.
    package var namespacePids: [Int32] = []
    /// Those that have not ended. Never empty, but for a process of which only the zombie is left.
    package var threads: [Thread] = []
    package var ignored = SignalSet()
    package var caught = SignalSet()
    /// For whichever thread takes them.
    package var pending = SignalSet()
    /// What the program reads through descriptors (man 2 signalfd) once it is blocked.
    package var readThroughDescriptor = SignalSet()
    /// No process of its group has a parent in another group of the session: the terminal's stop signals do nothing (man 7
    /// signal, "orphaned process group"). nil where that was not looked at.
    package var isGroupOrphaned: Bool?
    package var gaps: [Gap] = []

    package init(identity: ProcessIdentity) { self.identity = identity }

    /// Only its entry is left.
    package var hasEnded: Bool { threads.isEmpty }
}
