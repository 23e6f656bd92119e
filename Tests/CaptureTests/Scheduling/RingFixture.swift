@testable import Capture

/// Records of a ring as the kernel writes them (include/uapi/linux/perf_event.h), made by hand.
struct RingFixture {
    var bytes: [UInt8] = []

    private static func bytes(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value) { Array($0) } }

    /// - Parameter body: what lies between the header and what every record ends with.
    mutating func record(
        _ kind: UInt32, flags: UInt16 = 0, _ body: [UInt8] = [], pid: Int32, tid: Int32, time: UInt64
    ) {
        let own = Self.bytes(pid) + Self.bytes(tid) + Self.bytes(time)
        bytes += Self.bytes(kind) + Self.bytes(flags) + Self.bytes(UInt16(8 + body.count + own.count)) + body + own
    }

    mutating func switchIn(_ pid: Int32, _ tid: Int32, _ time: UInt64) {
        record(15, Self.bytes(Int32(0)) + Self.bytes(Int32(0)), pid: pid, tid: tid, time: time)
    }

    mutating func switchOut(_ pid: Int32, _ tid: Int32, preempted: Bool = false, _ time: UInt64) {
        let flags: UInt16 = 1 << 13 | (preempted ? 1 << 14 : 0)
        record(15, flags: flags, Self.bytes(Int32(0)) + Self.bytes(Int32(0)), pid: pid, tid: tid, time: time)
    }

    mutating func lost(_ count: UInt64, _ time: UInt64) {
        record(2, Self.bytes(UInt64(7)) + Self.bytes(count), pid: 0, tid: 0, time: time)
    }

    mutating func name(_ pid: Int32, _ tid: Int32, _ name: String, _ time: UInt64) {
        var text = Array(name.utf8) + [0]
        while text.count % 8 != 0 { text.append(0) }
        record(3, Self.bytes(pid) + Self.bytes(tid) + text, pid: pid, tid: tid, time: time)
    }

    /// FORK (7) or EXIT (4).
    mutating func birth(_ kind: UInt32, _ pid: Int32, _ tid: Int32, parent: Int32, _ time: UInt64) {
        let body = [pid, parent, tid, parent].flatMap { Self.bytes($0) } + Self.bytes(time)
        record(kind, body, pid: parent, tid: parent, time: time)
    }

    /// A sample of a tracepoint: its own bytes behind process, thread and time.
    mutating func sample(_ raw: [UInt8], pid: Int32, tid: Int32, _ time: UInt64) {
        var body = Self.bytes(pid) + Self.bytes(tid) + Self.bytes(time) + Self.bytes(UInt32(raw.count)) + raw
        while body.count % 8 != 0 { body.append(0) }
        bytes += Self.bytes(UInt32(9)) + Self.bytes(UInt16(0)) + Self.bytes(UInt16(8 + body.count)) + body
    }

    /// - Parameter flags: 0x08 in a hard interrupt.
    static func waking(_ tid: Int32, core: Int32, flags: UInt8 = 0) -> [UInt8] {
        bytes(UInt16(375)) + [flags, 0] + bytes(Int32(0)) + [UInt8](repeating: 0x41, count: 16) + bytes(tid)
            + bytes(Int32(120)) + bytes(core)
    }

    static func leaving(_ tid: Int32, state: UInt64) -> [UInt8] {
        bytes(UInt16(372)) + [0, 0] + bytes(Int32(0)) + [UInt8](repeating: 0x41, count: 16) + bytes(tid)
            + bytes(Int32(120)) + bytes(state) + [UInt8](repeating: 0x42, count: 16) + bytes(Int32(1))
            + bytes(Int32(120))
    }

    /// `format` files of Linux 6.18, shortened.
    static let formats: [String: String] = [
        "sched_switch": """
        name: sched_switch
        ID: 372
        format:
        \tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;

        \tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;
        \tfield:pid_t prev_pid;\toffset:24;\tsize:4;\tsigned:1;
        \tfield:long prev_state;\toffset:32;\tsize:8;\tsigned:1;
        """,
        "sched_waking": wakeup("sched_waking", 375),
        "sched_wakeup_new": wakeup("sched_wakeup_new", 373),
        "sched_migrate_task": """
        name: sched_migrate_task
        ID: 371
        format:
        \tfield:__data_loc char[] comm;\toffset:8;\tsize:4;\tsigned:0;
        \tfield:pid_t pid;\toffset:12;\tsize:4;\tsigned:1;
        \tfield:int dest_cpu;\toffset:24;\tsize:4;\tsigned:1;
        """,
    ]

    private static func wakeup(_ name: String, _ number: Int) -> String {
        """
        name: \(name)
        ID: \(number)
        format:
        \tfield:char comm[16];\toffset:8;\tsize:16;\tsigned:0;
        \tfield:pid_t pid;\toffset:24;\tsize:4;\tsigned:1;
        \tfield:int target_cpu;\toffset:32;\tsize:4;\tsigned:1;
        """
    }

    static func tracepoints() throws -> SchedulerTracepoints {
        try SchedulerTracepoints { path in
            Array((formats[String(path.prefix { $0 != "/" })] ?? "").utf8)
        }
    }
}
