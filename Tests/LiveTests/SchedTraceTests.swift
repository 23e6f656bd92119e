import Capture
import FoundationEssentials
import Glibc
import Model
import Testing

/// `nusu sched trace` as a user meets it: rights, ends, statuses, files.
extension LiveTests {
    @Suite struct SchedTraceTests {
        /// The parts of nusu.sched/1 that are read here.
        struct Document: Decodable {
            struct Thread: Decodable {
                let pid: Int32
                let tid: Int32
                let command: String
                let runSeconds: Double?
                let waitSeconds: Double?
                let voluntarySwitches: Int?
                let involuntarySwitches: Int?
            }
            struct Gap: Decodable {
                let what: String
                let reason: String
            }
            let schema: String
            let seconds: Double
            let source: String
            let lost: Int
            let threads: [Thread]
            let gaps: [Gap]
        }

        static let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        static let filtered = "\(Surroundings.products)/Filtered"
        static let spin = "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done"

        static func trace(
            _ arguments: [String], as before: [String] = [], program: String = Surroundings.nusu
        ) throws -> (outcome: Outcome, document: Document) {
            let outcome = try run(before + [program, "sched", "trace", "--json"] + arguments)
            let document = try JSONDecoder().decode(Document.self, from: Data(outcome.output))
            return (outcome, document)
        }

        // MARK: - Commands

        @Test func statusOfTheCommandIsPassedOn() throws {
            #expect(try Self.trace(["--", "sh", "-c", "exit 7"]).outcome.status == 7)
            #expect(try Self.trace(["--", "sh", "-c", "kill -TERM $$"]).outcome.status == 128 + 15)
            let (outcome, document) = try Self.trace(["--", "sh", "-c", Self.spin])
            #expect(outcome.status == 0 && document.lost == 0)
            #expect(document.threads.contains { $0.command == "sh" && ($0.runSeconds ?? 0) > 0.001 })
        }

        @Test func missingCommandsAreRefused() throws {
            let outcome = try run([Surroundings.nusu, "sched", "trace", "--", "/nowhere/program"])
            #expect(outcome.status == 64 && outcome.errors.contains("cannot run '/nowhere/program'"))
            for wrong in [[], ["1", "--all"], ["--all", "--for", "0"], ["--all", "--save-limit", "1K"]] {
                let outcome = try run([Surroundings.nusu, "sched", "trace"] + wrong)
                #expect(outcome.status == 64, "\(wrong)")
            }
        }

        @Test func interruptGoesToTheCommandFirst() throws {
            let child = try Child(
                [
                    Surroundings.nusu, "sched", "trace", "--json", "--", "sh", "-c",
                    "trap 'exit 5' INT; echo ready; while :; do :; done",
                ])
            #expect(try child.readLine() == "ready")
            kill(child.pid, SIGINT)
            #expect(try child.finish(withinSeconds: 300).status == 5)
        }

        // MARK: - Ends

        @Test func targetThatEndsEndsTheTrace() throws {
            let target = try Child(["sleep", "600"])
            let nusu = try Child(
                [Surroundings.nusu, "sched", "trace", "\(target.pid)", "--for", "500s", "--json"], capturesErrors: true)
            // It reads what there is some times a second, and sleeps.
            #expect(ProcessView(pid: nusu.pid).becomesQuiet())
            target.end()
            let outcome = try nusu.finish(withinSeconds: 300)
            let document = try JSONDecoder().decode(Document.self, from: Data(outcome.output))
            #expect(outcome.status == 0 || outcome.status == 2)
            #expect(document.seconds < 300)
        }

        @Test func killedInTheMiddleTheTargetRunsOn() throws {
            let target = try SwitchTraceTests.busy()
            for delay: UInt32 in [30_000, 400_000] {
                let nusu = try Child([Surroundings.nusu, "sched", "trace", "\(target.pid)", "--for", "30s"])
                usleep(delay)
                nusu.end()
                let view = ProcessView(pid: target.pid)
                #expect(view.harm.isEmpty && view.state == "R", "\(view.harm)")
            }
        }

