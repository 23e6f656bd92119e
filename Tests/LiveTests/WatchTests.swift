import FoundationEssentials
import Glibc
import Testing

/// `nusu watch`: programs whose growth is known, and the end of one that runs out of memory.
extension LiveTests {
    @Suite(.serialized) struct WatchTests {
        /// The last line of `--json`.
        private struct Summary: Decodable {
            struct Trend: Decodable {
                let course: String
                let sure: Bool
                let perSecond: Double?
                let lowPerSecond: Double?
                let highPerSecond: Double?
            }
            struct Figure: Decodable {
                let first, last, lowest, highest: Double
                let trend: Trend
            }
            struct Ended: Decodable {
                let exitStatus, signal: Int?
                let outOfMemory: Bool
            }
            struct Forecast: Decodable { let seconds: Double }
            struct Limit: Decodable {
                let bytes: Int
                let forecast: Forecast
            }
            struct Process: Decodable {
                let pid: pid_t
                let residentBytes, anonymousBytes, heapBytes, descriptors, threads: Figure?
                let grows: [String]
                let samples: Int
                let limit: Limit?
                let ended: Ended?
            }
            struct Evidence: Decodable {
                let report: String
                let snapshot, problem: String?
            }
            struct Gap: Decodable { let what, reason: String }
            let schema, kind: String
            let grew: Bool
            let processes: [Process]
            let evidence: [Evidence]
            let gaps: [Gap]
        }

        private func watch(
            _ words: [String], as prefix: [String] = [], program: String = Surroundings.nusu
        ) throws -> (status: Int32, summary: Summary, lines: [Substring]) {
            try Self.parts(try run(prefix + [program, "watch", "--json", "--interval", "50ms"] + words))
        }

        private static func parts(_ outcome: Outcome) throws -> (status: Int32, summary: Summary, lines: [Substring]) {
            let lines = outcome.text.split(separator: "\n")
            let last = try #require(lines.last, "\(outcome.errors)")
            let summary = try JSONDecoder().decode(Summary.self, from: Data(last.utf8))
            #expect(summary.schema == "nusu.watch/1" && summary.kind == "summary")
            return (outcome.status, summary, lines)
        }

        /// Whether nusu comes to watch a process: it keeps files of it open. (Another it opens for a moment, to see who it is.)
        private func watches(_ nusu: pid_t, _ pid: pid_t) -> Bool {
            comesTrue { ProcessView(pid: nusu).links.values.contains("/proc/\(pid)/statm") }
        }

        // MARK: - Growth of known answer

        @Test func leak() throws {
            let demo = try Demo("nusu-demo", ["leaking", "\(4 << 20)"])
            let (status, summary, lines) = try watch(["\(demo.pid)", "--for", "2.5s"])
            #expect(status == 1 && summary.grew)
            let process = try #require(summary.processes.first)
            for figure in [process.residentBytes, process.anonymousBytes, process.heapBytes] {
                let trend = try #require(figure).trend
                #expect(trend.course == "grows" && trend.sure)
                // 4 MiB each second; the kernel counts pages in batches.
                #expect(abs((trend.perSecond ?? 0) / Double(4 << 20) - 1) < 0.15, "\(trend)")
            }
            #expect(process.grows == ["residentBytes", "anonymousBytes", "heapBytes"])
            #expect(process.descriptors?.trend.course == "steady")
            #expect(lines.count == process.samples + 1)
            #expect(demo.view.harm.isEmpty)
        }

        /// In four seconds it grows by 2 MiB, and varies by 1 MiB all the time.
        @Test func leakThatOnlyTheSlopeShows() throws {
            let demo = try Demo("nusu-demo", ["leaking-unseen", "\(512 << 10)"])
            usleep(300_000)
            let (status, summary, _) = try watch(["\(demo.pid)", "--for", "4s"])
            #expect(status == 1)
            let trend = try #require(summary.processes.first?.residentBytes).trend
            #expect(trend.course == "grows" && trend.sure)
            #expect((Double(256 << 10)...Double(1 << 20)).contains(trend.perSecond ?? 0), "\(trend)")
        }

