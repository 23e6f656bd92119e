import Model

@testable import Analysis

/// Builds a trace by hand, in milliseconds.
struct TraceFixture {
    var header: TraceHeader
    var events: [SwitchEvent] = []
    var waits: [WaitSample] = []
    var end = TraceEnd(nanoseconds: 0, lost: 0)

    init(
        cores: Int = 1, scope: TraceHeader.Scope = .machine, source: TraceHeader.Source = .cpuWide,
        wakeups: Bool = true, reasons: Bool = true
    ) {
        header = TraceHeader(
            source: source, scope: scope, cores: Array(0..<cores), startedAt: 1_800_000_000, wakeupsSeen: wakeups,
            reasonsSeen: reasons)
    }

    static func thread(_ tid: Int32, of pid: Int32? = nil) -> ThreadKey { ThreadKey(pid: pid ?? tid, tid: tid) }
    static func process(_ pid: Int32, _ name: String) -> ProcessIdentity {
        ProcessIdentity(pid: pid, startTicks: 1, commandBytes: Array(name.utf8))
    }

    mutating func at(_ milliseconds: Double, core: UInt16 = 0, _ kinds: SwitchEvent.Kind...) {
        for kind in kinds {
            events.append(SwitchEvent(time: UInt64((milliseconds * 1e6).rounded()), core: core, kind: kind))
        }
    }

    mutating func name(_ tid: Int32, _ name: String, of pid: Int32? = nil) {
        at(0, .name(Self.thread(tid, of: pid), CommandName(name.utf8)))
    }

    func summary(endingAt milliseconds: Double) -> TraceSummary {
        var analysis = TraceAnalysis(header)
        analysis.add(TraceBatch(events: events, waits: waits, completeTo: 0))
        var end = end
        end.nanoseconds = UInt64((milliseconds * 1e6).rounded())
        return analysis.finish(end)
    }
}

extension TraceSummary {
    func thread(_ tid: Int32) -> ThreadSchedule? { threads.first { $0.key.tid == tid } }
}
