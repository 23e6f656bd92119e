import Analysis
import Model
import Testing

@testable import Report

@Suite struct TraceReportTests {
    static let plain = TextStyle(isTerminal: false, width: nil, color: false)

    @Test func aTargetIsOnOneScreen() {
        let report = TraceReport(summary: TraceFixtures.summary(TraceFixtures.header()))
        let text = report.text(Self.plain)
        expectSnapshot(text, "sched-trace.txt")
        // Main ran 200 of 1,000 ms, and waited 500; the worker ran 900 and waited for nothing.
        #expect(
            text.hasPrefix("api (1234) waited 31 % of the time it wanted a core, 500 ms in 1 s; cc1plus ran instead.\n")
        )
        #expect(!text.contains("next:"))
    }

    @Test func narrowTerminalsGetFewerColumns() {
        let report = TraceReport(summary: TraceFixtures.summary(TraceFixtures.header()))
        for (width, blocks) in [(80, true), (100, true), (60, false), (40, false)] {
            let style = TextStyle(isTerminal: true, width: width, color: false, drawsBlocks: blocks)
            let lines = report.text(style).split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= 26 && lines.allSatisfy { TerminalText.width(String($0)) <= width }, "\(lines)")
            #expect(lines.dropLast().last?.hasPrefix("next: nusu sched trace") == true)
        }
        let style = TextStyle(isTerminal: true, width: 80, color: false, drawsBlocks: true)
        expectSnapshot(report.text(style), "sched-trace-80.txt")
    }

    @Test func coloursOnlyColour() {
        let report = TraceReport(summary: TraceFixtures.summary(TraceFixtures.header()))
        let colored = report.text(TextStyle(isTerminal: true, width: 100, color: true, drawsBlocks: true))
        var bare = colored
        for code in ["1", "2", "31", "32", "0"] {
            #expect(colored.contains("\u{1b}[\(code)m"))
            bare = bare.split(separator: "\u{1b}[\(code)m", omittingEmptySubsequences: false).joined()
        }
        #expect(bare == report.text(TextStyle(isTerminal: true, width: 100, color: false, drawsBlocks: true)))
    }

    @Test func theMachineIsASubjectToo() {
        let summary = TraceFixtures.summary(TraceFixtures.header(scope: .machine))
        let text = TraceReport(summary: summary).text(Self.plain)
        expectSnapshot(text, "sched-trace-all.txt")
        #expect(text.contains("\n  B cc1plus 812"))
    }

    @Test(arguments: [(64, "60 more cores (--threads 0)"), (5, "1 more core (--threads 0)")])
    func manyThreadsAndCoresStayOnOneScreen(cores: Int, more: String) {
        var header = TraceFixtures.header(scope: .machine)
        header.cores = Array(0..<cores)
        var analysis = TraceAnalysis(header)
        var events: [SwitchEvent] = []
        for index in 0..<200 {
            let key = ThreadKey(pid: 1, tid: Int32(index + 1))
            events.append(SwitchEvent(time: 0, core: 0, kind: .name(key, CommandName("worker \(index)".utf8))))
            events.append(SwitchEvent(time: 0, core: UInt16(index % cores), kind: .switchIn(key)))
            events.append(
                SwitchEvent(time: 0, core: UInt16(index % cores), kind: .switchOut(key, .preempted)))
        }
        analysis.add(TraceBatch(events: events))
        var report = TraceReport(summary: analysis.finish(TraceEnd(nanoseconds: 600_000_000_000, lost: 0)))
        let lines = report.text(Self.plain).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 24 && lines.allSatisfy { TerminalText.width(String($0)) <= 100 }, "\(lines)")
        #expect(lines.contains { $0.contains(more) })
        // All of them, when they are asked for.
        report.shownThreads = 0
        let all = report.text(Self.plain)
        #expect(all.contains("\n  core \(cores - 1)") && all.contains("worker 199 200") && !all.contains("--threads 0"))
    }

    @Test func whoHasNoLetterIsExplained() {
        var analysis = TraceAnalysis(TraceFixtures.header(scope: .machine))
        var events: [SwitchEvent] = []
        for index: UInt64 in 0..<60 {
            let key = ThreadKey(pid: 1, tid: Int32(index + 1))
            events.append(
                SwitchEvent(time: index * 1_000_000_000, core: 0, kind: .name(key, CommandName("w\(index)".utf8))))
            events.append(SwitchEvent(time: index * 1_000_000_000, core: 0, kind: .switchIn(key)))
            events.append(SwitchEvent(time: (index + 1) * 1_000_000_000, core: 0, kind: .switchOut(key, .preempted)))
        }
        analysis.add(TraceBatch(events: events))
        let report = TraceReport(summary: analysis.finish(TraceEnd(nanoseconds: 60_000_000_000, lost: 0)))
        let lines = report.text(Self.plain).split(separator: "\n")
        #expect(lines.contains { $0.hasPrefix("  core 0") && $0.contains("---") }, "\(lines)")
        #expect(lines.contains { $0.contains("   - others") }, "\(lines)")
    }

    @Test func ofOwnThreadsTheRestIsSaidToBeUnseen() {
        let gap = Gap(what: "who ran instead", reason: "only own threads may be seen", remedy: "run nusu as root")
        let header = TraceFixtures.header(.ownThreads, wakeups: false, gaps: [gap])
        let report = TraceReport(summary: TraceFixtures.summary(header))
        let text = report.text(Self.plain)
        expectSnapshot(text, "sched-trace-own.txt")
        #expect(!report.sawEverything && text.contains("not seen    who ran instead"))
        #expect(report.json().contains("\"waitSeconds\":null") && report.json().contains("\"wokenBy\":null"))
    }

    @Test func countersHaveNoLanes() {
        var known = ScheduleDifference(thread: TraceFixtures.main, command: CommandName("api".utf8))
        known.runNanoseconds = 200_000_000
        known.waitNanoseconds = 500_000_000
        known.slices = 20
        known.voluntary = 20
        known.involuntary = 0
        let header = TraceFixtures.header(.schedstat, wakeups: false)
        let end = TraceEnd(nanoseconds: 1_000_000_000, lost: 0, differences: [known])
        let report = TraceReport(summary: TraceFixtures.summary(header, end: end))
        let text = report.text(Self.plain)
        #expect(text.hasPrefix("api (1234) waited 71 % of the time it wanted a core, 500 ms in 1 s.\n"))
        #expect(!text.contains("core 0") && text.contains("A api 1234"))
        let document = report.json()
        for part in [
            "\"source\":\"schedstat\"", "\"waitSeconds\":0.5", "\"runSeconds\":0.2", "\"migrations\":null",
            "\"waitWorstSeconds\":null", "\"cores\":[]", "\"involuntarySwitches\":0",
        ] {
            #expect(document.contains(part), "\(part) is not in \(document)")
        }
    }

    @Test func documentHasWhatIsPromised() {
        var report = TraceReport(summary: TraceFixtures.summary(TraceFixtures.header()), file: "t.nusu")
        report.commandStatus = 3
        let document = report.json()
        for part in [
            "\"schema\":\"nusu.sched/1\"", "\"subcommand\":\"trace\"", "\"seconds\":1,", "\"source\":\"cpu-wide\"",
            "\"lost\":0", "\"pid\":1234", "\"tid\":1240", "\"command\":\"api worker\"", "\"runSeconds\":0.2",
            "\"waitSeconds\":0.5", "\"waitMeanSeconds\":0.025", "\"waitWorstAtSeconds\":0.025",
            "\"voluntarySwitches\":20", "\"involuntarySwitches\":0", "\"migrations\":0", "\"commandStatus\":3",
            "\"ranInstead\":[{\"command\":\"cc1plus\",\"idle\":false,\"pid\":812,\"seconds\":0.5}]",
            "\"wokenBy\":[{\"command\":\"cc1plus\",\"interrupt\":false,\"pid\":812,\"times\":20}]",
            "\"channel\":\"ep_poll\"", "\"file\":\"t.nusu\"", "\"busySeconds\":0.9",
        ] {
            #expect(document.contains(part), "\(part) is not in \(document)")
        }
    }

    @Test func namesOfOthersAreEscaped() {
        let header = TraceFixtures.header()
        var analysis = TraceAnalysis(header)
        var events = TraceFixtures.events(header)
        for index in events.indices {
            if case .name(let key, _) = events[index].kind {
                events[index].kind = .name(key, CommandName("\u{1b}[2Jx\u{9b}\n".utf8))
            }
        }
        analysis.add(TraceBatch(events: events))
        let report = TraceReport(summary: analysis.finish(TraceEnd(nanoseconds: 1_000_000_000, lost: 9)))
        for text in [report.text(Self.plain), report.json()] {
            #expect(!text.contains("\u{1b}") && !text.unicodeScalars.contains("\u{9b}"))
        }
        #expect(report.text(Self.plain).contains("9 records came too fast") && !report.sawEverything)
        #expect(!report.text(Self.plain).contains("? not known"))
        // Main is not heard of again once records of its core are lost.
        events.append(SwitchEvent(time: 1_000_000_000, core: 0, kind: .lost(9)))
        analysis = TraceAnalysis(header)
        analysis.add(TraceBatch(events: events))
        let half = TraceReport(summary: analysis.finish(TraceEnd(nanoseconds: 2_000_000_000, lost: 9)))
        #expect(half.text(Self.plain).contains("? not known"))
    }
}
