import Analysis
import Model
import Testing

@testable import Report

@Suite("Report of the front door") struct OverviewReportTests {
    private let identity = ProcessIdentity(pid: 1234, startTicks: 5000, commandBytes: Array("api\u{1b}[2J".utf8))

    private var show: ShowReport {
        var stat = ProcessStat()
        stat.pid = 1234
        stat.commandBytes = identity.commandBytes
        stat.state = UInt8(ascii: "S")
        stat.parent = 1
        stat.threadCount = 9
        stat.startTicks = 5000
        var signals = ProcessSignals(identity: identity)
        signals.threads = [
            ProcessSignals.Thread(number: 1234, state: UInt8(ascii: "S"), blocked: SignalSet())
        ]
        var portrait = ProcessPortrait(record: ProcessRecord(stat: stat, processID: 1234), signals: signals)
        var reason = WaitReason(
            process: identity, state: UInt8(ascii: "S"), cause: .descriptors(["socket": 3, "timerfd": 1]))
        reason.call = "epoll_wait"
        portrait.waits = [reason]
        func activity(_ seconds: UInt64, _ ran: UInt64) -> ProcessActivity {
            ProcessActivity(
                nanoseconds: seconds * 1_000_000_000,
                threads: [
                    1234: ProcessActivity.Thread(
                        runTimes: ProcessRecord.RunTimes(ran: ran, waited: 5, slices: 1), voluntarySwitches: 1,
                        involuntarySwitches: 7)
                ])
        }
        portrait.earlier = activity(10, 0)
        portrait.activity = activity(13, 90_000_000)
        return ShowReport(portrait: portrait, facts: MachineFacts())
    }

    /// Twelve looks in three seconds.
    private func history(leak: UInt64 = 0, descriptors: UInt64 = 0) -> UsageHistory {
        var history = UsageHistory()
        for number in 0..<12 as Range<UInt64> {
            var sample = ProcessSample()
            sample.residentBytes = 700 << 20 + number * leak
            sample.anonymousBytes = 600 << 20 + number * leak
            sample.swappedBytes = 0
            sample.descriptors = 212 + number * descriptors
            sample.threads = 9
            history.append(sample, at: Double(number) * 0.25)
        }
        return history
    }

    private func group(limit: UInt64, leak: UInt64 = 0) -> GroupHistory {
        var history = GroupHistory()
        for number in 0..<12 as Range<UInt64> {
            var sample = MemoryGroupSample(path: "/sys/fs/cgroup/pod")
            sample.limitBytes = limit
            sample.usageBytes = 960 << 20 + number * leak
            sample.cacheBytes = 100 << 20
            sample.outOfMemoryKills = 2
            history.append(sample, at: Double(number) * 0.25)
        }
        return history
    }

    private var granted: OverviewReport.Permission {
        .granted(
            LeakPlanReport(
                target: identity, method: .fork, reason: "", pauseSeconds: 0.009, threads: 9, neededBytes: 41 << 20,
                headroomBytes: 163 << 20, residentBytes: 700 << 20, right: "nusu has CAP_SYS_PTRACE", gaps: []))
    }

    private var runtime: RuntimeFacts {
        RuntimeFacts(allocators: ["glibc 2.36"], languages: ["Swift", "C++"], reading: .full, isTriedVersion: true)
    }

    private func report(
        _ history: UsageHistory, groups: [GroupHistory] = [], runtime: RuntimeFacts? = nil,
        permission: OverviewReport.Permission? = nil
    ) -> OverviewReport {
        OverviewReport(
            show: show, history: history, watchedSeconds: 3, groups: groups, descriptorLimit: 1024,
            runtime: runtime ?? self.runtime, permission: permission ?? granted)
    }

    @Test("Near a limit and growing")
    func nearLimit() {
        let report = report(history(leak: 50 << 10), groups: [group(limit: 1024 << 20, leak: 50 << 10)])
        expectSnapshot(report.text(TextStyle(isTerminal: true, width: 100, color: false)), "overview-limit.txt")
        expectSnapshot(report.json(), "overview.json")
        #expect(
            report.text(TextStyle(isTerminal: true, width: 60, color: false)).split(separator: "\n").allSatisfy {
                $0.count <= 60
            })
    }

    @Test("Steady, without a limit; a refusal is told in whole")
    func steady() {
        let refusal = Failure(
            .notPermitted,
            what:
                "may not read the memory of api: it belongs to user 0, nusu runs as user 65534, and that is not to be had here",
            subject: "api", remedy: "run nusu as root (sudo), or give it CAP_SYS_PTRACE")
        expectSnapshot(
            report(history(), permission: .refused(refusal)).text(
                TextStyle(isTerminal: true, width: 100, color: false)),
            "overview-refused.txt")
    }

    @Test("Descriptors that grow lead to fds; an allocator that cannot be read leads past leaks")
    func ways() {
        #expect(report(history(descriptors: 3)).next.command == "nusu fds 1234")
        #expect(report(history()).next.command == "nusu leaks 1234")
        let foreign = RuntimeFacts(
            allocators: ["jemalloc", "glibc 2.36"], languages: [], reading: .partly, isTriedVersion: true)
        #expect(report(history(), runtime: foreign).next.command == "nusu memory 1234")
        #expect(report(history(leak: 1 << 20)).next.command == "nusu memory 1234")
    }
}
