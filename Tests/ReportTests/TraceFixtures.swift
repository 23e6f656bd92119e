import Analysis
import Model

/// A second of a server with two threads on two cores, beside a compiler that takes most of them.
enum TraceFixtures {
    static let api = ProcessIdentity(pid: 1234, startTicks: 1, commandBytes: Array("api".utf8))
    static let main = ThreadKey(pid: 1234, tid: 1234)
    static let worker = ThreadKey(pid: 1234, tid: 1240)
    static let compiler = ThreadKey(pid: 812, tid: 812)

    static func header(
        _ source: TraceHeader.Source = .cpuWide, scope: TraceHeader.Scope = .process(api), wakeups: Bool = true,
        gaps: [Gap] = []
    ) -> TraceHeader {
        TraceHeader(
            source: source, scope: scope, cores: source == .schedstat ? [] : [0, 1], startedAt: 1_795_650_000.5,
            wakeupsSeen: wakeups, reasonsSeen: wakeups, gaps: gaps)
    }

    /// Every 50 ms: main runs 10 ms on core 0, blocks 15, is woken by the compiler and waits 25 for it. The worker runs all the
    /// time on core 1, but for a tenth.
    static func events(_ header: TraceHeader) -> [SwitchEvent] {
        var events: [SwitchEvent] = []
        let isWhole = header.source == .cpuWide
        func at(_ milliseconds: Int, core: UInt16, _ kinds: SwitchEvent.Kind...) {
            for kind in kinds {
                switch kind {
                case .wakeup where !header.wakeupsSeen: continue
                case .switchIn(compiler) where !isWhole, .switchOut(compiler, _) where !isWhole: continue
                case .switchIn(.idle) where !isWhole, .switchOut(.idle, _) where !isWhole: continue
                default:
                    events.append(SwitchEvent(time: UInt64(milliseconds) * 1_000_000, core: core, kind: kind))
                }
            }
        }
        at(0, core: 0, .name(main, CommandName("api".utf8)), .found(main, nil))
        at(0, core: 0, .name(worker, CommandName("api worker".utf8)), .found(worker, nil))
        at(0, core: 0, .name(compiler, CommandName("cc1plus".utf8)))
        let sleep = SwitchEvent.Leaving.blocked(header.reasonsSeen ? .interruptible : nil)
        for start in stride(from: 0, to: 1000, by: 50) {
            at(start + 10, core: 0, .switchOut(main, sleep), .switchIn(compiler))
            at(start + 25, core: 0, .wakeup(main, by: compiler))
            at(start + 40, core: 1, .switchOut(worker, sleep), .switchIn(.idle))
            at(start + 45, core: 1, .wakeup(worker, by: .idle), .switchOut(.idle, .preempted), .switchIn(worker))
            at(start + 50, core: 0, .switchOut(compiler, .preempted), .switchIn(main))
        }
        return events
    }

    static func summary(_ header: TraceHeader, end: TraceEnd = TraceEnd(nanoseconds: 1_000_000_000, lost: 0))
        -> TraceSummary
    {
        var analysis = TraceAnalysis(header)
        analysis.add(
            TraceBatch(
                events: header.source == .schedstat ? [] : events(header),
                waits: [WaitSample(time: 12_000_000, thread: main, channel: "ep_poll", call: "epoll_wait")]))
        return analysis.finish(end)
    }
}
