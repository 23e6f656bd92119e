import Glibc
import Testing

extension LiveTests {
    /// The live screen, driven in a real terminal.
    @Suite(.enabled(if: Tmux.isThere, "needs tmux"))
    struct TopScreenTests {
        /// The program's name as the kernel keeps it.
        private static let name = String(Surroundings.nusu.split(separator: "/").last?.prefix(15) ?? "")

        /// A shell with `nusu top` in it, of nobody's settings; `before` is what the terminal was.
        private func start(_ options: String = "", rows: Int = 30, columns: Int = 100) throws -> (Tmux, before: String)
        {
            let terminal = try Tmux(
                rows: rows, columns: columns, environment: ["XDG_CONFIG_HOME": try Surroundings.temporaryFolder()])
            let before = try terminal.settings()
            try terminal.send("\(Surroundings.nusu) top \(options)", "Enter")
            try terminal.waits(for: "Quit")
            try terminal.waits(for: "COMMAND")
            return (terminal, before)
        }

        private func filter(_ condition: String, _ terminal: Tmux) throws {
            try terminal.send("\\")
            // What stood there goes first.
            try terminal.send("C-u")
            try terminal.send("-l", condition)
            try terminal.send("Enter")
        }

        private func firstRow(_ terminal: Tmux) throws -> Substring {
            let lines = try terminal.screen().split(separator: "\n")
            guard let header = lines.firstIndex(where: { $0.contains("COMMAND") }), header + 1 < lines.count else {
                return ""
            }
            let rows = lines[(header + 1)...].map { $0.drop { $0 == " " } }
            // Number 0 stands for what a container does not see, where that is much.
            return rows.first { !$0.hasPrefix("0 ") } ?? ""
        }

        @Test func sortsFiltersAndShowsFamilies() throws {
            let (terminal, before) = try start()
            #expect(try terminal.screen().split(separator: "\n").first?.contains("processes") == true)
            try terminal.send("N")
            #expect(try comesTrue { try firstRow(terminal).hasPrefix("1 ") }, "\((try? terminal.screen()) ?? "")")
            try terminal.send("I")
            #expect(try comesTrue { try !firstRow(terminal).hasPrefix("1 ") })
            let demo = try Demo("nusu-demo", ["rings"])
            try filter("pid==\(demo.pid)", terminal)
            #expect(try comesTrue { try firstRow(terminal).hasPrefix("\(demo.pid) ") })
            try terminal.send("t")
            // Who started it is shown with it.
            try terminal.waits(for: "─ ")
            for (rows, columns) in [(12, 40), (24, 80), (40, 120), (3, 20)] {
                try terminal.resize(rows: rows, columns: columns)
                let shown = try comesTrue {
                    let lines = try terminal.screen().split(separator: "\n", omittingEmptySubsequences: false)
                    return lines.count == rows + 1 && lines.contains { $0.contains("process") }
                }
                #expect(shown, "\(rows)x\(columns)")
            }
            try terminal.resize(rows: 30, columns: 100)
            try terminal.send("q")
            #expect(try comesTrue { try terminal.fact("alternate_on") == "0" })
            #expect(try terminal.settings() == before)
        }

        @Test(.enabled(if: Surroundings.mayTrace, "may not look into other processes"))
        func looksIntoAProcessAndEndsIt() throws {
            let demo = try Demo("nusu-demo", ["rings"])
            let (terminal, before) = try start("--where pid==\(demo.pid)")
            try terminal.waits(for: "\(demo.pid) ")
            try terminal.send("Enter")
            try terminal.waits(for: " nusu-demo (\(demo.pid))  ")
            try terminal.waits(for: "family")
            try terminal.send("2")
            try terminal.waits(for: "Would look into nusu-demo (\(demo.pid))")
            try terminal.send("Enter")
            try terminal.waits(for: "= smaps")
            for (page, text) in [("3", "high addresses"), ("4", "descriptors open"), ("6", "ends it")] {
                try terminal.send(page)
                try terminal.waits(for: text)
            }
            try terminal.send("5")
            try terminal.waits(for: "Enter: look now.")
            try terminal.send("Enter")
            try terminal.waits(for: "cycle of blocks")
            // A page that was read still stands there.
            try terminal.send("Left")
            try terminal.waits(for: "descriptors open")
            try terminal.send("k")
            try terminal.waits(for: "Which signal to nusu-demo (\(demo.pid))?")
            try terminal.send("-l", "usr1")
            try terminal.send("Enter")
            try terminal.waits(for: "Send USR1 to nusu-demo")
            try terminal.send("n")
            try terminal.send("-l", "term")
            try terminal.send("Enter")
            try terminal.waits(for: "y sends TERM")
            #expect(ProcessView(pid: demo.pid).state != nil)
            try terminal.send("y")
            try terminal.waits(for: "ended after")
            try terminal.send("Enter")
            try terminal.waits(for: "has ended")
            try terminal.send("Escape")
            try terminal.waits(for: "COMMAND")
            try terminal.send("q")
            #expect(try comesTrue { try terminal.fact("alternate_on") == "0" })
            #expect(try terminal.settings() == before)
        }