        @Test func killedInTheMiddleTheCommandRunsOn() throws {
            let file = try TemporaryFile("done")
            let nusu = try Child([
                Surroundings.nusu, "sched", "trace", "--", "sh", "-c", "sleep 0.6; touch \(file.path)",
            ])
            let command = comesTrue {
                ProcessView(pid: nusu.pid).children.contains { ProcessView(pid: $0).status("Name") == "sh" }
            }
            #expect(command)
            nusu.end()
            #expect(comesTrue { access(file.path, F_OK) == 0 })
        }

        // MARK: - Rights

        @Test func withoutRecordsTheCountersAreShown() throws {
            let target = try SwitchTraceTests.busy(SwitchTraceTests.onFirstCore)
            for rule in ["no-perf", "perf-refused"] {
                let before = try ThreadCounters(target.pid)
                let (outcome, document) = try Self.trace(
                    ["\(target.pid)", "--for", "600ms"], as: [Self.filtered, rule, "--"])
                let counted = try ThreadCounters(target.pid).since(before)
                #expect(outcome.status == 2)
                #expect(document.gaps.contains { $0.reason.contains("perf_event_open") }, "\(document.gaps)")
                let thread = try #require(document.threads.first { $0.tid == target.pid })
                let run = try #require(thread.runSeconds)
                #expect(run > 0 && run <= counted.runSeconds && thread.waitSeconds != nil, "\(run) \(counted)")
                #expect(try #require(thread.involuntarySwitches) <= counted.involuntary)
            }
        }

        /// Programs at the scheduler's hooks and perf's records tell the same.
        @Test(
            .enabled(if: hasSwitchRecords, "records of all cores need CAP_PERFMON or kernel.perf_event_paranoid=0"),
            arguments: [[], ["no-bpf"]])
        func bothSourcesOfAllCoresAgreeWithTheKernel(rules: [String]) throws {
            // Two, so that each is pushed off the core however idle the machine is.
            let partner = try SwitchTraceTests.busy(SwitchTraceTests.onFirstCore)
            let target = try SwitchTraceTests.busy(SwitchTraceTests.onFirstCore)
            defer { for child in [partner, target] { child.end() } }
            // Until it first leaves or gets a core nothing is known of it: a slice, and on a busy machine now and then several.
            var unknown = Double.infinity
            for _ in 0..<5 where unknown > 0.1 { unknown = try unknownSeconds(of: target.pid, rules) }
            #expect(unknown < 0.1)
        }