        @Test(arguments: [("saw-tooth", "2s"), ("cache", "3s")]) func noLeak(_ name: String, _ time: String) throws {
            // There is something to be mistaken for a leak, if nusu begins before it is over.
            var span = 0.0
            for _ in 0..<5 where span <= Double(4 << 20) {
                let demo = try Demo("nusu-demo", [name])
                let (status, summary, _) = try watch(["\(demo.pid)", "--for", time])
                #expect(status == 0 && !summary.grew, "\(summary)")
                let figure = try #require(summary.processes.first?.residentBytes)
                span = figure.highest - figure.lowest
            }
            #expect(span > Double(4 << 20))
        }

        @Test func descriptors() throws {
            let demo = try Demo("nusu-demo", ["opening"])
            let (status, summary, _) = try watch(["\(demo.pid)", "--until-growth"])
            #expect(status == 1)
            let process = try #require(summary.processes.first)
            #expect(process.grows == ["descriptors"])
            #expect(abs((process.descriptors?.trend.perSecond ?? 0) - 50) < 12)
        }

        // MARK: - Real programs

        @Test(.enabled(if: installed("python3") != nil, "python3 is not installed"))
        func pythonBesideASleeper() throws {
            let text =
                "import time\nheld = []\nprint('ready', flush=True)\nwhile True:\n    held.append(bytearray(100000)); time.sleep(0.02)"
            let python = try Child(["python3", "-c", text])
            let sleeper = try Child(["sleep", "600"])
            #expect(ProcessView(pid: sleeper.pid).becomesQuiet())
            #expect(try python.readLine() == "ready")
            let (status, summary, _) = try watch(["\(sleeper.pid)", "\(python.pid)", "--for", "2.5s"])
            #expect(status == 1)
            #expect(summary.processes.map(\.pid) == [sleeper.pid, python.pid])
            #expect(summary.processes[0].grows.isEmpty)
            #expect(summary.processes[1].grows.contains("residentBytes"))
            let outcome = try run([Surroundings.nusu, "watch", "\(sleeper.pid)", "\(python.pid)", "--for", "0.3s"])
            #expect(outcome.text.hasPrefix("None of 2 processes surely grows"))
        }

        // MARK: - Commands and ends

        @Test func command() throws {
            let (status, summary, lines) = try watch(["--", "sh", "-c", "echo it runs; sleep 0.3; exit 7"])
            #expect(lines.contains("it runs"))
            #expect(status == 7)
            #expect(summary.processes.first?.ended?.exitStatus == 7)
            let text = try run([Surroundings.nusu, "watch", "--", "sh", "-c", "kill -TERM $$"])
            #expect(text.status == 128 + SIGTERM)
            #expect(text.text.contains("was ended by signal TERM"))
            // Its output is not nusu's, whose end is waited for.
            let sleeps = ["sh", "-c", "exec sleep 60 >/dev/null 2>&1"]
            let brief = try run([Surroundings.nusu, "watch", "--for", "0.1s", "--"] + sleeps)
            #expect(brief.text.contains("the command runs on"))
            #expect(try run([Surroundings.nusu, "watch", "--", "nusu-no-such-program"]).status == 64)
            #expect(try run([Surroundings.nusu, "watch"]).status == 64)
            #expect(try run([Surroundings.nusu, "watch", "1", "--", "true"]).status == 64)
        }

        @Test func targetThatEnds() throws {
            let child = try Child(["sleep", "60"])
            let nusu = try Child([Surroundings.nusu, "watch", "\(child.pid)", "--interval", "50ms"])
            #expect(watches(nusu.pid, child.pid))
            kill(child.pid, SIGKILL)
            let outcome = try nusu.finish(withinSeconds: 300)
            #expect(outcome.text.contains("ended"), "\(outcome.text)")
            #expect(!outcome.text.contains("out of memory"))
            #expect(outcome.status == 2)
        }

        /// Ctrl+C ends the watch with what it has seen; another signal too, and is told in the status.
        @Test(arguments: [SIGINT, SIGTERM]) func signals(_ signal: Int32) throws {
            let sleeper = try Child(["sleep", "60"])
            let nusu = try Child([Surroundings.nusu, "watch", "\(sleeper.pid)", "--interval", "50ms"])
            // So many looks that it can say something of them: after each it sleeps.
            #expect(watches(nusu.pid, sleeper.pid))
            #expect(
                comesTrue { ProcessView(pid: nusu.pid).status("voluntary_ctxt_switches").flatMap { Int($0) } ?? 0 > 40 }
            )
            kill(nusu.pid, signal)
            let outcome = try nusu.finish(withinSeconds: 300)
            #expect(outcome.text.contains("does not grow"), "\(outcome.text)")
            #expect(outcome.status == (signal == SIGINT ? 0 : 128 + signal))
            #expect(ProcessView(pid: sleeper.pid).harm.isEmpty)
        }

