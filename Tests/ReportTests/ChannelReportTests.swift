import Analysis
import Model
import Testing

@testable import Report

@Suite("Report of channels") struct ChannelReportTests {
    private let terminal = TextStyle(isTerminal: true, width: 100, color: false)
    private let pipe = TextStyle(isTerminal: false, width: nil, color: false)
    private let users = ChannelUsers(names: [0: "root", 26: "postgres"], viewer: .user)

    private func report(
        _ graph: ChannelGraph, target: Int32? = nil, _ options: ChannelReport.Options = .init(),
        flow: ChannelFlow? = nil
    ) -> ChannelReport {
        ChannelReport(ChannelFindings(graph, target: target, depth: options.depth), flow: flow, users: users)
    }

    @Test("Everybody's channels, what is stuck first") func everybody() {
        let graph = ChannelFixture.desktop().graph
        expectSnapshot(report(graph).text(.init(), terminal), "ipc.txt")
        let wide = ChannelReport.Options(wide: true)
        expectSnapshot(report(graph, wide).text(wide, pipe), "ipc-wide.txt")
    }

    @Test("One process's, and the way from one to another") func one() {
        let graph = ChannelFixture.desktop().graph
        expectSnapshot(report(graph, target: 1234).text(.init(), terminal), "ipc-target.txt")
        expectSnapshot(ChainReport(graph, from: 911, to: 1512, users: users).text(.init(), terminal), "ipc-chain.txt")
        let none = ChainReport(graph, from: 30020, to: 688, users: users)
        #expect(!none.found)
        #expect(
            none.text(.init(), pipe).hasPrefix("Found no channel from bash (30020) to dbus-daemon (688), as far as"))
    }

    @Test("Who holds a lock that is stuck, and why; whoever only itself could help") func locks() {
        var fixture = ChannelFixture()
        fixture.process(1, "a")
        fixture.process(2, "b")
        fixture.join(.futex, "/dev/shm/x+0x10", []) { channel in
            channel.ends = [.init(pid: 1, role: .wait, thread: 1), .init(pid: 2, role: .hold, thread: 2)]
            (channel.state, channel.since) = (.held, 8)
        }
        func text(_ fixture: ChannelFixture) -> String { report(fixture.graph).text(.init(), terminal) }
        let held = text(fixture)
        #expect(held.hasPrefix("1 channel joins 2 processes; nothing is stuck.\n"), "\(held)")
        #expect(held.contains("    a(1) sleeps at a lock of b(2) ") && held.contains(" 8 s\n"), "\(held)")
        #expect(report(fixture.graph).json().contains("\"state\":\"held\",\"stuck\":null"))
        fixture.graph.channels[0].state = .stuck(.init(.locked, pid: 1, thread: 1))
        fixture.graph.waits = [
            WaitReason(
                process: ProcessIdentity(pid: 2, startTicks: 2, commandBytes: []), state: UInt8(ascii: "T"),
                cause: .stopped(by: 19))
        ]
        let stopped = text(fixture)
        #expect(
            stopped.replacing("\n", with: " ")
                .contains("; 1 is stuck: a (1) sleeps since 8 s at a lock of b (2), which is stopped. "), "\(stopped)")
        #expect(stopped.contains("next: nusu show 2      why it does not give up the lock"))
        fixture.graph.channels[0].ends.removeLast()
        let gone = text(fixture)
        #expect(
            gone.replacing("\n", with: " ").contains(
                " a (1) sleeps since 8 s at a lock whose owner is not there any more. "),
            "\(gone)")
        #expect(gone.contains("next: nusu show 1 "))
        fixture.graph.channels = []
        fixture.join(.pipe, "pipe:[1]", [1], [1]) {
            ($0.waiting, $0.capacity, $0.since) = (65536, 65536, 3)
            $0.state = .stuck(.init(.full, pid: 1, thread: 1))
        }
        let own = text(fixture)
        #expect(own.contains("a (1) sleeps since 3 s: only itself could read what it writes."), "\(own)")
    }

    @Test("One document") func document() {
        let graph = ChannelFixture.desktop().graph
        expectSnapshot(report(graph, target: 30020).json(), "ipc.json")
        let chain = ChainReport(graph, from: 911, to: 1512, users: users).json()
        #expect(chain.contains("\"chains\":[[{\"channels\":[{"))
        #expect(chain.contains("\"to\":{\"command\":\"postgres\",\"pid\":1512}"))
    }

    @Test("What flowed between two looks") func flow() {
        let before = ChannelFixture.desktop().graph
        var after = before
        for index in after.channels.indices where after.channels[index].kind == .tcp {
            after.channels[index].carriedBytes = 1000 + (1 << 20)
        }
        after.channels.removeFirst()
        let flow = ChannelFlow(from: before, to: after, seconds: 5)
        let text = report(after, flow: flow).text(.init(), terminal)
        #expect(text.hasPrefix("37 channels join 33 processes; 8.0 MiB in 5 s through the 8 that are counted.\n"))
        #expect(text.contains("8.0 MiB / 0"))
        #expect(text.contains("not counted"))
        #expect(
            report(after, flow: flow).json().contains("\"flow\":{\"bytes\":1048576,\"bytesBack\":0,\"moved\":true}"))
        #expect(
            report(after, flow: flow).json().contains("\"flow\":{\"bytes\":null,\"bytesBack\":null,\"moved\":null}"))
    }

    @Test("At most 25 lines and 100 columns, whatever there is") func length() {
        var fixture = ChannelFixture.desktop()
        for pid in 5000..<5200 as Range<Int32> {
            fixture.process(pid, "a-long-name-\(pid % 60)")
            fixture.join(.pipe, "x\(pid)", [pid], [pid - 3 < 5000 ? 1234 : pid - 3])
            fixture.join(.unix, "y\(pid)", [pid], [1234]) {
                $0.name = Array("/run/user/1000/a/very/long/path/to/a/socket/of/a/service/number/\(pid)".utf8)
            }
            fixture.join(.sharedMemory, "z\(pid)", [pid, 1234]) { ($0.memory, $0.size) = (.posix, 1 << 40) }
            fixture.join(.mqueue, "q\(pid)", [pid])
        }
        for target in [nil, 1234] as [Int32?] {
            let lines = report(fixture.graph, target: target).text(.init(), terminal)
                .split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            #expect(lines.count <= 25)
            for line in lines { #expect(TerminalText.width(String(line)) <= 100, "\(line)") }
            #expect(lines.contains { $0.contains("more lines") && $0.contains("(--all)") })
        }
        let all = ChannelReport.Options(all: true)
        #expect(report(fixture.graph, all).text(all, pipe).split(separator: "\n").count > 300)
    }

    @Test("On 80 columns since when is shown whole, and how it is stuck is left out") func narrow() {
        let narrow = TextStyle(isTerminal: true, width: 80, color: false)
        let lines = report(ChannelFixture.desktop().graph).text(.init(), narrow).split(separator: "\n")
        for line in lines {
            #expect(TerminalText.width(String(line)) <= 80 && !line.hasSuffix("…"), "\(line)")
        }
        #expect(lines.contains { $0.hasPrefix("  ! cc1plus(21201)") && $0.hasSuffix(" 8 s") })
    }

    @Test("A channel whose other end nobody seen has is none to other processes") func nobody() {
        var fixture = ChannelFixture()
        fixture.process(1, "a")
        fixture.process(2, "b")
        fixture.join(.pipe, "pipe:[1]", [1, 2])
        let text = report(fixture.graph, target: 1).text(.init(), pipe)
        #expect(text.hasPrefix("a (1) has 1 channel, to no process that can be seen; nothing is stuck.\n"), "\(text)")
    }

    @Test("A deadlock") func deadlock() {
        var fixture = ChannelFixture()
        fixture.process(1, "a")
        fixture.process(2, "b")
        fixture.join(.pipe, "pipe:[1]", [1], [2]) {
            ($0.waiting, $0.since) = (0, 90)
            $0.state = .stuck(Channel.Stuck(.deadlock, pid: 2, thread: 2))
        }
        let text = report(fixture.graph).text(.init(), terminal)
        #expect(text.hasPrefix("1 channel joins 2 processes; 1 is stuck: b (2) waits for a (1) in a deadlock since "))
        #expect(text.contains("  ! a(1) ==pipe==> b(2) ") && text.contains(", deadlock\n"), "\(text)")
        #expect(text.contains("next: nusu show 1      who waits for whom"))
        #expect(report(fixture.graph).json().contains("\"cause\":\"deadlock\""))
    }

    @Test("Names that others chose are escaped, in each form") func hostile() {
        var fixture = ChannelFixture()
        let name = "\u{1b}[31m\"];\n\\N x"
        fixture.process(1, name)
        fixture.process(2, name)
        fixture.join(.unix, name, [1], [2]) { ($0.name, $0.doubt) = (Array(name.utf8) + [0xff], name) }
        fixture.join(.epoll, name, [1, 2]) { $0.watched = [name] }
        fixture.join(.sharedMemory, name, [1, 2]) { ($0.memory, $0.name) = (.posix, Array(name.utf8)) }
        fixture.graph.gaps = [Gap(what: name, reason: name, remedy: name)]
        let wide = ChannelReport.Options(wide: true)
        let texts = [
            report(fixture.graph).text(.init(), terminal), report(fixture.graph, wide).text(wide, pipe),
            report(fixture.graph, target: 1).text(.init(), terminal), report(fixture.graph).dot(),
            ChainReport(fixture.graph, from: 1, to: 2, users: users).text(.init(), terminal),
        ]
        for text in texts {
            #expect(!text.contains("\u{1b}") && !text.contains("];\n\\N"), "\(text)")
            #expect(text.contains("\\x1b[31m"))
        }
        // One backslash alone would be an order of the dot language.
        #expect(report(fixture.graph).dot().contains("\\\\x1b[31m\\\"];\\\\n\\\\N x"))
        #expect(report(fixture.graph).json().contains("nameBase64"))
    }

    @Test("A drawing") func dot() {
        expectSnapshot(report(ChannelFixture.desktop().graph).dot(), "ipc.dot")
    }

    @Test("What nobody answers for") func corners() {
        #expect(report(ChannelGraph()).text(.init(), pipe) == "No channel joins processes that can be seen.\n")
        var fixture = ChannelFixture()
        fixture.process(7, "cat")
        fixture.join(.pipe, "p", [7]) { $0.state = .stuck(Channel.Stuck(.full, pid: 7, thread: 7)) }
        let text = report(fixture.graph).text(.init(), pipe)
        #expect(text.hasPrefix("1 is stuck: nobody seen reads what cat (7) writes.\n"))
        fixture.graph.unseen = [7]
        // Root needs something else than to be root.
        let root = ChannelUsers(names: [:], viewer: .rootWithoutCapabilities)
        #expect(root.unseen(in: fixture.graph) == "Not visible: 1 process of user 0 (needs CAP_SYS_PTRACE).")
        let tracer = ChannelUsers(names: [:], viewer: .tracer)
        #expect(tracer.unseen(in: fixture.graph) == "Not visible: 1 process of user 0 (even with CAP_SYS_PTRACE).")
        #expect(report(ChannelGraph(unseen: [7]), target: 7).text(.init(), terminal).contains("next: sudo nusu ipc 7"))
    }

    @Test("How many lines of each section fit") func shares() {
        #expect(ChannelReport.shares([2, 3], 10) == [2, 3])
        #expect(ChannelReport.shares([30, 3], 10) == [6, 3])
        #expect(ChannelReport.shares([30, 30, 1], 11) == [4, 4, 1])
        for room in 6..<30 {
            let counts = [7, 19, 1, 4]
            let shares = ChannelReport.shares(counts, room)
            let lines = zip(shares, counts).reduce(0) { $0 + $1.0 + ($1.0 < $1.1 ? 1 : 0) }
            #expect(lines <= max(room, 7) && shares.allSatisfy { $0 > 0 })
        }
    }
}
