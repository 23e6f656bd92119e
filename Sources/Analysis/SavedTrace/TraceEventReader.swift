import Model

/// Reads what `TraceEventWriter` wrote. Damaged bytes end in an error.
struct TraceEventReader {
    private var cursor: ByteCursor
    private var threads: [ThreadKey] = []

    init(_ content: [UInt8]) { cursor = ByteCursor(content) }

    /// - Parameter earliest: no event may be older.
    mutating func batch(earliest: UInt64) throws(DamagedBytes) -> TraceBatch {
        for _ in 0..<(try cursor.count(ofBytes: 2)) { threads.append(try key()) }
        var batch = TraceBatch()
        batch.completeTo = try cursor.number()
        for _ in 0..<(try cursor.count(ofBytes: 5)) {
            batch.waits.append(
                WaitSample(
                    time: try cursor.number(), thread: try key(), channel: try cursor.optionalText(),
                    call: try cursor.optionalText()))
        }
        var time = try cursor.number()
        guard time >= earliest else { throw DamagedBytes() }
        let count = try cursor.count(ofBytes: 2)
        batch.events.reserveCapacity(count)
        for _ in 0..<count { batch.events.append(try event(&time)) }
        guard cursor.isAtEnd else { throw DamagedBytes() }
        return batch
    }

    private mutating func key() throws(DamagedBytes) -> ThreadKey {
        guard let pid = Int32(exactly: try cursor.signed()), let tid = Int32(exactly: try cursor.signed()) else {
            throw DamagedBytes()
        }
        return ThreadKey(pid: pid, tid: tid)
    }

    @inline(__always)
    private mutating func thread() throws(DamagedBytes) -> ThreadKey {
        threads[try cursor.number(below: threads.count)]
    }

    private mutating func sleep() throws(DamagedBytes) -> SleepState {
        guard let state = SleepState(rawValue: try cursor.byte()) else { throw DamagedBytes() }
        return state
    }

    private mutating func event(_ time: inout UInt64) throws(DamagedBytes) -> SwitchEvent {
        let first = try cursor.byte()
        guard let code = SavedTraceFormat.Code(rawValue: first & 0xf) else { throw DamagedBytes() }
        var core = UInt16(first >> 4)
        if core == UInt16(SavedTraceFormat.otherCore) { core = UInt16(try cursor.number(below: 1 << 16)) }
        let (sum, overflow) = time.addingReportingOverflow(try cursor.number())
        guard !overflow else { throw DamagedBytes() }
        time = sum
        return SwitchEvent(time: time, core: core, kind: try kind(code))
    }

    private mutating func kind(_ code: SavedTraceFormat.Code) throws(DamagedBytes) -> SwitchEvent.Kind {
        switch code {
        case .switchIn: .switchIn(try thread())
        case .preempted: .switchOut(try thread(), .preempted)
        case .blocked: .switchOut(try thread(), .blocked(nil))
        case .blockedInterruptible: .switchOut(try thread(), .blocked(.interruptible))
        case .blockedOther: .switchOut(try thread(), .blocked(try sleep()))
        case .wakeup: .wakeup(try thread(), by: nil)
        case .wakeupByInterrupt: .wakeup(try thread(), by: .idle)
        case .wakeupBy: .wakeup(try thread(), by: try thread())
        case .migration: .migration(try thread())
        case .fork: .fork(parent: try thread(), child: try thread())
        case .exit: .exit(try thread())
        case .name: .name(try thread(), CommandName(try cursor.blob()))
        case .found: .found(try thread(), nil)
        case .foundAsleep: .found(try thread(), try sleep())
        case .lost: .lost(try cursor.number())
        }
    }
}
