import Model

/// What is known of a trace before its first event and after its last, in a saved trace.
enum TraceFactsCoding {
    static func encode(_ header: TraceHeader) -> ByteWriter {
        var out = ByteWriter()
        out.byte(header.source.rawValue)
        switch header.scope {
        case .machine: out.byte(0)
        case .process(let process): encode(process, 1, &out)
        case .command(let process): encode(process, 2, &out)
        }
        out.number(header.cores.count)
        for core in header.cores { out.number(core) }
        out.number(header.startedAt.bitPattern)
        out.flag(header.wakeupsSeen)
        out.flag(header.reasonsSeen)
        encode(header.gaps, &out)
        return out
    }

    private static func encode(_ process: ProcessIdentity, _ scope: UInt8, _ out: inout ByteWriter) {
        out.byte(scope)
        out.signed(Int64(process.pid))
        out.number(process.startTicks)
        out.blob(process.commandBytes)
    }

    static func header(_ cursor: inout ByteCursor) throws(DamagedBytes) -> TraceHeader {
        guard let source = TraceHeader.Source(rawValue: try cursor.byte()) else { throw DamagedBytes() }
        let scope: TraceHeader.Scope
        switch try cursor.byte() {
        case 0: scope = .machine
        case 1: scope = .process(try process(&cursor))
        case 2: scope = .command(try process(&cursor))
        default: throw DamagedBytes()
        }
        var cores: [Int] = []
        for _ in 0..<(try cursor.count()) {
            let core = try cursor.number(below: 1 << 16)
            guard core > cores.last ?? -1 else { throw DamagedBytes() }
            cores.append(core)
        }
        let startedAt = Double(bitPattern: try cursor.number())
        guard startedAt.isFinite, abs(startedAt) < 1e12 else { throw DamagedBytes() }
        return TraceHeader(
            source: source, scope: scope, cores: cores, startedAt: startedAt, wakeupsSeen: try cursor.flag(),
            reasonsSeen: try cursor.flag(), gaps: try gaps(&cursor))
    }

    private static func process(_ cursor: inout ByteCursor) throws(DamagedBytes) -> ProcessIdentity {
        guard let pid = Int32(exactly: try cursor.signed()) else { throw DamagedBytes() }
        return ProcessIdentity(pid: pid, startTicks: try cursor.number(), commandBytes: try cursor.blob())
    }

    private static func encode(_ gaps: [Gap], _ out: inout ByteWriter) {
        out.number(gaps.count)
        for gap in gaps {
            out.text(gap.what)
            out.text(gap.reason)
            out.text(gap.remedy)
        }
    }

    private static func gaps(_ cursor: inout ByteCursor) throws(DamagedBytes) -> [Gap] {
        var gaps: [Gap] = []
        for _ in 0..<(try cursor.count(ofBytes: 3)) {
            gaps.append(Gap(what: try cursor.text(), reason: try cursor.text(), remedy: try cursor.optionalText()))
        }
        return gaps
    }

    static func encode(_ end: TraceEnd) -> ByteWriter {
        var out = ByteWriter()
        out.number(end.nanoseconds)
        out.number(end.lost)
        encode(end.gaps, &out)
        out.number(end.differences.count)
        for difference in end.differences {
            out.signed(Int64(difference.thread.pid))
            out.signed(Int64(difference.thread.tid))
            out.blob(difference.command.bytes)
            for value in values(difference) {
                out.flag(value != nil)
                if let value { out.number(value) }
            }
            out.flag(difference.isNew)
            out.flag(difference.hasEnded)
        }
        return out
    }

    private static func values(_ difference: ScheduleDifference) -> [UInt64?] {
        [
            difference.runNanoseconds, difference.waitNanoseconds, difference.slices, difference.voluntary,
            difference.involuntary, difference.migrations,
        ]
    }

    static func end(_ cursor: inout ByteCursor) throws(DamagedBytes) -> TraceEnd {
        var end = TraceEnd(nanoseconds: try cursor.number(), lost: try cursor.number())
        end.gaps = try gaps(&cursor)
        for _ in 0..<(try cursor.count(ofBytes: 11)) {
            guard let pid = Int32(exactly: try cursor.signed()), let tid = Int32(exactly: try cursor.signed()) else {
                throw DamagedBytes()
            }
            let command = CommandName(try cursor.blob())
            var values: [UInt64?] = []
            for _ in 0..<6 { values.append(try cursor.flag() ? try cursor.number() : nil) }
            end.differences.append(
                ScheduleDifference(
                    thread: ThreadKey(pid: pid, tid: tid), command: command, runNanoseconds: values[0],
                    waitNanoseconds: values[1], slices: values[2], voluntary: values[3], involuntary: values[4],
                    migrations: values[5], isNew: try cursor.flag(), hasEnded: try cursor.flag()))
        }
        return end
    }
}
