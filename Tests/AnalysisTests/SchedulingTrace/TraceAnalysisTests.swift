import Model
import Testing

@testable import Analysis

@Suite struct TraceAnalysisTests {
    private let a = TraceFixture.thread(10)
    private let b = TraceFixture.thread(20)

    /// A and B share a core: A runs 0-4, B 4-6, A 6-10; B sleeps 6-9, woken by A, and waits 9-10.
    private func twoOnOneCore(wakeups: Bool = true, scope: TraceHeader.Scope = .machine) -> TraceFixture {
        var trace = TraceFixture(scope: scope, wakeups: wakeups)
        trace.name(10, "alpha")
        trace.name(20, "beta")
        trace.at(0, .found(a, nil), .found(b, nil))
        trace.at(4, .switchOut(a, .preempted), .switchIn(b))
        trace.at(6, .switchOut(b, .blocked(.uninterruptible)), .switchIn(a))
        if wakeups { trace.at(9, .wakeup(b, by: a)) }
        trace.at(10, .switchOut(a, .preempted), .switchIn(b))
        return trace
    }

    @Test func everyMomentIsRunningWaitingOrBlocked() throws {
        let summary = twoOnOneCore().summary(endingAt: 12)
        let (a, b) = (try #require(summary.thread(10)), try #require(summary.thread(20)))
        #expect(a.run == 8_000_000 && a.wait == 4_000_000 && a.blocked == 0 && a.unknown == 0)
        #expect(b.run == 4_000_000 && b.wait == 5_000_000 && b.blocked == 3_000_000 && b.unknown == 0)
        #expect(a.involuntary == 2 && a.voluntary == 0 && b.involuntary == 0 && b.voluntary == 1)
        #expect(a.slices == 2 && a.longestSlice == 4_000_000 && a.meanSlice == 4e6)
        // A waits 4-6 and 10-12, B 0-4 and 9-10: the worst was the first.
        #expect(a.waits == TimeSummary(mean: 2e6, p99: 2_000_000, worst: 2_000_000) && a.worstWaitAt == 4_000_000)
        #expect(b.waits?.mean == 2.5e6 && b.waits?.worst == 4_000_000 && b.worstWaitAt == 0)
        #expect(summary.wait == 9_000_000 && summary.run == 12_000_000)
        #expect(summary.cores.map(\.busy) == [12_000_000] && summary.cores[0].idle == 0)
        // Who waited longest comes first.
        #expect(summary.threads.map(\.key.tid) == [20, 10])
    }

    @Test func whoRanInsteadAndWhoWokeItAreNamed() throws {
        let summary = twoOnOneCore().summary(endingAt: 12)
        let (a, b) = (try #require(summary.thread(10)), try #require(summary.thread(20)))
        #expect(
            b.ranInstead.items == [.init(name: CommandName("alpha".utf8), pid: 10, nanoseconds: 5_000_000)])
        #expect(a.ranInstead.items == [.init(name: CommandName("beta".utf8), pid: 20, nanoseconds: 4_000_000)])
        #expect(b.wokenBy.items == [.init(who: .command(CommandName("alpha".utf8)), pid: 10, times: 1)])
        #expect(
            b.blockedOn.items == [
                .init(state: .uninterruptible, channel: nil, call: nil, nanoseconds: 3_000_000, times: 1)
            ])
        #expect(summary.ranInstead.items.map(\.nanoseconds) == [5_000_000, 4_000_000])
    }

    @Test func withoutWakeUpsOnlyTheLostCoreIsSure() throws {
        var trace = twoOnOneCore(wakeups: false)
        var b = try #require(trace.summary(endingAt: 12).thread(20))
        #expect(b.wait == nil && b.blocked == nil && b.waitAtLeast == 4_000_000 && b.blockedAtMost == 4_000_000)
        #expect(b.waitsArePreempted && trace.summary(endingAt: 12).wait == nil)
        // The kernel's counter tells the rest: 1 ms of the 4 ms it was woken and waited.
        var counted = ScheduleDifference(thread: self.b, command: CommandName("beta".utf8))
        counted.waitNanoseconds = 5_000_000
        trace.end.differences = [counted]
        b = try #require(trace.summary(endingAt: 12).thread(20))
        #expect(b.wait == 5_000_000 && b.blocked == 3_000_000)
        // Not when it ended before it could be read again.
        trace.end.differences[0].hasEnded = true
        #expect(trace.summary(endingAt: 12).thread(20)?.wait == nil)
    }

    @Test func aTargetIsSeenAmongOthers() throws {
        let scope = TraceHeader.Scope.process(TraceFixture.process(20, "beta"))
        let summary = twoOnOneCore(scope: scope).summary(endingAt: 12)
        #expect(summary.threads.map(\.key.tid) == [20] && summary.wait == 5_000_000)
        #expect(summary.ranInstead.items.first?.name == CommandName("alpha".utf8))
        #expect(summary.cores[0].busy == 12_000_000)
    }

