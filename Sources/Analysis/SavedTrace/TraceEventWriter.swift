import Model

/// The events of one frame in few bytes: times as differences, threads as numbers of a table that stands before them.
struct TraceEventWriter {
    private var table = ByteWriter()
    private var events = ByteWriter(capacity: 1 << 18)
    private var numbers: [ThreadKey: Int] = [:]
    /// Some of them, by the lower bits of their numbers: few threads make most events.
    private var recent = [(key: ThreadKey, number: Int)](
        repeating: (ThreadKey.idle, -1), count: recentCount)
    private static let recentCount = 64
    private(set) var count = 0
    private(set) var lastTime: UInt64 = 0
    private var firstTime: UInt64 = 0

    mutating func add(_ event: SwitchEvent) {
        if count == 0 { (firstTime, lastTime) = (event.time, event.time) }
        count += 1
        switch event.kind {
        case .switchIn(let key): begin(.switchIn, event, key)
        case .switchOut(let key, .preempted): begin(.preempted, event, key)
        case .switchOut(let key, .blocked(nil)): begin(.blocked, event, key)
        case .switchOut(let key, .blocked(.interruptible)): begin(.blockedInterruptible, event, key)
        case .switchOut(let key, .blocked(let state?)):
            begin(.blockedOther, event, key)
            events.byte(state.rawValue)
        case .wakeup(let key, nil): begin(.wakeup, event, key)
        case .wakeup(let key, let waker?):
            begin(waker.isIdle ? .wakeupByInterrupt : .wakeupBy, event, key)
            if !waker.isIdle { add(waker) }
        case .migration(let key): begin(.migration, event, key)
        case .fork(let parent, let child):
            begin(.fork, event, parent)
            add(child)
        case .exit(let key): begin(.exit, event, key)
        case .name(let key, let name):
            begin(.name, event, key)
            events.blob(name.bytes)
        case .found(let key, nil): begin(.found, event, key)
        case .found(let key, let state?):
            begin(.foundAsleep, event, key)
            events.byte(state.rawValue)
        case .lost(let lost):
            begin(.lost, event, nil)
            events.number(lost)
        }
    }

    private mutating func begin(_ code: SavedTraceFormat.Code, _ event: SwitchEvent, _ key: ThreadKey?) {
        let core = UInt8(clamping: event.core)
        events.byte(code.rawValue | min(core, SavedTraceFormat.otherCore) << 4)
        if core >= SavedTraceFormat.otherCore { events.number(UInt64(event.core)) }
        events.number(event.time >= lastTime ? event.time - lastTime : 0)
        lastTime = max(lastTime, event.time)
        if let key { add(key) }
    }

    private mutating func add(_ key: ThreadKey) {
        let place = Int(key.tid) & (Self.recentCount - 1)
        if recent[place].key == key, recent[place].number >= 0 {
            events.number(recent[place].number)
            return
        }
        let number: Int
        if let known = numbers[key] {
            number = known
        } else {
            number = numbers.count
            numbers[key] = number
            table.signed(Int64(key.pid))
            table.signed(Int64(key.tid))
        }
        recent[place] = (key, number)
        events.number(number)
    }

    /// The frame's content.
    func content(waits: [WaitSample], completeTo: UInt64) -> [UInt8] {
        var out = ByteWriter(capacity: events.bytes.count + 4096)
        out.number(numbers.count)
        out.append(table)
        out.number(completeTo)
        out.number(waits.count)
        for wait in waits {
            out.number(wait.time)
            out.signed(Int64(wait.thread.pid))
            out.signed(Int64(wait.thread.tid))
            out.text(wait.channel)
            out.text(wait.call)
        }
        out.number(count == 0 ? completeTo : firstTime)
        out.number(count)
        out.append(events)
        return out.bytes
    }
}