        // MARK: - Evidence

        @Test(.enabled(if: Surroundings.mayTrace, "ptrace is not permitted here"))
        func regularEvidence() throws {
            let demo = try Demo("nusu-demo", ["leaking"])
            let folder = try Surroundings.temporaryFolder() + "/kept"
            func look(for time: String) throws -> Summary {
                try watch([
                    "\(demo.pid)", "--for", time, "--save-every", "400ms", "--keep", "2", "--directory", folder,
                ]).summary
            }
            // On a busy machine a snapshot may take longer than that.
            var summary = try look(for: "2s")
            if summary.evidence.count < 2 { summary = try look(for: "30s") }
            #expect(summary.evidence.count == 2)
            for item in summary.evidence {
                let snapshot = try #require(item.snapshot, "\(item.problem ?? "")")
                #expect(try run([Surroundings.nusu, "heap", snapshot]).status == 0)
                var status = stat()
                #expect(stat(item.report, &status) == 0 && status.st_mode & 0o777 == 0o600)
                #expect(Surroundings.readFile(item.report)?.contains("Memory by what is mapped") ?? false)
            }
            #expect(try run(["ls", folder]).text.split(separator: "\n").count == 4)
            #expect(demo.view.harm.isEmpty)
        }

        @Test(
            .enabled(if: Surroundings.mayTrace, "ptrace is not permitted here"),
            .enabled(if: ControlGroup.mayMake("memory"), "no memory control group of version 1 can be made here"))
        func outOfMemory() throws {
            let group = try ControlGroup("memory")
            defer { group.remove() }
            try group.set("memory.limit_in_bytes", 32 << 20)
            // It begins when it is watched, however long nusu takes to do that.
            let begins = ["sh", "-c", "echo inside; read line; exec \"$@\"", "sh"]
            let demo = try Child(
                group.entry + begins + ["\(Surroundings.products)/nusu-demo", "leaking", "\(5 << 20)"])
            #expect(try demo.readLine() == "inside")
            let folder = try Surroundings.temporaryFolder()
            let words = ["--json", "--interval", "50ms", "\(demo.pid)", "--save-at", "50%", "--directory", folder]
            let nusu = try Child([Surroundings.nusu, "watch"] + words, capturesErrors: true)
            #expect(watches(nusu.pid, demo.pid))
            demo.write("\n")
            #expect(try demo.readLine() == "ready")
            let (status, summary, _) = try Self.parts(try nusu.finish(withinSeconds: 300))
            #expect(status == 1)
            let process = try #require(summary.processes.first)
            #expect(process.ended?.outOfMemory == true, "\(summary)")
            #expect(demo.poll() == 128 + SIGKILL)
            #expect(group.read("memory.oom_control")?.contains("oom_kill 1") ?? false)
            let evidence = try #require(summary.evidence.first)
            let report = try #require(Surroundings.readFile(evidence.report))
            #expect(report.contains("of its limit of 32.0 MiB") && report.contains(group.path))
            let snapshot = try #require(evidence.snapshot, "\(evidence.problem ?? "")")
            // What was lost by then is in it.
            #expect(try run([Surroundings.nusu, "leaks", snapshot]).status == 1)
        }

        // MARK: - Rights

        @Test(
            .enabled(if: Surroundings.isRoot && installed("setpriv") != nil, "changing the user needs root and setpriv")
        )
        func withoutRights() throws {
            let folder = try Surroundings.temporaryFolder()
            _ = try run(["cp", Surroundings.nusu, "\(folder)/nusu"])
            let demo = try Demo("nusu-demo", ["leaking"])
            let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            let (status, summary, _) = try watch(
                ["\(demo.pid)", "--for", "2s"], as: nobody, program: "\(folder)/nusu")
            #expect(status == 1)
            let process = try #require(summary.processes.first)
            #expect(process.grows == ["residentBytes", "anonymousBytes"])
            #expect(process.heapBytes == nil)
            #expect(summary.gaps.contains { $0.reason.contains("right to trace") })
        }
    }
}