    @Test func aCommandsChildrenBelongToIt() throws {
        var trace = TraceFixture(cores: 2, scope: .command(TraceFixture.process(10, "make")))
        trace.name(10, "make")
        trace.at(0, .found(a, nil))
        trace.at(1, .fork(parent: a, child: b))
        trace.at(2, core: 1, .switchIn(b))
        trace.at(2, core: 1, .name(b, CommandName("cc1".utf8)))
        trace.at(5, core: 1, .exit(b))
        trace.at(6, core: 1, .switchOut(b, .blocked(nil)), .switchIn(.idle))
        trace.at(7, core: 0, .switchOut(a, .blocked(.interruptible)), .switchIn(.idle))
        // A stranger is none of them.
        trace.at(8, core: 1, .switchIn(TraceFixture.thread(30)))
        let summary = trace.summary(endingAt: 10)
        #expect(Set(summary.threads.map(\.key.tid)) == [10, 20])
        let child = try #require(summary.thread(20))
        #expect(child.command == CommandName("cc1".utf8) && child.began == 1_000_000 && child.ended == 6_000_000)
        #expect(child.wait == 1_000_000 && child.run == 4_000_000 && child.blocked == 0 && child.voluntary == 0)
        #expect(summary.thread(10)?.run == 7_000_000 && summary.thread(10)?.blocked == 3_000_000)
        #expect(summary.cores[0].idle == 3_000_000 && summary.cores[1].idle == 2_000_000)
        #expect(summary.cores[1].unknown == 2_000_000 && summary.cores[1].busy == 6_000_000)
    }

    @Test func aNumberThatIsUsedAgainIsAnotherThread() throws {
        var trace = TraceFixture()
        trace.at(0, .found(a, nil))
        trace.at(1, .exit(a), .switchOut(a, .blocked(.ended)), .switchIn(.idle))
        trace.at(2, .fork(parent: b, child: a))
        trace.at(3, .switchOut(.idle, .preempted), .switchIn(a))
        let summary = trace.summary(endingAt: 5)
        let alike = summary.threads.filter { $0.key.tid == 10 }.sorted { ($0.began ?? 0) < ($1.began ?? 0) }
        #expect(alike.map(\.run) == [1_000_000, 2_000_000] && alike.map(\.wait) == [0, 1_000_000])
    }

    @Test func movesAreCountedWhereItRunsNext() throws {
        let c = TraceFixture.thread(30)
        var trace = TraceFixture(cores: 2)
        trace.name(20, "beta")
        trace.at(0, .switchIn(a))
        trace.at(0, core: 1, .switchIn(c))
        trace.at(1, .switchOut(a, .preempted), .switchIn(b))
        trace.at(3, core: 1, .switchOut(c, .blocked(nil)), .migration(a), .switchIn(a))
        trace.at(4, core: 1, .switchOut(a, .blocked(nil)))
        trace.at(5, core: 1, .wakeup(a, by: nil), .switchIn(a))
        let thread = try #require(trace.summary(endingAt: 6).thread(10))
        #expect(thread.migrations == 1 && thread.run == 3_000_000)
        // It was moved only when core 1 was free: until then it waited for who still has core 0.
        trace.events.removeAll { $0.kind == .migration(a) }
        let waited = try #require(trace.summary(endingAt: 6).thread(10))
        #expect(waited.ranInstead.items == [.init(name: CommandName("beta".utf8), pid: 20, nanoseconds: 2_000_000)])
    }

    @Test func whoIsWokenWhileItLeavesIsReadyAtOnce() throws {
        var trace = TraceFixture()
        trace.at(0, .switchIn(a))
        trace.at(1.99, .wakeup(a, by: b))
        trace.at(2, .switchOut(a, .blocked(.interruptible)), .switchIn(b))
        trace.at(3, .switchOut(b, .preempted), .switchIn(a))
        let thread = try #require(trace.summary(endingAt: 4).thread(10))
        #expect(thread.wait == 1_000_000 && thread.blocked == 0 && thread.voluntary == 1)
        // Long before, it was woken for something else.
        trace.events[1].time = 1_000_000
        #expect(trace.summary(endingAt: 4).thread(10)?.blocked == 1_000_000)
    }

    @Test func whatIsHeardFirstIsSurerThanHowItWasFound() throws {
        func first(_ kinds: SwitchEvent.Kind..., found: SleepState?, wakeups: Bool = true) throws -> ThreadSchedule {
            var trace = TraceFixture(wakeups: wakeups)
            trace.at(0, .found(a, found))
            for kind in kinds { trace.at(3, kind) }
            return try #require(trace.summary(endingAt: 4).thread(10))
        }
        // Found asleep, it was woken before the trace began: it ran, or it waited.
        #expect(try first(.switchOut(a, .preempted), found: .interruptible).run == 3_000_000)
        #expect(try first(.switchIn(a), found: .interruptible).wait == 3_000_000)
        #expect(try first(.switchIn(a), found: .interruptible, wakeups: false).blockedAtMost == 3_000_000)
        #expect(try first(.wakeup(a, by: nil), found: .interruptible).blocked == 3_000_000)
        // Found ready, it fell asleep before.
        #expect(try first(.wakeup(a, by: nil), .switchIn(a), found: nil).blocked == 3_000_000)
        #expect(try first(.switchIn(a), found: nil).wait == 3_000_000)
    }

