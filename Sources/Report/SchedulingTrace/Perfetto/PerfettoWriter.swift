package import Model

/// A trace as a file for ui.perfetto.dev (the README here has the layout). Bytes come as the events do, so any length needs
/// little memory.
package struct PerfettoWriter: Sendable {
    /// Perfetto reads no higher numbers of cores.
    static let coreLimit = 1024
    /// Names that are kept at once; beyond, threads have none.
    private static let nameLimit = 1 << 17
    /// Switches and wake-ups of a core that are written together.
    private static let bundleLength = 4096
    /// Where the trace begins, in nanoseconds: nothing may lie before 0.
    private static let base: UInt64 = 1_000_000_000
    /// Above all threads' numbers (PID_MAX_LIMIT, linux/threads.h): who runs where nobody is traced, one for each core.
    private static let untraced: Int32 = 4_194_305

    private struct Core: Sendable {
        var bundle = PerfettoBundle()
        /// Times of what was added last, and what of a time this bundle has said already.
        var lastSwitch: UInt64 = 0
        var lastWaking: UInt64 = 0
        var saidSwitch: UInt64 = 0
        var saidWaking: UInt64 = 0
        var hasLost = false
        var hasBegun = false
        /// Who gave it up, and when, until it is known who came next.
        var left: (state: UInt64, time: UInt64)?

        var count: Int { bundle.count }
    }

    private let header: TraceHeader
    /// Between two threads of one core there is no longer time where nobody is missing: some microseconds, and more where
    /// the machine is a guest.
    private let longestSwitch: UInt64
    private let limitBytes: Int
    private var cores: [Core] = []
    private var names: [Int32: CommandName] = [:]
    private var runningOn: [Int32: UInt16] = [:]
    private var tree = ProtobufMessage()
    private var treeLength = 0
    private var bytesWritten = 0
    private var now: UInt64 = 0
    /// When the file was full, in nanoseconds since the trace began; nil: it holds everything.
    package private(set) var cutAt: UInt64?

    /// - Parameter limitBytes: where the file ends, whatever the trace has more.
    package init(_ header: TraceHeader, limitBytes: Int) {
        self.header = header
        self.limitBytes = limitBytes
        longestSwitch = header.source == .cpuWide ? 1_000_000 : 20_000
    }

    // MARK: - Events

    /// - Returns: what is to be written now.
    package mutating func add(_ batch: TraceBatch) -> [UInt8] {
        var bytes: [UInt8] = []
        if bytesWritten == 0, names.isEmpty { append(clocks, to: &bytes) }
        for event in batch.events where cutAt == nil {
            now = max(now, event.time)
            guard event.core < Self.coreLimit else { continue }
            add(event)
            if treeLength >= Self.bundleLength { writeTree(&bytes) }
            let core = Int(event.core)
            if core < cores.count, cores[core].count >= Self.bundleLength { write(core, &bytes) }
            if bytesWritten + bytes.count >= limitBytes { cutAt = now }
        }
        bytesWritten += bytes.count
        return bytes
    }

    /// - Returns: the file's last bytes.
    package mutating func finish(_ end: TraceEnd) -> [UInt8] {
        let time = cutAt ?? max(now, end.nanoseconds)
        var bytes: [UInt8] = []
        if bytesWritten == 0, names.isEmpty { append(clocks, to: &bytes) }
        writeTree(&bytes)
        for core in cores.indices where cores[core].hasBegun {
            let left = cores[core].left
            // So that who runs last has an end.
            turn(core, to: Self.untraced + Int32(core), state: left?.state ?? Self.ready, at: left?.time ?? time)
            turn(core, to: 0, state: Self.ready, at: time)
            write(core, &bytes)
        }
        bytesWritten += bytes.count
        return bytes
    }

    private mutating func add(_ event: SwitchEvent) {
        let core = Int(event.core)
        switch event.kind {
        case .switchIn(let key):
            begin(core)
            // Who has no number any more has no name either.
            let next = max(key.tid, 0)
            if let left = cores[core].left, event.time > left.time + longestSwitch {
                turn(core, to: Self.untraced + Int32(core), state: left.state, at: left.time)
                turn(core, to: next, state: Self.ready, at: event.time)
            } else {
                turn(core, to: next, state: cores[core].left?.state ?? Self.ready, at: event.time)
            }
            if header.wakeupsSeen, next > 0 { runningOn[next] = event.core }
        case .switchOut(let key, let leaving):
            if core >= cores.count || !cores[core].hasBegun {
                begin(core)
                if key.tid > 0 { turn(core, to: key.tid, state: Self.ready, at: 0) }
            }
            cores[core].left = (key.isIdle ? Self.ready : Self.state(leaving), event.time)
            runningOn[key.tid] = nil
        case .wakeup(let key, let waker): wake(key, waker, event)
        case .fork(let parent, let child):
            let name = names[parent.tid] ?? CommandName([])
            if child.pid > 0, child.pid == child.tid { addProcess(child.pid, parent: parent.pid, name) }
            self.name(child, name)
        case .name(let key, let name):
            if key.pid > 0, key.pid == key.tid { addProcess(key.pid, parent: nil, name) }
            self.name(key, name)
        case .exit(let key): names[key.tid] = nil
        case .lost:
            begin(core)
            cores[core].hasLost = true
        case .migration, .found: break
        }
    }

    private mutating func name(_ key: ThreadKey, _ name: CommandName) {
        guard key.tid > 0, names[key.tid] != nil || names.count < Self.nameLimit else { return }
        names[key.tid] = name
        guard key.pid > 0 else { return }
        var thread = ProtobufMessage()
        thread.add(PerfettoField.Thread.tid, key.tid)
        thread.add(PerfettoField.Thread.pid, key.pid)
        thread.add(PerfettoField.Thread.name, Self.text(name))
        tree.add(PerfettoField.ProcessTree.threads, thread)
        treeLength += 1
    }

    private mutating func addProcess(_ pid: Int32, parent: Int32?, _ name: CommandName) {
        var process = ProtobufMessage()
        process.add(PerfettoField.Process.pid, pid)
        if let parent { process.add(PerfettoField.Process.parent, parent) }
        process.add(PerfettoField.Process.commandLine, Self.text(name))
        tree.add(PerfettoField.ProcessTree.processes, process)
        treeLength += 1
    }

    /// A core's first switch has no thread before it, and Perfetto drops it.
    private mutating func begin(_ core: Int) {
        while core >= cores.count { cores.append(Core()) }
        guard !cores[core].hasBegun else { return }
        cores[core].hasBegun = true
        turn(core, to: 0, state: Self.ready, at: 0)
    }

    private mutating func turn(_ core: Int, to tid: Int32, state: UInt64, at time: UInt64) {
        let time = max(Self.base + time, cores[core].lastSwitch)
        let name = name(of: tid)
        cores[core].bundle.addSwitch(
            after: time - cores[core].saidSwitch, state: state, next: tid, priority: Self.priority, name)
        cores[core].lastSwitch = time
        cores[core].saidSwitch = time
        cores[core].left = nil
    }

    private mutating func wake(_ key: ThreadKey, _ waker: ThreadKey?, _ event: SwitchEvent) {
        guard key.tid > 0 else { return }
        // Who woke it is whoever has the core in whose list that stands.
        let place = waker.flatMap { $0.isIdle ? nil : runningOn[$0.tid] }
        let core = Int(place ?? event.core)
        begin(core)
        let time = max(Self.base + event.time, cores[core].lastWaking)
        let name = name(of: key.tid)
        cores[core].bundle.addWaking(
            after: time - cores[core].saidWaking, key.tid, on: event.core, priority: Self.priority, name,
            flags: place == nil ? Self.interruptFlag : 0)
        cores[core].lastWaking = time
        cores[core].saidWaking = time
    }

    private func name(of tid: Int32) -> CommandName {
        switch tid {
        case 0: Self.idleName
        case Self.untraced...: Self.untracedName
        default: names[tid] ?? CommandName([])
        }
    }

    // MARK: - Words of the format

    private static let idleName = CommandName("swapper".utf8)
    private static let untracedName = CommandName("(not traced)".utf8)
    /// That of nice 0 (DEFAULT_PRIO, linux/sched/prio.h): priorities are not in the records.
    private static let priority: Int32 = 120
    /// TRACE_FLAG_HARDIRQ (linux/trace_events.h): what was interrupted did not do it.
    private static let interruptFlag: UInt64 = 8
    private static let ready: UInt64 = 0

    /// `prev_state` as Linux 4.4 had it, which Perfetto takes where a trace does not name its kernel. A sleep of which the kernel
    /// did not say how is S.
    private static func state(_ leaving: SwitchEvent.Leaving) -> UInt64 {
        switch leaving {
        case .preempted: 0x800
        case .blocked(let state):
            switch state {
            case nil, .interruptible: 1
            case .uninterruptible: 2
            case .stopped: 4
            case .traced: 8
            case .ended: 0x10
            case .parked: 0x200
            case .idle: 0x402
            }
        }
    }

    static func text(_ name: CommandName) -> String { String(decoding: name.bytes, as: UTF8.self) }

    /// A packet with the real time of the trace's beginning.
    private var clocks: ProtobufMessage {
        let start = header.startedAt.isFinite ? min(max(header.startedAt, 0), 1e10) : 0
        var snapshot = ProtobufMessage()
        for (number, time) in [(6, Self.base), (1, UInt64(start * 1e9))] as [(UInt64, UInt64)] {
            var clock = ProtobufMessage()
            clock.add(PerfettoField.ClockSnapshot.clockID, number)
            clock.add(PerfettoField.ClockSnapshot.timestamp, time)
            snapshot.add(PerfettoField.ClockSnapshot.clocks, clock)
        }
        var packet = ProtobufMessage()
        packet.add(PerfettoField.Packet.clockSnapshot, snapshot)
        return packet
    }

    private mutating func writeTree(_ bytes: inout [UInt8]) {
        guard !tree.isEmpty else { return }
        var packet = ProtobufMessage()
        packet.add(PerfettoField.Packet.timestamp, Self.base + now)
        packet.add(PerfettoField.Packet.processTree, tree)
        append(packet, to: &bytes)
        tree = ProtobufMessage()
        treeLength = 0
    }

    private mutating func write(_ core: Int, _ bytes: inout [UInt8]) {
        writeTree(&bytes)
        var bundle = ProtobufMessage()
        bundle.add(PerfettoField.Bundle.core, UInt64(core))
        if cores[core].hasLost { bundle.add(PerfettoField.Bundle.lostEvents, 1 as UInt64) }
        bundle.add(PerfettoField.Bundle.compactSched, cores[core].bundle.message)
        var packet = ProtobufMessage()
        packet.add(PerfettoField.Packet.ftraceEvents, bundle)
        append(packet, to: &bytes)
        cores[core].bundle = PerfettoBundle()
        // Times of each bundle begin at 0.
        cores[core].saidSwitch = 0
        cores[core].saidWaking = 0
        cores[core].hasLost = false
    }

    /// Traces behind each other are one trace.
    private func append(_ packet: ProtobufMessage, to bytes: inout [UInt8]) {
        var trace = ProtobufMessage()
        trace.add(PerfettoField.Trace.packet, packet)
        bytes += trace.bytes
    }
}

