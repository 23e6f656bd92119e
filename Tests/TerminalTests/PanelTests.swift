import Analysis
import Model
import Testing

@testable import Terminal

@Suite struct PanelTests {
    private let api = ProcessIdentity(pid: 1234, startTicks: 77, commandBytes: Array("api".utf8))
    private let worker = ProcessIdentity(pid: 1300, startTicks: 78, commandBytes: Array("worker".utf8))

    private func signals(_ identity: ProcessIdentity, caught: [Int32] = []) -> ProcessSignals {
        var result = ProcessSignals(identity: identity)
        result.namespacePids = [identity.pid]
        result.caught = SignalSet(bits: caught.reduce(0) { $0 | 1 << UInt64($1 - 1) })
        result.threads = [ProcessSignals.Thread(number: identity.pid, state: UInt8(ascii: "S"), blocked: SignalSet())]
        return result
    }

    private func text(_ panel: Panel, rows: Int = 24, columns: Int = 80, summary: String = "") -> String {
        var frame = Frame(rows: rows, columns: columns)
        panel.draw(on: &frame, summary: summary)
        return frame.text
    }

    @discardableResult
    private func press(_ keys: [Key], _ panel: inout Panel, rows: Int = 24) -> [PanelRequest] {
        keys.flatMap { panel.update(.key($0), rows: rows, columns: 80) }
    }

    @discardableResult
    private func press(_ text: String, _ panel: inout Panel) -> [PanelRequest] {
        press(text.map { .character($0) }, &panel)
    }

    // MARK: Pages

    @Test func thePagesAskForWhatTheyShow() {
        var (panel, first) = Panel.detail(of: api, isReadOnly: false)
        #expect(first == [.look(.show, api, isPlan: false)])
        #expect(text(panel).contains("nusu show 1234 …"))
        panel.receive(
            .looked(.show, api, isPlan: false, lines: ["\u{1b}[1mapi waits.\u{1b}[0m", "", "a b"], hasFailed: false))
        let shown = text(panel, summary: "3.1 % of a core")
        #expect(shown.hasPrefix(" api (1234)  3.1 % of a core\n"))
        #expect(shown.contains(" 1 show  2 memory  3 maps  4 fds  5 leaks  6 signals  7 ipc  w args  s  x  e\n"))
        #expect(shown.contains("\napi waits.\n\na b\n"))
        #expect(shown.hasSuffix("k send a signal\n"))
        // A page that was read is not asked for again by itself.
        #expect(press([.right], &panel) == [.look(.memory, api, isPlan: true)])
        #expect(press([.left], &panel).isEmpty)
        #expect(press("r", &panel) == [.look(.show, api, isPlan: false)])
        // What stands goes on to stand until the new comes.
        #expect(text(panel).contains("api waits."))
    }

    @Test func whatStopsAProcessIsAskedForAndItsCostSaid() {
        var (panel, _) = Panel.detail(of: api, isReadOnly: false)
        #expect(press("5", &panel) == [.look(.leaks, api, isPlan: true)])
        #expect(press([.enter], &panel).isEmpty, "the cost is not known yet")
        panel.receive(
            .looked(.leaks, api, isPlan: true, lines: ["Would look by fork and pause it for 9 ms."], hasFailed: false))
        #expect(text(panel).contains("pause it for 9 ms.\n\nEnter: look now."))
        #expect(press([.enter], &panel) == [.look(.leaks, api, isPlan: false)])
        #expect(text(panel).contains("pause it for 9 ms.\n\nnusu leaks 1234 …\n"))
        panel.receive(.progress(.leaks, api, "building the graph … 3 s"))
        #expect(text(panel).contains("pause it for 9 ms.\n\nbuilding the graph … 3 s\n"))
        panel.receive(.looked(.leaks, api, isPlan: false, lines: ["No lost memory."], hasFailed: false))
        #expect(text(panel).contains("No lost memory."))
        // Again means the price again.
        #expect(press("r", &panel) == [.look(.leaks, api, isPlan: true)])
        // An answer that nobody waits for changes nothing: one for another process, one that came too late.
        panel.receive(.looked(.leaks, worker, isPlan: true, lines: ["x"], hasFailed: false))
        panel.receive(.looked(.maps, api, isPlan: false, lines: ["x"], hasFailed: false))
        #expect(press([.escape], &panel) == [.stopLooks])
        #expect(panel.isClosed)
    }

