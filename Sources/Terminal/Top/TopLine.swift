import Report

/// One process or thread for ever, whatever program it runs next: its number and its start. The name changes with execve.
struct TopKey: Hashable, Sendable {
    var number: Int32
    /// A process's main thread has the number and the start of the process.
    var isThread: Bool
    var startTicks: UInt64

    init(pid: Int32, startTicks: UInt64) {
        number = pid
        isThread = false
        self.startTicks = startTicks
    }

    init(_ row: ProcessRow) {
        number = row.number
        isThread = row.isThread
        startTicks = row.startTicks
    }
}

/// A row of the table.
struct TopLine: Sendable {
    var row: ProcessRow
    /// Branches of the tree in front of the command.
    var branch = ""
    /// It has ended.
    var isGhost = false
    /// It is here for the sake of what is below it, and does not fit the filter itself.
    var isContext = false
    /// So many rows below it are not shown.
    var hidden = 0

    var key: TopKey { TopKey(row) }
    /// Processor time of nobody: number 0 is the kernel's idle task, which /proc does not have.
    var isRemainder: Bool { row.processID == 0 }

    init(_ row: ProcessRow) { self.row = row }
}
