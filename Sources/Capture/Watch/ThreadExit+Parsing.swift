import Model

extension ThreadExit {
    /// The records of one datagram of taskstats.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> [ThreadExit] {
        TaskStatistics.records(in: bytes).compactMap { ThreadExit(statistics: $0) }
    }

    /// struct taskstats (include/uapi/linux/taskstats.h).
    private enum Layout {
        static let command = 80
        static let commandLength = 32
        static let thread = 128
        static let parent = 132
        static let elapsed = 144
        static let user = 152
        static let system = 160
        /// Version 12 (Linux 5.19).
        static let process = 368
    }

    private init?(statistics bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Layout.system + 8 else { return nil }
        func word(_ offset: Int) -> UInt64 { bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self) }
        func number(_ offset: Int) -> Int32? {
            guard offset + 4 <= bytes.count else { return nil }
            return Int32(exactly: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        }
        guard let thread = number(Layout.thread), let parent = number(Layout.parent), thread > 0 else { return nil }
        guard let version = TaskStatistics.version(of: bytes) else { return nil }
        let process = version >= 12 ? number(Layout.process) ?? thread : thread
        let name = bytes[Layout.command..<(Layout.command + Layout.commandLength)].prefix { $0 != 0 }
        self.init(
            thread: thread, process: process, parent: parent, commandBytes: Array(name),
            cpuSeconds: (Double(word(Layout.user)) + Double(word(Layout.system))) / 1e6,
            elapsedSeconds: Double(word(Layout.elapsed)) / 1e6)
    }
}