    @Test func aReadOnlyScreenStopsNobody() {
        var (panel, _) = Panel.detail(of: api, isReadOnly: true)
        for key in ["2", "5"] {
            #expect(press(key, &panel).isEmpty)
            #expect(press([.enter, .character("r"), .function(5)], &panel).isEmpty)
            #expect(text(panel).contains("read-only"))
        }
        #expect(!text(panel).contains("send a signal"))
        #expect(press("k", &panel) == [.signals([api])])
        panel.receive(.signals([signals(api)]))
        #expect(text(panel).contains("What signals would do to api (1234) (read-only)"))
        #expect(press([.enter, .character("y"), .enter], &panel).isEmpty)
        #expect(!text(panel).contains("Send"))
    }

    @Test func longPagesScroll() {
        var (panel, _) = Panel.detail(of: api, isReadOnly: false)
        let lines = (1...208).map { "line \($0) " + String(repeating: "x", count: 90) + "END" }
        panel.receive(.looked(.show, api, isPlan: false, lines: lines, hasFailed: false))
        #expect(text(panel).contains("1-21 of 208"))
        press([.pageDown, .down], &panel)
        #expect(text(panel).contains("\nline 23 xxx") && text(panel).contains("23-43 of 208"))
        press([.end], &panel)
        #expect(text(panel).contains("188-208 of 208"))
        #expect(!text(panel).contains("END"))
        press(">>>", &panel)
        #expect(text(panel).contains("END\n<"))
        _ = panel.update(.mouse(row: 9, column: 3, .wheelUp), rows: 24, columns: 80)
        #expect(text(panel).contains("185-205 of 208"))
        #expect(
            panel.update(.mouse(row: 1, column: 22, .press), rows: 24, columns: 80) == [
                .look(.maps, api, isPlan: false)
            ])
    }

    @Test func hostileNamesAndLinesStayText() {
        let evil = ProcessIdentity(pid: 7, startTicks: 1, commandBytes: Array("a\u{1b}[2Jb".utf8))
        var (panel, _) = Panel.detail(of: evil, isReadOnly: false)
        panel.receive(
            .looked(
                .show, evil, isPlan: false, lines: ["\u{1b}[31mred\u{1b}]0;x\u{7}\u{1b}", "\u{1b}[", "\u{202e}x"],
                hasFailed: false))
        let shown = text(panel)
        #expect(shown.contains("a\\x1b[2Jb (7)") && shown.contains("red]0;x\\x07") && shown.contains("\\u{202e}x"))
        #expect(!shown.contains("\u{1b}"))
    }

    @Test func aNarrowScreenNamesThePageInSight() {
        var (panel, _) = Panel.detail(of: api, at: .maps, isReadOnly: false)
        #expect(text(panel, rows: 12, columns: 40).contains("\n 1  2  3 maps  4  5  6  7  w  s  x  e\n"))
        #expect(
            panel.update(.mouse(row: 1, column: 18, .press), rows: 12, columns: 40)
                == [.look(.leaks, api, isPlan: true)])
        #expect(text(panel, rows: 12, columns: 40).contains("\n 1  2  3  4  5 leaks  6  7  w  s  x  e\n"))
    }

    /// Parts of what show knows have htop's letters, here as in the table.
    @Test func pagesOfLetters() {
        var (panel, first) = Panel.detail(of: api, at: .environment, isReadOnly: true)
        #expect(first == [.look(.environment, api, isPlan: false)])
        #expect(text(panel).contains("nusu show 1234 --environment …"))
        #expect(press("wsx", &panel) == [PanelTab.command, .calls, .locks].map { .look($0, api, isPlan: false) })
        #expect(press("vml", &panel) == [.maps, .fds].map { .look($0, api, isPlan: false) })
        #expect(
            PanelTab.allCases.map { $0.arguments(api, isPlan: false).joined(separator: " ") }.suffix(5) == [
                "ipc 1234", "show 1234 --command", "show 1234 --calls", "show 1234 --locks", "show 1234 --environment",
            ])
    }

    @Test func whatIsTooLongGoesOnInTheNextRow() {
        var (panel, _) = Panel.detail(of: api, at: .command, isReadOnly: false)
        let word = String(repeating: "0123456789", count: 40) + "END"
        panel.receive(.looked(.command, api, isPlan: false, lines: ["first", "", "a " + word], hasFailed: false))
        let shown = text(panel, columns: 82)
        #expect(shown.contains("\nfirst\n\na\n0123456789") && shown.contains("END\n"))
        #expect(!shown.contains("…") && !shown.contains("sideways"))
        // As far as there is text, and no further on a wider screen.
        _ = panel.update(.key(.end), rows: 8, columns: 40)
        #expect(text(panel, rows: 8, columns: 40).contains("END\n"))
        #expect(text(panel, rows: 8, columns: 40).contains("10-14 of 14"))
        #expect(text(panel, rows: 8, columns: 400).contains("first"))
    }

    @Test func aTextIsFoundInAPage() {
        var (panel, _) = Panel.detail(of: api, isReadOnly: false)
        let lines = (1...208).map { "line \($0)" + ($0 % 60 == 7 ? " Needle k" : "") }
        panel.receive(.looked(.show, api, isPlan: false, lines: lines, hasFailed: false))
        #expect(press("/", &panel).isEmpty)
        #expect(text(panel).hasSuffix("\nFind:\n"))
        // Letters that are keys elsewhere are text here.
        #expect(press("needle k", &panel).isEmpty)
        #expect(text(panel).contains("Find: needle k") && text(panel).contains("1-21 of 208"))
        press([.function(3)], &panel)
        #expect(text(panel).contains("67-87 of 208"))
        press([.enter], &panel)
        #expect(text(panel).contains("Esc back"))
        press("n", &panel)
        #expect(text(panel).contains("127-147 of 208"))
        press("nn", &panel)
        #expect(text(panel).contains("7-27 of 208"))
        // What is not there is said, and a backspace takes it back.
        press("/none", &panel)
        #expect(text(panel).contains("not found"))
        press([.control("u")], &panel)
        #expect(!text(panel).contains("not found"))
        _ = panel.update(.paste("line 20\n8"), rows: 24, columns: 80)
        #expect(text(panel).contains("188-208 of 208"))
        press([.escape], &panel)
        #expect(!panel.isClosed)
        press([.escape], &panel)
        #expect(panel.isClosed)
    }

    @Test func linesAreWrappedBetweenWords() {
        let line = StyledLine("\u{1b}[1mapi (1234): TERM\u{1b}[0m runs its own handler; it runs on 누수누수누수")
        let wrapped = line.wrapped(to: 20)
        #expect(
            wrapped.map { $0.parts.map(\.text).joined() } == [
                "api (1234): TERM ", "runs its own ", "handler; it runs on ", "누수누수누수",
            ])
        #expect(wrapped[0].parts.first?.style == .strong)
        // A word is one, whatever its styles.
        let two = StyledLine("a \u{1b}[1mNAME\u{1b}[0m=value and more").wrapped(to: 10).map {
            $0.parts.map(\.text).joined()
        }
        #expect(two == ["a ", "NAME=value", "and more"] || two == ["a ", "NAME=value ", "and more"])
        #expect(line.wrapped(to: 200) == [line] && line.wrapped(to: 0) == [line])
        #expect(line.wrapped(to: 3).count > 8 && line.wrapped(to: 3).allSatisfy { $0.width <= 3 })
    }

    /// A nusu without the verb has no page for it.
    @Test func onlyPagesThatThereAre() {
        var (panel, _) = Panel.detail(of: api, tabs: [.show, .fds], isReadOnly: false)
        #expect(text(panel).contains("\n 1 show  2 fds\n"))
        #expect(press("37", &panel).isEmpty)
        #expect(press([.left], &panel) == [.look(.fds, api, isPlan: false)])
    }

    /// What a page looks like on three screens.
    @Test(arguments: [(24, 80), (40, 120), (12, 40)])
    func frames(_ rows: Int, _ columns: Int) {
        var (pages, _) = Panel.detail(of: api, isReadOnly: false)
        let show = [
            "\u{1b}[1mapi (1234) is asleep in epoll_wait, which is normal: woken 41 times a second.\u{1b}[0m", "",
            "  family     systemd(1) > containerd-shim(8801) > api(1234); no children, no zombies",
            "  state      S sleeping, since 12 ms, for 3 sockets and a timer; nobody holds it up",
        ]
        let lines = show + (5...30).map { "  line \($0)" }
        pages.receive(.looked(.show, api, isPlan: false, lines: lines, hasFailed: false))
        let summary = "S  3.1 % of a core  748M  9 threads  3-04:00:00"
        expectSnapshot(text(pages, rows: rows, columns: columns, summary: summary), "panel-show-\(columns)x\(rows).txt")
        var (variables, _) = Panel.detail(of: api, thread: worker, at: .environment, isReadOnly: false)
        let environment = [
            "\u{1b}[1mapi (1234) was started with 2 variables in its environment, 180 bytes.\u{1b}[0m", "",
            "\u{1b}[1mPATH\u{1b}[0m=" + (1...9).map { "/usr/lib/\($0)/bin" }.joined(separator: ":"),
            "\u{1b}[1mOPTIONS\u{1b}[0m=" + (1...12).map { "--number \($0)" }.joined(separator: " "),
        ]
        variables.receive(.looked(.environment, api, isPlan: false, lines: environment, hasFailed: false))
        expectSnapshot(
            text(variables, rows: rows, columns: columns, summary: summary), "panel-env-\(columns)x\(rows).txt")
        var (menu, _) = Panel.signals(to: [TopTarget(api), TopTarget(worker)], isReadOnly: false)
        menu.receive(.signals([signals(api, caught: [1, 15]), signals(worker)]))
        _ = menu.update(.resize(rows: rows, columns: columns), rows: rows, columns: columns)
        expectSnapshot(text(menu, rows: rows, columns: columns), "panel-signals-\(columns)x\(rows).txt")
        _ = menu.update(.key(.enter), rows: rows, columns: columns)
        expectSnapshot(text(menu, rows: rows, columns: columns), "panel-question-\(columns)x\(rows).txt")
    }

    // MARK: Signals

    @Test func aSignalIsSentOnlyAfterAYes() {
        var (panel, first) = Panel.signals(to: [TopTarget(api), TopTarget(worker)], isReadOnly: false)
        #expect(first == [.signals([api, worker])])
        #expect(press([.enter, .character("y")], &panel).isEmpty, "nothing is known of them yet")
        panel.receive(.signals([signals(api, caught: [15]), signals(worker)]))
        #expect(text(panel).hasPrefix(" Send TERM to 2 processes?\n"))
        press("n", &panel)
        let list = text(panel)
        #expect(list.hasPrefix(" Which signal to 2 processes?\n"))
        #expect(list.contains(" 9 KILL     each: ends it"))
        #expect(list.contains("15 TERM     1: runs its own handler; 1: ends it"))
        #expect(press("hup", &panel).isEmpty)
        #expect(press([.enter], &panel).isEmpty)
        let question = text(panel)
        #expect(question.hasPrefix(" Send HUP to 2 processes?\n"))
        #expect(question.contains(" api (1234)     ends it\n worker (1300)  ends it\n"))
        for key in [Key.enter, .escape, .character("n"), .character(" "), .tab] {
            #expect(press([key], &panel).isEmpty)
            #expect(text(panel).contains("Which signal"))
            #expect(press([.enter], &panel).isEmpty)
        }
        // A paste is no yes.
        #expect(panel.update(.paste("y"), rows: 24, columns: 80).isEmpty)
        #expect(press("y", &panel) == [.send(signal: 1, [api, worker])])
        #expect(press("y", &panel).isEmpty, "once")
        panel.receive(.sent(["Sent HUP to 2 of 2 processes: 2 ended."]))
        #expect(text(panel).contains("Sent HUP to 2 of 2 processes: 2 ended."))
        press([.enter], &panel)
        #expect(panel.isClosed)
    }

    @Test func aSignalIsFoundByNameAndNumber() {
        var (panel, _) = Panel.signals(to: [TopTarget(api)], isReadOnly: false)
        panel.receive(.signals([signals(api)]))
        for (typed, name) in [
            ("9", "KILL"), ("17", "CHLD"), ("sigusr1", "USR1"), ("kil", "KILL"), ("rtmin+2", "RTMIN+2"),
        ] {
            press(typed, &panel)
            press([.enter], &panel)
            #expect(text(panel).hasPrefix(" Send \(name) to api (1234)?\n"), "\(typed)")
            press([.escape], &panel)
        }
        // What goes on with no name begins another, after a no as well.
        press("usrterm", &panel)
        press([.enter], &panel)
        #expect(text(panel).hasPrefix(" Send TERM"))
        press("nkill", &panel)
        press([.enter], &panel)
        #expect(text(panel).hasPrefix(" Send KILL"))
        press([.escape], &panel)
        // What fits nothing is not taken.
        press("zzz", &panel)
        press([.home, .enter], &panel)
        #expect(text(panel).hasPrefix(" Send HUP"))
    }

    @Test func whoHasEndedGetsNothing() {
        var (panel, _) = Panel.signals(to: [TopTarget(api)], isReadOnly: false)
        panel.receive(.signals([signals(worker)]))
        #expect(text(panel).contains("Reading"), "an answer for others")
        panel.receive(.signals([]))
        #expect(text(panel).contains("It has ended."))
        #expect(press([.enter, .character("y")], &panel).isEmpty)
    }

    /// Any events and answers in any order, on any screen: nothing traps, and nothing is sent without a y.
    @Test func anyEventsAreSurvived() {
        var random = SystemRandomNumberGenerator()
        let keys: [Key] =
            [
                .up, .down, .left, .right, .home, .end, .pageUp, .pageDown, .enter, .tab, .backspace, .function(9),
                .delete,
            ]
            + "1234567890jkgGr<>khup+ wsxe/n".map { .character($0) } + [.function(3)]
        for _ in 0..<20 {
            var (panel, _) =
                Bool.random(using: &random)
                ? Panel.detail(of: api, isReadOnly: false)
                : Panel.signals(to: [TopTarget(api), TopTarget(worker)], isReadOnly: false)
            for _ in 0..<150 {
                let rows = Int.random(in: 1...30, using: &random)
                let columns = Int.random(in: 1...90, using: &random)
                let key = keys.randomElement(using: &random) ?? .up
                let event: InputEvent =
                    switch Int.random(in: 0..<8, using: &random) {
                    case 0: .mouse(row: .random(in: 0..<30), column: .random(in: 0..<90), .press)
                    case 1: .mouse(row: 1, column: 2, .wheelDown)
                    case 2: .resize(rows: rows, columns: columns)
                    default: .key(key)
                    }
                for request in panel.update(event, rows: rows, columns: columns) {
                    switch request {
                    case .look(let tab, let target, let isPlan):
                        let lines = (0..<Int.random(in: 0..<60, using: &random)).map { "\($0) 누수 \u{1b}[2mx" }
                        panel.receive(.looked(tab, target, isPlan: isPlan, lines: lines, hasFailed: false))
                    case .signals(let targets): panel.receive(.signals(targets.map { signals($0) }))
                    case .send: Issue.record("sent without a yes")
                    case .stopLooks: break
                    }
                }
                var frame = Frame(rows: rows, columns: columns)
                panel.draw(on: &frame, summary: "x")
            }
        }
    }
}
