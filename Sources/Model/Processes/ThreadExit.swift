/// The kernel's record of a thread that has ended (taskstats, Documentation/accounting/taskstats.rst). It tells of those too
/// that came and went between two looks.
package struct ThreadExit: Hashable, Sendable {
    package var thread: Int32
    /// The process that it belonged to; before Linux 5.19 that is not told, and every thread counts as a process.
    package var process: Int32
    package var parent: Int32
    package var commandBytes: [UInt8]
    /// That it ran, of its own and of kernel code.
    package var cpuSeconds: Double
    package var elapsedSeconds: Double

    package init(
        thread: Int32, process: Int32, parent: Int32, commandBytes: [UInt8], cpuSeconds: Double, elapsedSeconds: Double
    ) {
        self.thread = thread
        self.process = process
        self.parent = parent
        self.commandBytes = commandBytes
        self.cpuSeconds = cpuSeconds
        self.elapsedSeconds = elapsedSeconds
    }
}