    @Test func whatIsNotKnownOfCoresMakesALowerBound() throws {
        var trace = TraceFixture()
        trace.at(0, .switchIn(a))
        trace.at(3, .switchOut(a, .preempted), .switchIn(.idle))
        let whole = try #require(trace.summary(endingAt: 4).cores.busyShare)
        #expect(whole == (0.75, false))
        trace.events.removeLast()
        let part = try #require(trace.summary(endingAt: 4).cores.busyShare)
        #expect(part == (0.75, true))
        trace.events = []
        #expect(trace.summary(endingAt: 4).cores.busyShare == nil)
    }

    @Test func whoWasReadyAndIsNotHeardOfMayHaveFallenAsleep() throws {
        for scope in [TraceHeader.Scope.machine, .process(TraceFixture.process(10, "alpha"))] {
            var trace = TraceFixture(scope: scope)
            trace.at(0, .found(a, nil), .switchIn(b))
            let thread = try #require(trace.summary(endingAt: 4).thread(10))
            #expect(thread.wait == (scope == .machine ? 0 : 4_000_000) && thread.run == 0)
            #expect(thread.unknown == (scope == .machine ? 4_000_000 : 0))
        }
    }

    @Test func lostRecordsMakeTimeUnknown() throws {
        var trace = TraceFixture()
        trace.at(0, .switchIn(a))
        trace.at(2, .switchOut(a, .preempted), .switchIn(b))
        trace.at(8, .lost(7))
        trace.at(9, .switchOut(a, .blocked(nil)), .switchIn(b))
        let summary = trace.summary(endingAt: 10)
        #expect(summary.lost == 7)
        let (a, b) = (try #require(summary.thread(10)), try #require(summary.thread(20)))
        // B had the core at 2, and nobody knows until when; A was waiting, and then ran for an unknown time.
        #expect(b.run == 1_000_000 && b.unknown == 9_000_000 && a.run == 2_000_000)
        #expect(summary.cores[0].unknown == 7_000_000)
    }

    @Test func samplesTellWhatItWasBlockedOn() throws {
        var trace = TraceFixture(reasons: false)
        trace.at(0, .switchIn(a))
        trace.at(1, .switchOut(a, .blocked(nil)))
        trace.waits = [
            WaitSample(time: 2_000_000, thread: a, channel: "futex_wait_queue", call: "futex"),
            WaitSample(time: 4_500_000, thread: a, channel: "do_epoll_wait", call: "epoll_wait"),
        ]
        // The second was taken while it ran.
        trace.at(4, .wakeup(a, by: .idle), .switchIn(a))
        trace.at(5, .switchOut(a, .blocked(nil)))
        let thread = try #require(trace.summary(endingAt: 9).thread(10))
        #expect(
            thread.blockedOn.items == [
                .init(state: nil, channel: nil, call: nil, nanoseconds: 4_000_000, times: 1),
                .init(state: nil, channel: "futex_wait_queue", call: "futex", nanoseconds: 3_000_000, times: 1),
            ])
        #expect(thread.wokenBy.items.first?.who == .interrupt)
    }

    @Test func ownThreadsLeaveTheRestUnknown() throws {
        var trace = TraceFixture(
            scope: .process(TraceFixture.process(10, "alpha")), source: .ownThreads, wakeups: false, reasons: false)
        trace.at(0, .found(a, nil))
        trace.at(2, .switchOut(a, .preempted))
        trace.at(5, .switchIn(a))
        trace.at(6, .exit(a))
        let summary = trace.summary(endingAt: 8)
        let thread = try #require(summary.thread(10))
        #expect(thread.run == 3_000_000 && thread.waitAtLeast == 3_000_000 && thread.ended == 6_000_000)
        #expect(summary.cores[0].busy == 3_000_000 && summary.cores[0].unknown == 5_000_000)
        #expect(thread.ranInstead.items.isEmpty && thread.ranInstead.rest == 3_000_000)
    }

    @Test func countersAloneAreAResult() throws {
        var trace = TraceFixture(source: .schedstat, wakeups: false, reasons: false)
        trace.end.differences = [
            ScheduleDifference(
                thread: a, command: CommandName("alpha".utf8), runNanoseconds: 5, waitNanoseconds: 7, slices: 3,
                voluntary: 2, involuntary: nil)
        ]
        let thread = try #require(trace.summary(endingAt: 10).thread(10))
        #expect(thread.run == 5 && thread.wait == 7 && thread.slices == 3 && thread.voluntary == 2)
        #expect(thread.involuntary == nil && thread.blocked == nil && thread.waits == nil)
    }
}