/// What has happened on one core, and was not written yet.
private struct PerfettoBundle: Sendable {
    private(set) var count = 0
    private var switches = [ProtobufNumbers](repeating: ProtobufNumbers(), count: 5)
    private var wakings = [ProtobufNumbers](repeating: ProtobufNumbers(), count: 6)
    private var indexes: [CommandName: UInt64] = [:]
    private var names: [CommandName] = []

    /// - Parameter time: nanoseconds since the switch before.
    mutating func addSwitch(after time: UInt64, state: UInt64, next: Int32, priority: Int32, _ name: CommandName) {
        switches[0].append(time)
        switches[1].append(state)
        switches[2].append(next)
        switches[3].append(priority)
        switches[4].append(index(name))
        count += 1
    }

    /// - Parameter time: nanoseconds since the wake-up before.
    mutating func addWaking(
        after time: UInt64, _ thread: Int32, on core: UInt16, priority: Int32, _ name: CommandName, flags: UInt64
    ) {
        wakings[0].append(time)
        wakings[1].append(thread)
        wakings[2].append(UInt64(core))
        wakings[3].append(priority)
        wakings[4].append(index(name))
        wakings[5].append(flags)
        count += 1
    }

    private mutating func index(_ name: CommandName) -> UInt64 {
        if let index = indexes[name] { return index }
        let index = UInt64(names.count)
        names.append(name)
        indexes[name] = index
        return index
    }

    var message: ProtobufMessage {
        typealias Field = PerfettoField.Compact
        var message = ProtobufMessage()
        let switchFields = [
            Field.switchTimestamp, Field.switchPreviousState, Field.switchNextThread, Field.switchNextPriority,
            Field.switchNextName,
        ]
        for (field, values) in zip(switchFields, switches) { message.add(field, packed: values) }
        for name in names { message.add(Field.names, PerfettoWriter.text(name)) }
        let wakingFields = [
            Field.wakingTimestamp, Field.wakingThread, Field.wakingCore, Field.wakingPriority, Field.wakingName,
            Field.wakingFlags,
        ]
        for (field, values) in zip(wakingFields, wakings) { message.add(field, packed: values) }
        return message
    }
}
