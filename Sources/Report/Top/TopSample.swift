package import Analysis
package import Model

/// One look at all processes and the machine, as the executable hands it to the live screen.
package struct TopSample: Sendable {
    /// In ascending order of their numbers.
    package var rows: [ProcessRow]
    /// Threads of those that have several, in ascending order of their numbers; nil where they were not looked at.
    package var threads: [ProcessRow]?
    package var meters: MachineMeters
    package var context: ProcessContext
    /// Seconds since the look before; nil for the first.
    package var interval: Double?
    /// Processor time that no process can be charged with, 100 is one processor: interrupts, and processes that cannot be seen.
    package var unattributedPercent: Double?
    package var gaps: [Gap]

    package init(
        rows: [ProcessRow], threads: [ProcessRow]? = nil, meters: MachineMeters, context: ProcessContext,
        interval: Double? = nil, unattributedPercent: Double? = nil, gaps: [Gap] = []
    ) {
        self.rows = rows
        self.threads = threads
        self.meters = meters
        self.context = context
        self.interval = interval
        self.unattributedPercent = unattributedPercent
        self.gaps = gaps
    }
    /// The process of that number.
    package func process(_ number: Int32) -> ProcessRow? { TopSample.row(number, in: rows) }

    /// The thread of that number.
    package func thread(_ number: Int32) -> ProcessRow? { threads.flatMap { TopSample.row(number, in: $0) } }

    private static func row(_ number: Int32, in rows: [ProcessRow]) -> ProcessRow? {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = (low + high) / 2
            if rows[middle].number < number { low = middle + 1 } else { high = middle }
        }
        return low < rows.count && rows[low].number == number ? rows[low] : nil
    }
}