        /// Who goes away from a look ends it, and leaves the process as it was.
        @Test(.enabled(if: Surroundings.mayTrace, "may not look into other processes"))
        func aLookThatNobodyWaitsForEnds() throws {
            let demo = try Demo("nusu-demo", ["million"])
            let (terminal, _) = try start("--where pid==\(demo.pid)")
            try terminal.waits(for: "\(demo.pid) ")
            try terminal.send("L")
            try terminal.waits(for: "Enter: look now.")
            try terminal.send("Enter")
            // Nobody's but this screen's.
            let top = try #require(
                try run(["pgrep", "-P", terminal.fact("pane_pid"), "-x", Self.name]).text.split(separator: "\n").first)
            let look = { try run(["pgrep", "-P", String(top), "-x", Self.name]).text.split(separator: "\n").first }
            #expect(try comesTrue { try look() != nil })
            try terminal.send("Escape")
            try terminal.waits(for: "COMMAND")
            #expect(try comesTrue { try look() == nil })
            #expect(comesTrue { demo.view.state != "T" && demo.view.state != "t" && !demo.view.isTraced })
            #expect(demo.poll() == nil)
        }

        @Test func makesAProcessNicerWhenThatWasAgreedTo() throws {
            let demo = try Demo("nusu-demo", ["rings"])
            let nice = { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), UInt32(demo.pid)) }
            let before = nice()
            let (terminal, _) = try start("--where pid==\(demo.pid)")
            try terminal.waits(for: "\(demo.pid) ")
            try terminal.send("F8", "F8", "F8")
            try terminal.waits(for: "Nice of nusu-demo (\(demo.pid)): \(before) -> \(before + 3)")
            #expect(nice() == before)
            try terminal.send("Enter")
            try terminal.waits(for: "is \(before + 3) now")
            #expect(nice() == before + 3)
        }

        @Test func threadsAreShownAndOneOfThemMadeNicer() throws {
            let demo = try Demo("nusu-demo", ["churn", "2"])
            let threads = demo.view.threads.sorted()
            let nice = { (thread: pid_t) in
                getpriority(__priority_which_t(PRIO_PROCESS.rawValue), UInt32(thread))
            }
            let before = nice(demo.pid)
            let (terminal, settings) = try start("--where pid==\(demo.pid) --sort pid")
            try terminal.waits(for: "\(demo.pid) ")
            try terminal.send("H")
            try terminal.waits(for: "of nusu-demo (\(demo.pid))")
            for thread in threads { try terminal.waits(for: "\(thread) ") }
            try terminal.send("-l", "\(threads[2])")
            try terminal.send("F8")
            try terminal.waits(for: "Nice of thread nusu-demo (\(threads[2])): \(before) -> \(before + 1)")
            try terminal.send("Enter")
            try terminal.waits(for: "is \(before + 1) now")
            #expect(threads.map(nice) == [before, before, before + 1])
            try terminal.send("k")
            try terminal.waits(for: "\(threads[2]) is one of its threads")
            try terminal.send("Escape")
            try terminal.send("t")
            try terminal.waits(for: "├─ nusu-demo")
            // The next start knows it.
            try terminal.send("q")
            #expect(try comesTrue { try terminal.fact("alternate_on") == "0" })
            #expect(try terminal.settings() == settings)
            try terminal.send("\(Surroundings.nusu) top --where pid==\(demo.pid)", "Enter")
            try terminal.waits(for: "├─ nusu-demo")
        }

        @Test func showsPartsAndChangesPriorities() throws {
            let demo = try Demo("nusu-demo", ["rings"], environment: ["NUSU_WORD": String(repeating: "x", count: 150)])
            let (terminal, settings) = try start("--where pid==\(demo.pid)", rows: 24, columns: 80)
            try terminal.waits(for: "\(demo.pid) ")
            for (key, text) in [
                ("e", "variables in its environment"), ("w", "\(Surroundings.products)/nusu-demo rings"),
                ("x", "has no lock of a file"),
                ("s", "nothing was traced"),
            ] {
                try terminal.send(key)
                try terminal.waits(for: text)
                // Wrapped, not cut.
                if key == "e" {
                    try terminal.send("G")
                    try terminal.waits(for: "NUSU_WORD")
                    try terminal.waits(for: "\n" + String(repeating: "x", count: 80) + "\n")
                }
                try terminal.send("Escape")
                try terminal.waits(for: "COMMAND")
            }
            let policy = sched_getscheduler(demo.pid)
            try terminal.send("Y")
            try terminal.waits(for: "Policy of ")
            try terminal.send("Down")
            try terminal.waits(for: "normal -> batch")
            #expect(sched_getscheduler(demo.pid) == policy)
            try terminal.send("Enter")
            try terminal.waits(for: "policy of nusu-demo (\(demo.pid)) is batch now")
            // SCHED_BATCH
            #expect(sched_getscheduler(demo.pid) == 3)
            try terminal.send("i")
            try terminal.waits(for: "by niceness -> by niceness")
            try terminal.send("End", "Enter")
            try terminal.waits(for: "I/O of nusu-demo (\(demo.pid)) is served idle now")
            #expect(try run(["ionice", "-p", "\(demo.pid)"]).text.hasPrefix("idle"))
            try terminal.send("#")
            #expect(try comesTrue { try terminal.screen().split(separator: "\n")[1].contains("COMMAND") })
            try terminal.send("q")
            #expect(try comesTrue { try terminal.fact("alternate_on") == "0" })
            #expect(try terminal.settings() == settings)
        }

        private func list(_ pid: pid_t, _ thread: pid_t) -> String {
            let status = Surroundings.readFile("/proc/\(pid)/task/\(thread)/status") ?? ""
            return status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
                .map { String($0.dropFirst("Cpus_allowed_list:\t".count)) } ?? ""
        }

        @Test(.enabled(if: sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1, "there is only one processor"))
        func movesAProcessAndOneOfItsThreadsToOtherProcessors() throws {
            let demo = try Demo("nusu-demo", ["rings"])
            let threads = try Demo("nusu-demo", ["churn", "2"])
            let numbers = threads.view.threads.sorted()
            let before = list(threads.pid, numbers[0])
            let (terminal, _) = try start("--where 'pid==\(demo.pid) || pid==\(threads.pid)'", rows: 24, columns: 80)
            try terminal.waits(for: "\(threads.pid) ")
            try terminal.send("-l", "\(threads.pid)")
            try terminal.send("a")
            try terminal.waits(for: "CPUs of ")
            try terminal.waits(for: "\(before) -> \(before), all its 3 threads")
            try terminal.send("0", "Space")
            try terminal.waits(for: "[ ] 0")
            // Nothing yet.
            #expect(numbers.map { list(threads.pid, $0) } == Array(repeating: before, count: 3))
            try terminal.send("Enter")
            try terminal.waits(for: "nusu-demo (\(threads.pid)) runs on ")
            let after = list(threads.pid, numbers[0])
            #expect(after != before && !after.hasPrefix("0"))
            #expect(numbers.map { list(threads.pid, $0) } == Array(repeating: after, count: 3))
            // One thread has its own.
            try terminal.send("H")
            try terminal.waits(for: "of nusu-demo (\(threads.pid))")
            try terminal.send("-l", "\(numbers[1])")
            try terminal.send("a")
            try terminal.waits(for: "this thread alone")
            try terminal.send("Space", "Enter")
            try terminal.waits(for: "runs on \(before) now")
            #expect(numbers.map { list(threads.pid, $0) } == [after, before, after])
            try terminal.send("-l", "\(threads.pid)")
            try terminal.send("H", "a")
            try terminal.waits(for: "[-] 0")
            try terminal.send("Escape")
            #expect(numbers.map { list(threads.pid, $0) } == [after, before, after])
        }

        @Test(
            .enabled(if: Surroundings.isRoot && installed("setpriv") != nil, "changing the user needs root and setpriv")
        )
        func doesNotMoveProcessesOfOthers() throws {
            let demo = try Demo("nusu-demo", ["rings"])
            let before = list(demo.pid, demo.pid)
            let copy = "\(try Surroundings.temporaryFolder())/nusu"
            _ = try run(["cp", Surroundings.nusu, copy])
            let terminal = try Tmux(
                "exec setpriv --reuid 65534 --regid 65534 --clear-groups \(copy) top --where pid==\(demo.pid)")
            try terminal.waits(for: "\(demo.pid) ")
            try terminal.send("a")
            try terminal.waits(for: "CPUs of ")
            try terminal.send("0", "Space", "Enter")
            try terminal.waits(for: "nusu-demo (\(demo.pid)) is another user's; root may change it")
            #expect(list(demo.pid, demo.pid) == before)
        }

        /// What is written to memory alone is no I/O.
        private static let hasStorage: Bool = {
            guard let folder = try? Surroundings.temporaryFolder(),
                let kind = try? run(["stat", "-f", "-c", "%T", folder]).text
            else { return false }
            return !kind.hasPrefix("tmpfs") && !kind.hasPrefix("ramfs")
        }()

        @Test(.enabled(if: hasStorage, "temporary files lie in memory here"))
        func turnsToWhoReadsAndWrites() throws {
            let path = "\(try Surroundings.temporaryFolder())/written"
            let writer = try Child([
                "python3", "-c",
                """
                import os, sys, time
                file = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY)
                while True:
                    os.pwrite(file, b"x" * 300000, 0); os.fsync(file); time.sleep(0.05)
                """, path,
            ])
            let (terminal, before) = try start("--where pid==\(writer.pid)", rows: 24, columns: 80)
            try terminal.waits(for: "\(writer.pid) ")
            try terminal.waits(for: "[Main] I/O")
            try terminal.send("Tab")
            try terminal.waits(for: "IO/s▼")
            let columns = { try firstRow(terminal).split(separator: " ") }
            // PID, USER, IO, IO/s, READ/s, WRITE/s.
            let isShown = try comesTrue(withinSeconds: 10) {
                let row = try columns()
                guard row.count > 5, row[2] == "B4" else { return false }
                return [row[3], row[5]].allSatisfy { $0.hasSuffix("M") || $0.hasSuffix("K") }
            }
            #expect(isShown)
            try terminal.send("BTab")
            try terminal.waits(for: "%CPU")
            try terminal.send("q")
            #expect(try comesTrue { try terminal.fact("alternate_on") == "0" })
            #expect(try terminal.settings() == before)
            let once = try run([Surroundings.nusu, "top", "--once", "--io", "--where", "pid==\(writer.pid)"]).text
            #expect(once.contains("WRITE/s") && !once.contains("[I/O]"))
            let document = try run([Surroundings.nusu, "top", "--once", "--io", "--json"]).text
            #expect(document.contains("\"ioPriority\":\"B4\"") && document.contains("\"ioBytesPerSecond\":"))
        }

        @Test func aReadOnlyScreenStopsAndSendsNothing() throws {
            let demo = try Demo("nusu-demo", ["rings"])
            let (terminal, _) = try start("--read-only --where pid==\(demo.pid)", rows: 24, columns: 80)
            try terminal.waits(for: "\(demo.pid) ")
            try terminal.send("k")
            try terminal.waits(for: "--read-only")
            for key in ["i", "Y", "a", "F8"] {
                try terminal.send(key)
                try terminal.waits(for: "--read-only: nothing is changed")
                try terminal.send("C-l")
            }
            try terminal.send("L")
            try terminal.waits(for: "This screen is read-only")
            try terminal.send("k")
            try terminal.waits(for: "What signals would do to nusu-demo (\(demo.pid)) (read-only)")
            try terminal.send("Enter", "y")
            try terminal.send("Escape", "Escape")
            try terminal.waits(for: "COMMAND")
            #expect(ProcessView(pid: demo.pid).state != nil)
        }

        /// Killed in the middle of everything, it leaves a terminal that can be used, and nothing that runs.
        @Test func leavesATerminalThatCanBeUsedAfterAKill() throws {
            let (terminal, before) = try start()
            let shell = try terminal.fact("pane_pid")
            let found = try run(["pgrep", "-P", shell, "-x", Self.name]).text
            let top = try #require(found.split(separator: "\n").first.map(String.init))
            let guardian = try #require(try Tmux.guardian(of: top))
            _ = try run(["kill", "-KILL", top])
            #expect(try comesTrue { try terminal.fact("alternate_on") == "0" })
            #expect(try terminal.settings() == before)
            // Whoever is process 1 may take its time to wait for it.
            #expect(comesTrue { guardian.hasEnded })
        }
    }
}
