import Analysis
import Model
import Testing

@testable import Report

@Suite struct WatchReportTests {
    private static let process = ProcessIdentity(pid: 1234, startTicks: 5, commandBytes: Array("api\u{1b}[2J".utf8))
    private static let plain = TextStyle(isTerminal: false, width: nil, color: false)
    private static let terminal = TextStyle(isTerminal: true, width: 100, color: false)

    /// Sixty seconds, a sample each.
    private func history(_ count: Int = 60, leak: Double = 0, descriptors: Int = 0) -> UsageHistory {
        var history = UsageHistory()
        for second in 0..<count {
            var sample = ProcessSample()
            sample.residentBytes = 700 << 20 + UInt64(Double(second) * leak)
            sample.anonymousBytes = 600 << 20 + UInt64(Double(second) * leak)
            sample.swappedBytes = 0
            sample.descriptors = 200 + UInt64(second * descriptors)
            sample.threads = 9
            sample.minorFaults = UInt64(second) * 40
            sample.majorFaults = 0
            history.append(sample, at: Double(second))
        }
        return history
    }

    private func group(_ count: Int = 60, leak: Double, limit: UInt64?) -> GroupHistory {
        var history = GroupHistory()
        for second in 0..<count {
            var sample = MemoryGroupSample(path: "/sys/fs/cgroup/pod")
            sample.limitBytes = limit
            sample.usageBytes = 860 << 20 + UInt64(Double(second) * leak)
            sample.cacheBytes = 100 << 20
            sample.outOfMemoryKills = 0
            history.append(sample, at: Double(second))
        }
        return history
    }

    private func report(
        _ history: UsageHistory, group: GroupHistory? = nil, ended: WatchReport.Ended? = nil
    ) -> WatchReport {
        let target = WatchReport.Target(
            process: Self.process, history: history, groups: group == nil ? [] : [0], descriptorLimit: 1024,
            ended: ended)
        return WatchReport(targets: [target], groups: group.map { [$0] } ?? [], seconds: 60)
    }

    @Test func growth() {
        var report = report(
            history(leak: 54_000), group: group(leak: 54_000, limit: 1 << 30))
        report.gaps = [Gap(what: "malloc's memory", reason: "no right", remedy: nil)]
        var evidence = WatchReport.Evidence(
            process: Self.process, afterSeconds: 30, reason: "at 90 % of its limit", reportPath: "./a.txt")
        evidence.snapshotPath = "./a.nusu"
        report.evidence = [evidence]
        expectSnapshot(report.text(Self.terminal), "watch-growth.txt")
        #expect(report.grew && report.sawEverything)
    }

    @Test func steadyAndEnded() {
        let ended = WatchReport.Ended(ending: .killed(signal: 9), afterSeconds: 59, isOutOfMemory: true)
        expectSnapshot(report(history(), ended: ended).text(Self.plain), "watch-ended.txt")
        #expect(!report(history()).grew)
        #expect(report(history(), ended: ended).grew)
    }

    @Test func descriptorsRunOut() {
        let text = report(history(descriptors: 2)).text(Self.plain)
        #expect(text.contains("its descriptors grow 120/min, reach the limit of 1,024 in about 5.9 min"), "\(text)")
    }

    @Test func shortAndUnsure() {
        let short = report(history(3))
        #expect(short.text(Self.plain).contains("watched too short to tell"))
        #expect(!short.sawEverything)
        let unsure = report(history(12, leak: 54_000)).text(Self.plain)
        #expect(unsure.contains("grows about 3 MiB/min (11 s watched: unsure)"), "\(unsure)")
    }

    @Test func several() {
        let leaking = WatchReport.Target(process: Self.process, history: history(leak: 54_000))
        let steady = (0..<30).map { number in
            WatchReport.Target(
                process: ProcessIdentity(pid: Int32(number + 1), startTicks: 1, commandBytes: Array("worker".utf8)),
                history: history())
        }
        let text = WatchReport(targets: steady + [leaking], groups: [], seconds: 60).text(Self.terminal)
        expectSnapshot(text, "watch-several.txt")
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 26)
    }

    @Test func documents() {
        let report = report(history(leak: 54_000), group: group(leak: 54_000, limit: 1 << 30))
        expectSnapshot(report.json(), "watch.json")
        var sample = ProcessSample()
        sample.residentBytes = 4096
        let line = WatchReport.sampleJSON([(Self.process, sample)], groups: [], seconds: 1.5, time: 7)
        #expect(line.contains("\"residentBytes\":4096") && line.contains("\"descriptors\":null"))
        #expect(line.split(separator: "\n").count == 1)
    }

    @Test func rates() {
        #expect(RateUnit(54_000, isBytes: true).text(54_000) == "3.1 MiB/min")
        #expect(RateUnit(10, isBytes: true).text(10) == "35.2 KiB/h")
        #expect(RateUnit(1_073_741_824, isBytes: true).text(1_073_741_824) == "60 GiB/min")
        #expect(RateUnit(0.5, isBytes: false).text(0.5) == "30/min")
        #expect(RateUnit(0.001, isBytes: false).text(0.001) == "3.6/h")
    }

    @Test func sparkline() {
        var series = TimeSeries()
        for second in 0..<8 { series.append(Double(second) * 100, at: Double(second)) }
        #expect(Sparkline.text(series, width: 8) == "▁▂▃▄▅▆▇█")
        #expect(Sparkline.text(series, width: 2).count == 2)
        #expect(Sparkline.text(TimeSeries(), width: 8) == "")
    }

    @Test func evidence() {
        var facts = EvidenceFacts()
        facts.mapped = [EvidenceFacts.Mapped(nameBytes: Array("/a\u{1b}[1m".utf8))]
        let text = report(history()).evidenceText(facts, date: "today", reason: "as every 10 min")
        #expect(text.contains("/a\\x1b[1m") && text.contains("may not be read") && !text.contains("\u{1b}"))
    }
}
