import Model
import Testing

@testable import Analysis

@Suite struct WorkloadRecorderTests {
    private static func recording(_ trace: TraceFixture, endingAt milliseconds: Double) throws
        -> WorkloadRecorder.Recording
    {
        var recorder = WorkloadRecorder(trace.header)
        recorder.add(TraceBatch(events: trace.events))
        return try recorder.finish(
            TraceEnd(nanoseconds: UInt64((milliseconds * 1e6).rounded()), lost: trace.end.lost), file: "t.nusu")
    }

    private let a = TraceFixture.thread(10)
    private let b = TraceFixture.thread(20)

    /// A runs 0-3, is pushed off, runs 5-7, blocks until 9, runs 10-12. B comes at 3, runs 3-5 and 7-10.
    private func trace(wakeups: Bool = true) -> TraceFixture {
        var trace = TraceFixture(wakeups: wakeups)
        trace.name(10, "alpha")
        trace.at(3, .fork(parent: a, child: b), .name(b, CommandName("beta".utf8)))
        trace.at(3, .switchOut(a, .preempted), .switchIn(b))
        trace.at(5, .switchOut(b, .preempted), .switchIn(a))
        trace.at(7, .switchOut(a, .blocked(nil)), .switchIn(b))
        if wakeups { trace.at(9, .wakeup(a, by: b)) }
        trace.at(10, .switchOut(b, .blocked(nil)), .switchIn(a))
        return trace
    }

    @Test(arguments: [(1, "1 record of the trace"), (12_926_681, "12,926,681 records of the trace")])
    func lostRecordsAreCounted(lost: UInt64, what: String) throws {
        var trace = trace()
        trace.end.lost = lost
        #expect(try Self.recording(trace, endingAt: 12).gaps.first?.what == what)
    }

    @Test func runsAreFromBlockToBlock() throws {
        let recording = try Self.recording(trace(), endingAt: 12)
        #expect(
            recording.workload.threads == [
                Workload.Thread(
                    "alpha 10", phases: [.init(run: 5_000_000, block: 2_000_000), .init(run: 2_000_000)]),
                Workload.Thread("beta 20", arrival: 3_000_000, phases: [.init(run: 5_000_000)]),
            ])
        #expect(recording.cores == 1 && recording.gaps.map(\.what) == ["nice values"])
        // Played on one core first come first served, it ends when it ended, but for the time that A wanted earlier.
        let schedule = try #require(
            SchedulingPolicy.firstComeFirstServed.schedule(recording.workload, on: SchedulingMachine()))
        #expect(schedule.end == 12_000_000)
    }

    @Test func withoutWakeUpsAWaitBelongsToTheBlock() throws {
        let recording = try Self.recording(trace(wakeups: false), endingAt: 12)
        #expect(recording.workload.threads.first?.phases.first?.block == 3_000_000)
        #expect(recording.gaps.contains { $0.what == "when threads were woken" })
    }

    @Test func nothingThatRanIsRefused() {
        var trace = TraceFixture()
        trace.name(10, "alpha")
        #expect(throws: Failure.self) { try Self.recording(trace, endingAt: 5) }
    }

    @Test func totalsAreThoseOfTheTrace() throws {
        var random = Seeded(3)
        for _ in 0..<20 {
            var trace = TraceFixture()
            var now = 0.0
            var running: ThreadKey?
            for _ in 0..<200 {
                now += Double.random(in: 0.1...2, using: &random)
                if let key = running {
                    trace.at(now, .switchOut(key, Bool.random(using: &random) ? .preempted : .blocked(nil)))
                }
                let next = TraceFixture.thread(Int32.random(in: 1...5, using: &random))
                trace.at(now, .switchIn(next))
                running = next
            }
            now += 1
            let recording = try Self.recording(trace, endingAt: now)
            let summary = trace.summary(endingAt: now)
            for thread in recording.workload.threads {
                let tid = try #require(thread.name.split(separator: " ").last.flatMap { Int32($0) })
                #expect(thread.totalRun == summary.thread(tid)?.run)
            }
        }
    }
}
