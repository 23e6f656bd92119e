/// A process that was resolved once. PIDs are reused: PID and start time together name one process for ever.
package struct ProcessIdentity: Hashable, Sendable, CustomStringConvertible {
    package let pid: Int32
    /// Clock ticks since boot (`/proc/PID/stat`, field 22).
    package let startTicks: UInt64
    /// The command name as the kernel keeps it: at most 15 bytes, not always UTF-8, not escaped.
    package let commandBytes: [UInt8]

    package init(pid: Int32, startTicks: UInt64, commandBytes: [UInt8]) {
        self.pid = pid
        self.startTicks = startTicks
        self.commandBytes = commandBytes
    }

    package var command: String { String(decoding: commandBytes, as: UTF8.self) }
    /// "name (pid)", not escaped.
    package var description: String { "\(command) (\(pid))" }
}
