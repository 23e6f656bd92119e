package import Model
import SwiftProtobuf

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
        var bundle = PerfettoFtraceEventBundle.CompactSched()
        var commands: [CommandName: UInt32] = [:]
        /// Times of what was added last, and what of a time this bundle has said already.
        var lastSwitch: UInt64 = 0
        var lastWaking: UInt64 = 0
        var saidSwitch: UInt64 = 0
        var saidWaking: UInt64 = 0
        var hasLost = false
        var hasBegun = false
        /// Who gave it up, and when, until it is known who came next.
        var left: (state: Int64, time: UInt64)?

        var count: Int { bundle.switchTimestamp.count + bundle.wakingTimestamp.count }
    }

    private let header: TraceHeader
    /// Between two threads of one core there is no longer time where nobody is missing: some microseconds, and more where
    /// the machine is a guest.
    private let longestSwitch: UInt64
    private let limitBytes: Int
    private var cores: [Core] = []
    private var names: [Int32: CommandName] = [:]
    private var runningOn: [Int32: UInt16] = [:]
    private var tree = PerfettoProcessTree()
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
    package mutating func add(_ batch: TraceBatch) throws(Failure) -> [UInt8] {
        var bytes: [UInt8] = []
        if bytesWritten == 0, names.isEmpty { try append(clocks, to: &bytes) }
        for event in batch.events where cutAt == nil {
            now = max(now, event.time)
            guard event.core < Self.coreLimit else { continue }
            add(event)
            if tree.threads.count >= Self.bundleLength { try writeTree(&bytes) }
            let core = Int(event.core)
            if core < cores.count, cores[core].count >= Self.bundleLength { try write(core, &bytes) }
            if bytesWritten + bytes.count >= limitBytes { cutAt = now }
        }
        bytesWritten += bytes.count
        return bytes
    }

    /// - Returns: the file's last bytes.
    package mutating func finish(_ end: TraceEnd) throws(Failure) -> [UInt8] {
        let time = cutAt ?? max(now, end.nanoseconds)
        var bytes: [UInt8] = []
        if bytesWritten == 0, names.isEmpty { try append(clocks, to: &bytes) }
        try writeTree(&bytes)
        for core in cores.indices where cores[core].hasBegun {
            let left = cores[core].left
            // So that who runs last has an end.
            turn(core, to: Self.untraced + Int32(core), state: left?.state ?? Self.ready, at: left?.time ?? time)
            turn(core, to: 0, state: Self.ready, at: time)
            try write(core, &bytes)
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
            if child.pid > 0, child.pid == child.tid {
                tree.processes.append(
                    .with {
                        $0.pid = child.pid
                        $0.ppid = parent.pid
                        $0.cmdline = [Self.text(name)]
                    })
            }
            self.name(child, name)
        case .name(let key, let name):
            if key.pid > 0, key.pid == key.tid {
                tree.processes.append(
                    .with {
                        $0.pid = key.pid
                        $0.cmdline = [Self.text(name)]
                    })
            }
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
        tree.threads.append(
            .with {
                $0.tid = key.tid
                $0.tgid = key.pid
                $0.name = Self.text(name)
            })
    }

    /// A core's first switch has no thread before it, and Perfetto drops it.
    private mutating func begin(_ core: Int) {
        while core >= cores.count { cores.append(Core()) }
        guard !cores[core].hasBegun else { return }
        cores[core].hasBegun = true
        turn(core, to: 0, state: Self.ready, at: 0)
    }

    private mutating func turn(_ core: Int, to tid: Int32, state: Int64, at time: UInt64) {
        let time = max(Self.base + time, cores[core].lastSwitch)
        cores[core].bundle.switchTimestamp.append(time - cores[core].saidSwitch)
        cores[core].lastSwitch = time
        cores[core].saidSwitch = time
        cores[core].bundle.switchPrevState.append(state)
        cores[core].bundle.switchNextPid.append(tid)
        cores[core].bundle.switchNextPrio.append(Self.priority)
        cores[core].bundle.switchNextCommIndex.append(command(tid, core))
        cores[core].left = nil
    }

    private mutating func wake(_ key: ThreadKey, _ waker: ThreadKey?, _ event: SwitchEvent) {
        guard key.tid > 0 else { return }
        // Who woke it is whoever has the core in whose list that stands.
        let place = waker.flatMap { $0.isIdle ? nil : runningOn[$0.tid] }
        let core = Int(place ?? event.core)
        begin(core)
        let time = max(Self.base + event.time, cores[core].lastWaking)
        cores[core].bundle.wakingTimestamp.append(time - cores[core].saidWaking)
        cores[core].lastWaking = time
        cores[core].saidWaking = time
        cores[core].bundle.wakingPid.append(key.tid)
        cores[core].bundle.wakingTargetCpu.append(Int32(event.core))
        cores[core].bundle.wakingPrio.append(Self.priority)
        cores[core].bundle.wakingCommIndex.append(command(key.tid, core))
        cores[core].bundle.wakingCommonFlags.append(place == nil ? Self.interruptFlag : 0)
    }

    /// The index of a thread's name in what a core has not written yet.
    private mutating func command(_ tid: Int32, _ core: Int) -> UInt32 {
        let name: CommandName
        switch tid {
        case 0: name = Self.idleName
        case Self.untraced...: name = Self.untracedName
        default: name = names[tid] ?? CommandName([])
        }
        if let index = cores[core].commands[name] { return index }
        let index = UInt32(cores[core].bundle.internTable.count)
        cores[core].bundle.internTable.append(Self.text(name))
        cores[core].commands[name] = index
        return index
    }

    // MARK: - Words of the format

    private static let idleName = CommandName("swapper".utf8)
    private static let untracedName = CommandName("(not traced)".utf8)
    /// That of nice 0 (DEFAULT_PRIO, linux/sched/prio.h): priorities are not in the records.
    private static let priority: Int32 = 120
    /// TRACE_FLAG_HARDIRQ (linux/trace_events.h): what was interrupted did not do it.
    private static let interruptFlag: UInt32 = 8
    private static let ready: Int64 = 0

    /// `prev_state` as Linux 4.4 had it, which Perfetto takes where a trace does not name its kernel. A sleep of which the kernel
    /// did not say how is S.
    private static func state(_ leaving: SwitchEvent.Leaving) -> Int64 {
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

    private static func text(_ name: CommandName) -> String { String(decoding: name.bytes, as: UTF8.self) }

    /// The real time of the trace's beginning.
    private var clocks: PerfettoTracePacket {
        .with { packet in
            packet.clockSnapshot = .with {
                let start = header.startedAt.isFinite ? min(max(header.startedAt, 0), 1e10) : 0
                $0.clocks = [
                    .with {
                        $0.clockID = 6
                        $0.timestamp = Self.base
                    },
                    .with {
                        $0.clockID = 1
                        $0.timestamp = UInt64(start * 1e9)
                    },
                ]
            }
        }
    }

    private mutating func writeTree(_ bytes: inout [UInt8]) throws(Failure) {
        guard !tree.threads.isEmpty || !tree.processes.isEmpty else { return }
        try append(
            .with {
                $0.timestamp = Self.base + now
                $0.processTree = tree
            }, to: &bytes)
        tree = PerfettoProcessTree()
    }

    private mutating func write(_ core: Int, _ bytes: inout [UInt8]) throws(Failure) {
        try writeTree(&bytes)
        try append(
            .with {
                $0.ftraceEvents = .with {
                    $0.cpu = UInt32(core)
                    if cores[core].hasLost { $0.lostEvents = true }
                    $0.compactSched = cores[core].bundle
                }
            }, to: &bytes)
        cores[core].bundle = PerfettoFtraceEventBundle.CompactSched()
        cores[core].commands.removeAll(keepingCapacity: true)
        cores[core].saidSwitch = 0
        cores[core].saidWaking = 0
        cores[core].hasLost = false
    }

    /// Traces behind each other are one trace.
    private func append(_ packet: PerfettoTracePacket, to bytes: inout [UInt8]) throws(Failure) {
        do {
            bytes += try PerfettoTrace.with { $0.packet = [packet] }.serializedBytes() as [UInt8]
        } catch {
            throw Failure(
                .internal, what: "cannot encode a trace for Perfetto: \(error)", subject: "--perfetto",
                remedy: "report it, with the file that --save makes")
        }
    }
}