        /// Traces a program that never blocks, and compares with what the kernel counts of it.
        /// - Returns: for how long neither its running nor its waiting is told.
        private func unknownSeconds(of target: pid_t, _ rules: [String]) throws -> Double {
            let before = try ThreadCounters(target)
            let (outcome, document) = try Self.trace(
                ["\(target)", "--for", "1s"], as: rules.isEmpty ? [] : [Self.filtered] + rules + ["--"])
            let counted = try ThreadCounters(target).since(before)
            #expect(document.lost == 0 && document.source == "cpu-wide")
            if hasMachineNumbers {
                #expect(outcome.status == 0 && document.gaps.isEmpty, "\(outcome.status) \(document.gaps)")
            } else {
                let areOfTheContainer = document.gaps.allSatisfy { $0.reason.contains("container") }
                #expect(outcome.status == 2 && document.gaps.count == 2 && areOfTheContainer, "\(document.gaps)")
            }
            let thread = try #require(document.threads.first { $0.tid == target })
            let (run, wait) = try (#require(thread.runSeconds), #require(thread.waitSeconds))
            let pushed = try #require(thread.involuntarySwitches)
            // The counters are read before nusu starts and after its end; what was stolen of a guest's core may count as run here.
            #expect(pushed > 0 && pushed <= counted.involuntary, "\(pushed) \(counted)")
            #expect(run > 0 && run <= counted.runSeconds * 1.05 + 0.03, "\(run) \(counted)")
            // How much it got depends on who else is there.
            #expect(run + wait < counted.seconds + 0.03, "\(run) \(wait) \(counted)")
            return document.seconds - run - wait
        }

        @Test(
            .enabled(if: Surroundings.isRoot && installed("setpriv") != nil, "changing the user needs root and setpriv")
        )
        func ordinaryUsersSeeTheirOwn() throws {
            let folder = try Surroundings.temporaryFolder()
            _ = try run(["cp", Surroundings.nusu, "\(folder)/nusu"])
            let (outcome, document) = try Self.trace(
                ["--", "sh", "-c", Self.spin], as: Self.nobody, program: "\(folder)/nusu")
            #expect(outcome.status == 0)
            #expect(document.gaps.contains { $0.reason.contains("perf_event_paranoid") } || document.gaps.isEmpty)
            #expect(document.threads.contains { $0.command == "sh" && ($0.runSeconds ?? 0) > 0.001 })
            // Of another user's only what everybody is told.
            let target = try SwitchTraceTests.busy()
            let other = try Self.trace(
                ["\(target.pid)", "--for", "600ms"], as: Self.nobody, program: "\(folder)/nusu")
            let thread = try #require(other.document.threads.first { $0.tid == target.pid })
            #expect((thread.runSeconds ?? 0) > 0)
        }

        // MARK: - Files

        @Test func savedTracesShowTheSame() throws {
            let target = try SwitchTraceTests.busy()
            let file = try TemporaryFile("trace.nusu")
            let live = try Self.trace(["\(target.pid)", "--for", "500ms", "--save", file.path])
            let saved = try Self.trace([file.path])
            #expect(live.outcome.output == saved.outcome.output)
            #expect(live.outcome.status == saved.outcome.status)
            var status = stat()
            #expect(stat(file.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
            #expect(try file.neighbours() == ["trace.nusu"])
            // A file that is cut short is said to be.
            let bytes = try #require(Surroundings.readBytes(file.path))
            let short = try TemporaryFile("short.nusu", Array(bytes.dropLast(5)))
            let cut = try Self.trace([short.path])
            #expect(cut.outcome.status == 2 && cut.document.gaps.contains { $0.reason.contains("cut short") })
        }

        @Test func stdoutIsAFile() throws {
            let target = try Child(["sleep", "60"])
            let arguments = [Surroundings.nusu, "sched", "trace", "\(target.pid)", "--for", "200ms"]
            let saved = try run(arguments + ["--save", "-"])
            // Without records there is no such file, but counters are saved too.
            let file = try TemporaryFile("trace.nusu", saved.output)
            let shown = try Self.trace([file.path])
            #expect(shown.outcome.status == saved.status && shown.document.schema == "nusu.sched/1")
            for wrong in [["1", "--save", "-", "--perfetto", "-"], ["--save", "-", "--", "true"]] {
                let outcome = try run([Surroundings.nusu, "sched", "trace"] + wrong)
                #expect(outcome.status == 64 && outcome.output.isEmpty, "\(wrong)")
                #expect(outcome.errors.contains("do: nusu sched trace --help"))
            }
        }

        @Test func commandsAreNotStartedWhereNothingCanBeSaved() throws {
            let folder = try Surroundings.temporaryFolder()
            for option in ["--save", "--perfetto"] {
                let outcome = try run(
                    [Surroundings.nusu, "sched", "trace", option, "\(folder)/none/t", "--", "touch", "\(folder)/ran"])
                #expect(outcome.status == 66 && outcome.errors.contains("cannot write \(folder)/none/t"))
            }
            #expect(access("\(folder)/ran", F_OK) != 0)
        }

        @Test func otherFilesAreRefused() throws {
            let file = try TemporaryFile("other.nusu", Array("nothing of the kind".utf8))
            let outcome = try run([Surroundings.nusu, "sched", "trace", file.path])
            #expect(outcome.status == 69 && outcome.errors.contains("is no trace that nusu saved"))
            let missing = try run([Surroundings.nusu, "sched", "trace", "/nowhere.nusu"])
            #expect(missing.status == 66)
        }
    }
}
