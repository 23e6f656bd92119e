import Analysis
import Model
import Testing

@testable import Report

@Suite("Report of one process") struct ShowReportTests {
    private let plain = TextStyle(isTerminal: false, width: nil, color: false)

    /// Two processes of hostile names that wait for each other.
    private var report: ShowReport {
        let hostile = Array("a\u{1b}[31m) R 1\n".utf8)
        var stat = ProcessStat()
        stat.pid = 1234
        stat.commandBytes = hostile
        stat.state = UInt8(ascii: "S")
        stat.parent = 1
        stat.threadCount = 1
        stat.startTicks = 5000
        let identity = ProcessIdentity(pid: 1234, startTicks: 5000, commandBytes: hostile)
        var signals = ProcessSignals(identity: identity)
        signals.namespacePids = [1234]
        signals.threads = [
            ProcessSignals.Thread(number: 1234, state: UInt8(ascii: "S"), blocked: SignalSet())
        ]
        var portrait = ProcessPortrait(record: ProcessRecord(stat: stat, processID: 1234), signals: signals)
        let other = ProcessIdentity(pid: 1240, startTicks: 5001, commandBytes: hostile)
        for (own, awaited) in [(identity, other), (other, identity)] {
            var reason = WaitReason(
                process: own, state: UInt8(ascii: "S"), cause: .pipe(inode: 7, isReading: true, isOwn: false))
            reason.call = "read"
            reason.descriptor = 3
            reason.channel = "anon_pipe_read"
            reason.awaited = [WaitReason.Awaited(awaited)]
            portrait.waits.append(reason)
        }
        portrait.children = [ProcessPortrait.Relative(identity: other, isZombie: false)]
        portrait.threads = [ProcessPortrait.Thread(number: 1234, nameBytes: hostile, state: UInt8(ascii: "S"))]
        portrait.gaps = [Gap(what: "open files", reason: "that needs CAP_SYS_PTRACE", remedy: "sudo nusu show 1234")]
        var facts = MachineFacts()
        facts.uptime = 3650
        return ShowReport(portrait: portrait, facts: facts)
    }

