/// A datagram of taskstats: a netlink message with a header of generic netlink, in it AGGR_PID and AGGR_TGID, in those PID or TGID and
/// STATS, a struct taskstats (include/uapi/linux/taskstats.h, linux/netlink.h, linux/genetlink.h).
enum TaskStatistics {
    private enum Layout {
        /// nlmsghdr and genlmsghdr.
        static let headers = 20
        /// Below are netlink's own types (NLMSG_MIN_TYPE).
        static let firstType: UInt16 = 16
        /// TASKSTATS_TYPE_AGGR_PID, TASKSTATS_TYPE_STATS
        static let aggregate: UInt16 = 4
        static let statistics: UInt16 = 3
        /// swapin_delay_total, in nanoseconds.
        static let swapDelay = 56
    }

    /// The structs in it, of threads only: the sums of groups (AGGR_TGID) lack the times.
    static func records(in datagram: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
        guard datagram.count >= Layout.headers,
            datagram.loadUnaligned(fromByteOffset: 4, as: UInt16.self) >= Layout.firstType
        else { return [] }
        return attributes(UnsafeRawBufferPointer(rebasing: datagram[Layout.headers...]))
            .filter { $0.type == Layout.aggregate }
            .flatMap { attributes($0.bytes).filter { $0.type == Layout.statistics }.map(\.bytes) }
    }

    /// nil for the one version that has fields in the middle, which the next took out again (Linux 6.14): others only grow at their ends.
    static func version(of record: UnsafeRawBufferPointer) -> UInt16? {
        guard record.count >= 2 else { return nil }
        let version = record.loadUnaligned(as: UInt16.self)
        return version == 15 ? nil : version
    }

    /// How long the thread waited for memory to come back from swap, in nanoseconds; nil where that is not told.
    static func swapDelay(in datagram: UnsafeRawBufferPointer) -> UInt64? {
        guard let record = records(in: datagram).first, version(of: record) != nil,
            record.count >= Layout.swapDelay + 8
        else { return nil }
        return record.loadUnaligned(fromByteOffset: Layout.swapDelay, as: UInt64.self)
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
