import Model

extension ThreadExit {
    /// The records of one datagram of taskstats: a netlink message with a header of generic netlink, in it AGGR_PID and AGGR_TGID,
    /// in those PID or TGID and STATS (include/uapi/linux/taskstats.h, linux/netlink.h, linux/genetlink.h). Of threads only: the sums
    /// of groups (AGGR_TGID) lack the times.
    static func parse(_ bytes: UnsafeRawBufferPointer) -> [ThreadExit] {
        guard bytes.count >= Layout.headers, bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self) >= Layout.firstType
        else {
            return []
        }
        var result: [ThreadExit] = []
        for outer in attributes(UnsafeRawBufferPointer(rebasing: bytes[Layout.headers...]))
        where outer.type == Layout.aggregate {
            for inner in attributes(outer.bytes) where inner.type == Layout.statistics {
                if let exit = ThreadExit(statistics: inner.bytes) { result.append(exit) }
            }
        }
        return result
    }

    private enum Layout {
        /// nlmsghdr and genlmsghdr.
        static let headers = 20
        /// Below are netlink's own types (NLMSG_MIN_TYPE).
        static let firstType: UInt16 = 16
        /// TASKSTATS_TYPE_AGGR_PID, TASKSTATS_TYPE_STATS
        static let aggregate: UInt16 = 4
        static let statistics: UInt16 = 3
        // struct taskstats: it only grows at its end.
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
        let version = bytes.loadUnaligned(as: UInt16.self)
        // That one has fields in the middle, which the next took out again (Linux 6.14).
        guard version != 15 else { return nil }
        let process = version >= 12 ? number(Layout.process) ?? thread : thread
        let name = bytes[Layout.command..<(Layout.command + Layout.commandLength)].prefix { $0 != 0 }
        self.init(
            thread: thread, process: process, parent: parent, commandBytes: Array(name),
            cpuSeconds: (Double(word(Layout.user)) + Double(word(Layout.system))) / 1e6,
            elapsedSeconds: Double(word(Layout.elapsed)) / 1e6)
    }

    private static func attributes(_ bytes: UnsafeRawBufferPointer) -> [(type: UInt16, bytes: UnsafeRawBufferPointer)] {
        var result: [(type: UInt16, bytes: UnsafeRawBufferPointer)] = []
        var at = 0
        while at + 4 <= bytes.count {
            let length = Int(bytes.loadUnaligned(fromByteOffset: at, as: UInt16.self))
            guard length >= 4, at + length <= bytes.count else { break }
            let type = bytes.loadUnaligned(fromByteOffset: at + 2, as: UInt16.self) & 0x3fff
            result.append((type, UnsafeRawBufferPointer(rebasing: bytes[(at + 4)..<(at + length)])))
            at += (length + 3) & ~3
        }
        return result
    }
}
