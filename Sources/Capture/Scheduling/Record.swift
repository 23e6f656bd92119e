import Model

/// One record of a ring, read within its bounds (include/uapi/linux/perf_event.h). Offsets count from its header.
struct Record {
    /// PERF_RECORD_…
    enum Kind: UInt32 {
        case lost = 2
        case name = 3
        case exit = 4
        case fork = 7
        case sample = 9
        case switched = 14
        case switchedCpuWide = 15
    }

    static let headerBytes = 8
    /// What every record but a sample ends with: process, thread, time (sample_id_all with PERF_SAMPLE_TID | PERF_SAMPLE_TIME).
    private static let ownBytes = 16
    /// Of a sample: its header, process, thread, time, and the size of the tracepoint's own bytes.
    private static let rawOffset = 28
    /// TRACE_FLAG_HARDIRQ (include/linux/trace_events.h).
    static let hardInterrupt: UInt8 = 0x08

    private let record: UnsafeRawBufferPointer

    /// At least a header.
    init(_ bytes: UnsafeRawBufferPointer) { record = bytes }

    var count: Int { record.count }
    var kind: Kind? { Kind(rawValue: record.loadUnaligned(fromByteOffset: 0, as: UInt32.self)) }
    private var flags: UInt16 { record.loadUnaligned(fromByteOffset: 4, as: UInt16.self) }
    /// PERF_RECORD_MISC_SWITCH_OUT, PERF_RECORD_MISC_SWITCH_OUT_PREEMPT.
    var isOut: Bool { flags & 1 << 13 != 0 }
    var isPreempted: Bool { flags & 1 << 14 != 0 }

    var ownKey: ThreadKey? {
        guard count >= Record.headerBytes + Record.ownBytes, let pid = word32(count - 16), let tid = word32(count - 12)
        else { return nil }
        return ThreadKey(pid: pid, tid: tid)
    }

    var ownTime: UInt64? { count >= Record.headerBytes + Record.ownBytes ? word64(count - 8) : nil }

    @inline(__always)
    func word32(_ offset: Int) -> Int32? {
        guard offset >= 0, offset <= count - 4 else { return nil }
        return record.loadUnaligned(fromByteOffset: offset, as: Int32.self)
    }

    @inline(__always)
    func word64(_ offset: Int) -> UInt64? {
        guard offset >= 0, offset <= count - 8 else { return nil }
        return record.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// From `offset` on, without what the record ends with.
    func bytes(from offset: Int) -> UnsafeRawBufferPointer {
        let end = max(offset, count - Record.ownBytes)
        return UnsafeRawBufferPointer(rebasing: record[min(offset, count)..<min(end, count)])
    }

    // MARK: - A tracepoint's own bytes

    private func raw(_ offset: Int, bytes: Int) -> Int? {
        guard let size = word32(Record.rawOffset - 4), size >= 0, offset >= 0, offset + bytes <= Int(size) else {
            return nil
        }
        return Record.rawOffset + offset
    }

    func raw8(_ offset: Int) -> UInt8? {
        guard let at = raw(offset, bytes: 1), at < count else { return nil }
        return record[at]
    }

    func raw16(_ offset: Int) -> UInt16? {
        guard let at = raw(offset, bytes: 2), at <= count - 2 else { return nil }
        return record.loadUnaligned(fromByteOffset: at, as: UInt16.self)
    }

    func raw32(_ offset: Int) -> Int32? { raw(offset, bytes: 4).flatMap(word32) }
    func raw64(_ offset: Int) -> UInt64? { raw(offset, bytes: 8).flatMap(word64) }
    /// The number of a core; no machine has more.
    func core(_ offset: Int) -> UInt16? {
        guard let number = raw32(offset), (0..<8192).contains(number) else { return nil }
        return UInt16(number)
    }
}
