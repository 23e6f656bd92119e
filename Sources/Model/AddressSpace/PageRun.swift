/// Neighbouring pages of one process that are in the same state (man 5 proc_pid_pagemap; PAGEMAP_SCAN).
package struct PageRun: Hashable, Sendable {
    package struct State: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        /// In memory.
        package static let present = State(rawValue: 1)
        package static let swapped = State(rawValue: 2)
        /// A page of a file, or shared memory; without it anonymous.
        package static let file = State(rawValue: 4)
        /// The page of zeros that all read who have not written yet: in no resident set.
        package static let zero = State(rawValue: 8)
        /// A guard: whoever touches it gets SIGSEGV, though the mapping's rights allow it (MADV_GUARD_INSTALL, Linux 6.13).
        package static let guarded = State(rawValue: 16)
    }

    package let range: AddressRange
    package let state: State

    package init(range: AddressRange, state: State) {
        self.range = range
        self.state = state
    }
}

/// What the kernel tells of the page at one address.
package struct PageFacts: Hashable, Sendable {
    /// Empty: never touched, or given back.
    package var state: PageRun.State
    /// Number of the page frame in physical memory; nil where the kernel does not tell (that needs CAP_SYS_ADMIN).
    package var frame: UInt64?
    /// How many page tables hold the frame (`/proc/kpagecount`); nil where it is not told.
    package var timesMapped: UInt64?

    package init(state: PageRun.State, frame: UInt64? = nil, timesMapped: UInt64? = nil) {
        self.state = state
        self.frame = frame
        self.timesMapped = timesMapped
    }
}
