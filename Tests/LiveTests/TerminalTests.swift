import CLinux
import Glibc
import Testing

extension LiveTests {
    /// The terminal is given back as it was, whatever ends the program that took it.
    @Suite(.enabled(if: Tmux.isThere, "needs tmux"))
    struct TerminalRestoreTests {
        private static let program = "\(Surroundings.products)/Screen"

        /// A shell in a terminal, with the program started in it.
        private func start(_ shell: String = "exec sh") throws -> (terminal: Tmux, settings: String) {
            let terminal = try Tmux(shell)
            let settings = try terminal.settings()
            #expect(settings.contains("icanon"))
            try terminal.send("echo be\"fore\"; \(TerminalRestoreTests.program); echo left \"with\" $?", "Enter")
            try terminal.waits(for: "screen 80x24")
            #expect(try terminal.fact("alternate_on") == "1")
            #expect(try terminal.fact("cursor_flag") == "0")
            #expect(try terminal.fact("mouse_any_flag") == "1")
            return (terminal, settings)
        }

        private func expectGivenBack(_ terminal: Tmux, _ settings: String, showing before: String = "before") throws {
            // What stood there before stands there again.
            try terminal.waits(for: before)
            #expect(try terminal.fact("alternate_on") == "0")
            #expect(try terminal.fact("cursor_flag") == "1")
            #expect(try terminal.fact("mouse_any_flag") == "0")
            #expect(try terminal.fact("keypad_flag") == "0")
            #expect(try terminal.settings() == settings)
        }