    @Test("Rates of two looks, beside the totals") func rates() {
        var portrait = report.portrait
        portrait.waits = Array(portrait.waits.prefix(1))
        portrait.waits[0].cause = .descriptors(["socket": 3, "timerfd": 1])
        portrait.waits[0].awaited = []
        portrait.waits[0].call = "epoll_wait"
        func activity(_ seconds: UInt64, _ switches: UInt64, _ ran: UInt64) -> ProcessActivity {
            ProcessActivity(
                nanoseconds: seconds * 1_000_000_000,
                threads: [
                    1234: ProcessActivity.Thread(
                        runTimes: ProcessRecord.RunTimes(ran: ran, waited: 5, slices: 1), voluntarySwitches: switches,
                        involuntarySwitches: 7)
                ])
        }
        portrait.earlier = activity(10, 1000, 5_000_000)
        portrait.activity = activity(12, 1082, 65_000_000)
        portrait.voluntarySwitches = 1082
        portrait.involuntarySwitches = 7
        let text = ShowReport(portrait: portrait, facts: report.facts).text(plain)
        // With this name there is no room for ", which is normal".
        #expect(text.contains("is asleep in epoll_wait: woken 41 times a second, 3 % of one core."))
        var short = portrait
        short.record.stat.commandBytes = Array("api".utf8)
        #expect(
            ShowReport(portrait: short, facts: report.facts).text(plain).contains(
                "api (1234) is asleep in epoll_wait, which is normal: woken 41 times a second, 3 % of one core."))
        #expect(
            text.contains("41/s voluntary (it waited), 1,082 in all; 0/s involuntary (pushed off), 7 in all"))
        #expect(text.contains("waits in epoll_wait for 3 sockets and 1 timer"))
        #expect(text.contains("3 % of one core now"))
    }

    @Test("Limits with their use, rights by name, and what only a root has") func limitsAndRights() {
        var shown = report
        shown.portrait.limits = [
            ProcessPortrait.Limit(name: "Max stack size", soft: 8 << 20, hard: nil),
            ProcessPortrait.Limit(name: "Max processes", soft: 100, hard: 100),
            ProcessPortrait.Limit(name: "Max core file size", soft: 0, hard: nil),
            ProcessPortrait.Limit(name: "Max locked memory", soft: nil, hard: nil),
        ]
        shown.portrait.status = ["VmStk": "132 kB", "CapEff": "0000000000000400"]
        shown.portrait.userThreads = 96
        shown.portrait.lastCapability = 40
        shown.portrait.record.controlGroups = Array("2:cpu:/\n1:memory,pids:/a\u{1b}b\n0::/\n".utf8)
        let text = shown.text(plain)
        #expect(
            text.contains(
                "limits     stack 132 KiB of 8.0 MiB; its user's threads 96 of 100; no core file\n"))
        #expect(text.contains("; only the capability NET_BIND_SERVICE; "))
        #expect(text.contains("cgroup     /a\\x1bb (memory,pids)\n"))
        #expect(shown.json().contains(#"{"hard":100,"name":"Max processes","soft":100,"used":96}"#))
        for (set, words) in [
            (UInt64(0), "no capabilities"), (0x1ff_ffff_ffff, "all 41 capabilities"),
            (0x1ff_feff_ffff, "all capabilities but SYS_RESOURCE"), (0xa804_25fb, "14 capabilities"),
        ] {
            #expect(CapabilityText.text(set, last: 40) == words)
        }
        #expect(CapabilityText.text(nil, last: 40) == "capabilities not known")
        #expect(CapabilityText.text(.max, last: 63).hasPrefix("all "))
    }

    @Test("How a zombie ended") func ending() {
        var portrait = report.portrait
        portrait.record.stat.state = UInt8(ascii: "Z")
        portrait.waits = [
            WaitReason(process: portrait.record.identity, state: UInt8(ascii: "Z"), cause: .zombie(parent: 1))
        ]
        var shown = ShowReport(portrait: portrait, facts: report.facts)
        for (status, words, json) in [
            (Int32(9), "by KILL", #""endSignal":"KILL""#), (3 << 8, "with status 3", #""exitStatus":3"#),
            (0x8b, "by SEGV", #""endSignal":"SEGV""#),
        ] {
            shown.portrait.record.stat.exitStatus = status
            #expect(shown.text(plain).contains("Z ended (zombie), \(words)\n"), "\(shown.text(plain))")
            #expect(shown.json().contains(json))
        }
    }

    @Test("Large counts have their thousands apart") func counts() {
        var portrait = report.portrait
        portrait.record.stat.threadCount = 12_000
        portrait.threads = (0..<12_000).map {
            ProcessPortrait.Thread(number: 1234 + $0, nameBytes: Array("worker".utf8), state: UInt8(ascii: "S"))
        }
        portrait.waits = [portrait.waits[0]]
        portrait.waits[0].cause = .child
        portrait.waits[0].awaited = (0..<20_000).map {
            WaitReason.Awaited(ProcessIdentity(pid: 20_000 + $0, startTicks: 1, commandBytes: Array("job".utf8)))
        }
        let text = ShowReport(portrait: portrait, facts: report.facts).text(plain)
        #expect(text.contains("for one of 20,000 children"), "\(text)")
        #expect(text.contains("12,000: 12,000 x worker"), "\(text)")
    }

    @Test("A first line that is too long leaves the call to the line of the state") func longReason() throws {
        var portrait = report.portrait
        var socket = Socket(inode: 5, transport: .unixStream, state: .connected)
        socket.local = .unnamed
        var wait = SocketWait(.receive, socket: socket)
        wait.name = .path(Array("/run/a\u{1b}[31m/a rather long name of a socket".utf8))
        portrait.waits = [portrait.waits[0]]
        portrait.waits[0].cause = .socket(wait)
        let server = ProcessIdentity(pid: 1511, startTicks: 1, commandBytes: Array("postgres".utf8))
        portrait.waits[0].awaited = [WaitReason.Awaited(server)]
        portrait.waits[0].call = "recvfrom"
        let lines = ShowReport(portrait: portrait, facts: report.facts).text(plain).split(separator: "\n")
        #expect(
            try #require(lines.first).contains(
                "waits for an answer from postgres(1511) on unix /run/a\\x1b[31m/a rather long name of a socket"))
        #expect(lines.contains { $0.contains("S sleeping, in recvfrom, in the kernel's anon_pipe_read") })
    }

    @Test("A deadlock of hostile names, most of it not known") func text() {
        expectSnapshot(report.text(plain), "show.txt")
        expectSnapshot(report.json(), "show.json")
        let text = report.text(plain, explains: true, threads: true)
        #expect(!text.contains("\u{1b}"))
        expectSnapshot(text, "show-explain.txt")
    }
}
