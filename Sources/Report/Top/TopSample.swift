package import Analysis
package import Model

/// One look at all processes and the machine, as the executable hands it to the live screen.
package struct TopSample: Sendable {
    /// In ascending order of their numbers.
    package var rows: [ProcessRow]
    package var meters: MachineMeters
    package var context: ProcessContext
    /// Seconds since the look before; nil for the first.
    package var interval: Double?
    /// Processor time that no process can be charged with, 100 is one processor: interrupts, and processes that cannot be seen.
    package var unattributedPercent: Double?
    package var gaps: [Gap]

    package init(
        rows: [ProcessRow], meters: MachineMeters, context: ProcessContext, interval: Double? = nil,
        unattributedPercent: Double? = nil, gaps: [Gap] = []
    ) {
        self.rows = rows
        self.meters = meters
        self.context = context
        self.interval = interval
        self.unattributedPercent = unattributedPercent
        self.gaps = gaps
    }
}
