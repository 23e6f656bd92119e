import Analysis
import Model
import Testing

@testable import Report

@Suite struct ScheduleReportTests {
    static let plain = TextStyle(isTerminal: false, width: nil, color: false)

    static func report(
        _ workload: Workload, _ policies: [SchedulingPolicy], _ machine: SchedulingMachine = SchedulingMachine()
    ) throws -> ScheduleReport {
        ScheduleReport(
            file: "jobs.txt", workload: workload, machine: machine,
            schedules: try policies.map { try #require($0.schedule(workload, on: machine)) })
    }

    static let textBook = Workload(threads: [
        .init("A", phases: [.init(run: 24_000_000)]), .init("B", phases: [.init(run: 3_000_000)]),
        .init("C", phases: [.init(run: 3_000_000)]),
    ])
    static let all: [SchedulingPolicy] = [
        .firstComeFirstServed, .shortestJobFirst, .shortestRemainingTime, .roundRobin(quantum: 4_000_000), .priority,
        .feedback, .eevdf,
    ]

    @Test func allPoliciesSideBySide() throws {
        let report = try Self.report(Self.textBook, Self.all)
        expectSnapshot(report.text(Self.plain), "sched-simulate.txt")
        let screen = report.text(TextStyle(isTerminal: true, width: 100, color: false)).split(
            separator: "\n", omittingEmptySubsequences: false)
        // The last one is empty: behind the newline.
        #expect(screen.count <= 26 && screen.allSatisfy { TerminalText.width(String($0)) <= 100 })
        #expect(screen.dropLast().last?.hasPrefix("next: nusu sched simulate jobs.txt --policy sjf") == true)
    }

    @Test func onePolicyShowsItsThreadsAndCores() throws {
        var workload = Workload(threads: [
            .init("web\u{1b}[2J", phases: [.init(run: 3_000_000, block: 7_000_000)], rounds: 10),
            .init("build", arrival: 5_000_000, phases: [.init(run: 90_000_000)], nice: 10),
        ])
        let machine = SchedulingMachine(cores: 2, switchCost: 5000)
        expectSnapshot(try Self.report(workload, [.eevdf], machine).text(Self.plain), "sched-simulate-eevdf.txt")
        workload.threads += (0..<70).map { .init("t\($0)", phases: [.init(run: 1_000_000)]) }
        let text = try Self.report(workload, [.feedback], SchedulingMachine(cores: 64)).text(Self.plain)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 26 && lines.allSatisfy { TerminalText.width(String($0)) <= 100 }, "\(text)")
        let left = try #require(
            lines.last { $0.hasSuffix(" more cores are not drawn (--json)") }?.split(separator: " ").first)
        let drawn = 64 - (try #require(Int(left)))
        let other = try Self.report(workload, [.feedback], SchedulingMachine(cores: drawn + 1)).text(Self.plain)
        #expect(other.contains("  1 more core is not drawn (--json)"), "\(other)")
        #expect(text.contains("that waited no longer"))
        #expect(text.contains("  letters come again; A web\\x1b[2J  B build  C t0"))
    }

    @Test func documentHasSecondsAndSpans() throws {
        let document = try Self.report(Self.textBook, [.roundRobin(quantum: 20_000_000)]).json()
        for part in [
            "\"schema\":\"nusu.sched/1\"", "\"subcommand\":\"simulate\"", "\"quantumSeconds\":0.02", "\"switches\":4",
            "\"timelineCompleteUntilSeconds\":0.03", "\"threadsPerSecond\":100", "\"waitSeconds\":0.006",
            "\"timeline\":[{\"core\":0,\"endSeconds\":0.02,\"startSeconds\":0,\"thread\":0}", "\"tickSeconds\":null",
        ] {
            #expect(document.contains(part), "\(part) is not in \(document)")
        }
    }

    @Test func lanesAreToScale() throws {
        let report = try Self.report(Self.textBook, [.firstComeFirstServed])
        let chart = ScheduleChart(report.workload)
        #expect(chart.lanes(report.schedules[0], columns: 10, end: 30_000_000) == ["AAAAAAAABC"])
        #expect(chart.lanes(report.schedules[0], columns: 5, end: 60_000_000) == ["AAB  "])
        #expect(chart.lanes(report.schedules[0], columns: 3, end: 15_000_000) == ["AAA"])
        var late = Workload(threads: [.init("x", arrival: 5, phases: [.init(run: 5)])])
        late.threads.append(.init("y", arrival: 15, phases: [.init(run: 5)]))
        let schedule = try #require(SchedulingPolicy.eevdf.schedule(late, on: SchedulingMachine()))
        #expect(ScheduleChart(late).lanes(schedule, columns: 4, end: 20) == [".x.y"])
    }

    @Test func figuresHaveThreeDigits() {
        let times = [
            0, 1, 999, 1000, 5_666_667, 9_996_000, 12_500_000, 999_400_000, 999_600_000, 4_210_000_000_000,
            400_000_000_000_000,
        ]
        #expect(
            times.map { ScheduleText.time($0) } == [
                "0", "1 ns", "999 ns", "1 us", "5.67 ms", "10 ms", "12.5 ms", "999 ms", "1 s", "4,210 s", "111 h",
            ])
        #expect(
            [0, 0.0001, 0.0031, 0.02, 0.119].map(ScheduleText.percent) == ["0 %", "< 0.1 %", "0.3 %", "2 %", "12 %"])
    }
}

@Suite struct SwitchCostReportTests {
    static func costs() throws -> SwitchCosts {
        var costs = SwitchCosts()
        for (index, way) in SwitchCosts.Way.allCases.enumerated() {
            let time = 0.5e-6 + Double(index) * 1.63e-6
            let spread = try #require(SwitchCosts.Spread(samples: [time * 0.97, time, time, time * 1.06]))
            costs.handOvers.append(.init(way: way, time: spread, switches: index == 0 ? 0 : 1))
        }
        for bytes in [16 << 10, 4 << 20] {
            let alone = try #require(SwitchCosts.Spread(samples: [Double(bytes) * 1e-10]))
            let shared = try #require(SwitchCosts.Spread(samples: [Double(bytes) * (bytes > 1 << 20 ? 1e-10 : 3e-10)]))
            costs.turns.append(.init(bytes: bytes, alone: alone, shared: shared))
        }
        costs.otherCore = 1
        return costs
    }

    @Test func costIsOnOneScreen() throws {
        var report = SwitchCostReport(
            costs: try Self.costs(), machine: MachineSwitches(perSecond: 2300, seconds: 0.3, processors: 2))
        expectSnapshot(report.text(ScheduleReportTests.plain), "sched-cost.txt")
        let screen = report.text(TextStyle(isTerminal: true, width: 100, color: false)).split(
            separator: "\n", omittingEmptySubsequences: false)
        #expect(screen.count <= 26 && screen.allSatisfy { TerminalText.width(String($0)) <= 100 })
        #expect(screen.dropLast().last?.hasPrefix("next: nusu sched simulate FILE --switch-cost 1630ns") == true)
        report.machine = nil
        report.costs.handOvers.removeAll { $0.way == .pipeAlone }
        #expect(report.text(ScheduleReportTests.plain).hasPrefix("What a switch costs is lost in the noise here.\n"))
        for part in ["\"machine\":null", "\"switchSeconds\":null", "\"subcommand\":\"cost\"", "\"bytes\":16384"] {
            #expect(report.json().contains(part), "\(part)")
        }
    }
}