        @Test(arguments: [
            ("q", "left with 0"), ("x", "left with 3"), ("t", "left with 13"), ("s", "left with 139"),
            ("a", "left with 134"),
        ])
        func onEveryWayOut(_ key: String, _ left: String) throws {
            let (terminal, settings) = try start()
            try terminal.send("e")
            try terminal.waits(for: "(\"e\")")
            #expect(try !terminal.screen().contains("said meanwhile"))
            try terminal.send(key)
            try terminal.waits(for: left)
            // What would have destroyed the screen stands below it now, and so do the last words of a trap.
            #expect(try terminal.screen().contains("said meanwhile"))
            if key == "t" { #expect(try terminal.screen().contains("trapped as it was told to")) }
            try expectGivenBack(terminal, settings)
        }

        @Test(arguments: [
            ("TERM", 143), ("HUP", 129), ("QUIT", 131), ("INT", 130), ("SEGV", 139), ("BUS", 135), ("ALRM", 142),
        ])
        func bySignals(_ signal: String, _ status: Int) throws {
            let (terminal, settings) = try start()
            _ = try run(["kill", "-\(signal)", try pid(terminal)])
            try terminal.waits(for: "left with \(status)")
            try expectGivenBack(terminal, settings)
        }

        /// The guard does it, for a shell that does nothing about its terminal as for one that does.
        @Test(arguments: ["exec sh", "exec bash --norc --noprofile"])
        func afterAKill(_ shell: String) throws {
            guard shell == "exec sh" || installed("bash") != nil else { return }
            let (terminal, settings) = try start(shell)
            let program = try pid(terminal)
            let guardian = try #require(try Tmux.guardian(of: program))
            _ = try run(["kill", "-KILL", program])
            // The guard was quicker than the shell: a line on the other screen would be gone with that.
            try terminal.waits(for: "left with 137")
            try expectGivenBack(terminal, settings)
            #expect(comesTrue { [nil, "Z"].contains(guardian.state) }, "the guard is gone too")
        }

        @Test func byTheKeyOfAShellThatStopsIt() throws {
            let (terminal, settings) = try start("exec bash --norc --noprofile")
            let own = try pid(terminal)
            for _ in 0..<2 {
                try terminal.send("C-z")
                try expectGivenBack(terminal, settings, showing: "Stopped")
                try terminal.send("fg", "Enter")
                try terminal.waits(for: "screen 80x24")
                #expect(try terminal.fact("alternate_on") == "1")
            }
            // Stopped by somebody else, and let go on in the background: it takes nothing until it is in front.
            _ = try run(["kill", "-STOP", own])
            try terminal.waits(for: "Stopped")
            // The shell has to hear of the stop in the background: to a job that it takes to be running fg says nothing.
            try terminal.send("bg; until grep -q '^State:.T' /proc/\(own)/status; do :; done; fg", "Enter")
            try terminal.waits(for: "screen 80x24")
            try terminal.send("C-c")
            try expectGivenBack(terminal, settings, showing: "fg")
        }

        @Test func aProgramThatHearsNothingEndsByASecondKey() throws {
            let (terminal, settings) = try start()
            try terminal.send("l")
            try terminal.waits(for: "hears nothing")
            try terminal.send("C-c")
            usleep(100_000)
            try terminal.send("C-c")
            try expectGivenBack(terminal, settings)
        }

        /// Closed, the terminal says so once.
        @Test func aProgramThatHearsNothingEndsWithItsTerminal() throws {
            var terminal: Tmux? = try start().terminal
            try terminal?.send("l")
            try terminal?.waits(for: "hears nothing")
            let program = ProcessView(pid: try #require(try terminal.flatMap { pid_t(try pid($0)) }))
            #expect(program.state != nil)
            terminal = nil
            #expect(comesTrue { [nil, "Z"].contains(program.state) })
        }

        @Test func keysMouseAndSizeComeIn() throws {
            let (terminal, _) = try start()
            try terminal.send("F5", "Up", "Enter", "Tab", "PageDown", "M-y", "BTab")
            for text in ["function(5)", "up", "enter", "tab", "pageDown", "escape", "(\"y\")", "backTab"] {
                try terminal.waits(for: text)
            }
            try terminal.sendRaw("\u{1b}[<0;11;5M")
            try terminal.waits(for: "mouse(row: 4, column: 10")
            try terminal.sendRaw("\u{1b}[200~kill\u{1b}[201~")
            try terminal.waits(for: "paste(\"kill\")")
            try terminal.send("Escape")
            try terminal.waits(for: "key(Terminal.Key.escape)")
            try terminal.resize(rows: 12, columns: 40)
            try terminal.waits(for: "screen 40x12")
            #expect(try comesTrue { try terminal.screen().hasSuffix("end\n") })
            try terminal.resize(rows: 40, columns: 120)
            try terminal.waits(for: "screen 120x40")
            #expect(try comesTrue { try terminal.screen().hasSuffix("end\n") })
        }

        /// No database, no UTF-8, no colours: each by what the environment says.
        @Test func terminalsThatCanLess() throws {
            let plain = try Tmux(
                "TERMINFO=/nowhere TERMINFO_DIRS=/nowhere HOME=/nowhere TERM=vt100 LC_ALL=C NO_COLOR=1 \(TerminalRestoreTests.program)"
            )
            try plain.waits(for: "screen 80x24 ???? |- _-#")
            let isColored = try ["[30m", "[31m", "[32m", "[36m", "[42m", "[46m"].contains(
                where: plain.screen("-e").contains)
            #expect(!isColored)
            let unknown = try Tmux("TERM=tmux-256color-of-nobody \(TerminalRestoreTests.program)")
            try unknown.waits(for: "screen 80x24 누수 ├─ ▁▄█")
            #expect(try unknown.fact("alternate_on") == "1")
            #expect(try comesTrue { try unknown.screen("-e").contains("[36m") })
            let dumb = try Tmux("TERM=dumb \(TerminalRestoreTests.program); read x")
            try dumb.waits(for: "cannot place a cursor")
            let outcome = try run([TerminalRestoreTests.program])
            #expect(outcome.status == 64 && outcome.text.contains("needs a terminal"))
        }

        /// Only where the terminal says what is behind its letters are colours used that suit one ground alone.
        @Test(arguments: [("ffff/fdfd/e8e8", "38;5;25m"), ("1e1e/1e1e/2e2e", "38;5;81m")])
        func coloursSuitTheBackground(_ answer: String, _ accent: String) throws {
            var ends: [Int32] = [-1, -1]
            try #require(clinux_terminal_pair(&ends) == 0)
            defer { close(ends[0]) }
            defer { close(ends[1]) }
            let name = String(cString: try #require(ttyname(ends[1])))
            let child = try Child(
                [
                    "env", "-u", "COLORFGBG", "-u", "COLORTERM", "sh", "-c",
                    "exec \(TerminalRestoreTests.program) <\(name) >\(name)",
                ],
                environment: ["TERM": "xterm-256color", "LC_ALL": "C.UTF-8", "NO_COLOR": ""])
            var shown: [UInt8] = []
            func shows(_ text: String) -> Bool {
                comesTrue {
                    var entry = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
                    var chunk = [UInt8](repeating: 0, count: 1 << 14)
                    while poll(&entry, 1, 0) > 0, entry.revents & Int16(POLLIN) != 0 {
                        let count = read(ends[0], &chunk, chunk.count)
                        guard count > 0 else { break }
                        shown += chunk[..<count]
                    }
                    return String(decoding: shown, as: UTF8.self).contains(text)
                }
            }
            #expect(shows("\u{1b}]11;?"))
            #expect(shows("accent"))
            #expect(!String(decoding: shown, as: UTF8.self).contains("38;5;"))
            let bytes = Array("\u{1b}]11;rgb:\(answer)\u{1b}\\".utf8)
            #expect(write(ends[0], bytes, bytes.count) == bytes.count)
            #expect(shows(accent))
            #expect(write(ends[0], "q", 1) == 1)
            #expect(shows("\u{1b}[?1049l"))
            #expect(comesTrue { child.poll() == 0 })
        }

        private func pid(_ terminal: Tmux) throws -> String {
            let shell = try terminal.fact("pane_pid")
            let found = try run(["pgrep", "-P", shell, "-x", "Screen"]).text
            return String(try #require(found.split(separator: "\n").first))
        }
    }
}
