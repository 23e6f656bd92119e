import FoundationEssentials
import Glibc
import Testing

extension LiveTests {
    /// What is made of a trace: the document, the file that is read back, the workload, and the file for Perfetto.
    @Suite struct TraceReportTests {
        /// The parts of nusu.sched/1 of `trace` that are read here.
        struct Document: Decodable {
            struct Thread: Decodable, Equatable {
                let pid: Int32?
                let tid: Int32
                let command: String
                let runSeconds: Double?
                let waitSeconds: Double?
                let blockedSeconds: Double?
                let voluntarySwitches: Int?
                let involuntarySwitches: Int?
                let migrations: Int?
                let slices: Int?
            }
            struct Gap: Decodable { let what: String }
            let source: String
            let seconds: Double
            let lost: UInt64
            let commandStatus: Int32?
            let threads: [Thread]
            let gaps: [Gap]

            static func of(_ outcome: Outcome) throws -> Document {
                try JSONDecoder().decode(Document.self, from: Data(outcome.output))
            }
        }

        struct Simulated: Decodable {
            struct Schedule: Decodable { let threads: [Thread] }
            struct Thread: Decodable {
                let name: String
                let runSeconds: Double
                let blockedSeconds: Double
            }
            let cores: Int
            let schedules: [Schedule]
        }

        /// A child that uses a core, sleeps, and uses it again.
        private static let command = [
            "sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 0.1; exit 3",
        ]

        private static func mode(_ path: String) -> mode_t {
            var status = stat()
            return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
        }

        @Test func aSavedTraceSaysTheSame() throws {
            let file = try TemporaryFile("trace.nusu")
            let outcome = try run(
                [Surroundings.nusu, "sched", "trace", "--save", file.path, "--json", "--"] + Self.command)
            #expect(outcome.status == 3)
            let document = try Document.of(outcome)
            #expect(document.commandStatus == 3 && Self.mode(file.path) == 0o600)
            guard document.source != "schedstat" else { return }
            let again = try run([Surroundings.nusu, "sched", "trace", file.path, "--json"])
            #expect(try Document.of(again).threads == document.threads)
            let shell = try #require(document.threads.first { $0.command == "sh" })
            let ran = try #require(shell.runSeconds)
            #expect(ran > 0.001 && ran <= document.seconds)
            // What was traced is a workload.
            let simulated = try run(
                [Surroundings.nusu, "sched", "simulate", file.path, "--policy", "fcfs", "--json"])
            #expect(simulated.status == 0, "\(simulated.errors)")
            let played = try JSONDecoder().decode(Simulated.self, from: Data(simulated.output))
            let thread = try #require(played.schedules.first?.threads.first { $0.name == "sh \(shell.tid)" })
            #expect(abs(thread.runSeconds - ran) < 0.001)
            // It sleeps only while it waits for sleep(1).
            #expect(thread.blockedSeconds >= 0.09)
        }

        @Test func theScreenAnswersInWords() throws {
            let outcome = try run([Surroundings.nusu, "sched", "trace", "--"] + Self.command)
            let lines = outcome.text.split(separator: "\n")
            #expect(outcome.status == 3)
            #expect(lines.count <= 25 && lines.allSatisfy { $0.count <= 100 }, "\(outcome.text)")
            #expect(lines.first?.hasPrefix("sh (") == true && lines.first?.hasSuffix(".") == true)
            #expect(lines.contains { $0.hasPrefix("  A sh ") || $0.hasPrefix("  B sh ") }, "\(outcome.text)")
        }

        private static let hasSchema =
            (try? run(["python3", "-c", "from perfetto.protos.perfetto.trace import perfetto_trace_pb2"]).status) == 0

        /// Reads a file with Perfetto's own schema: how many switches it has, and whether there is something it does not know.
        private static let reader = """
            import sys
            from perfetto.protos.perfetto.trace import perfetto_trace_pb2 as schema
            trace = schema.Trace()
            trace.ParseFromString(open(sys.argv[1], "rb").read())
            size = trace.ByteSize()
            trace.DiscardUnknownFields()
            sched = [p.ftrace_events.compact_sched for p in trace.packet if p.HasField("ftrace_events")]
            assert all(len(s.switch_timestamp) == len(s.switch_next_pid) == len(s.switch_prev_state) for s in sched)
            assert all(i < len(s.intern_table) for s in sched for i in s.switch_next_comm_index)
            names = {t.name for p in trace.packet for t in p.process_tree.threads}
            print(size - trace.ByteSize(), sum(len(s.switch_timestamp) for s in sched), "sh" in names)
            """

        @Test(.enabled(if: hasSchema, "Perfetto's schema is in the Python package perfetto: pip install perfetto"))
        func perfettoKnowsAllOfIt() throws {
            let file = try TemporaryFile("trace.pftrace")
            let outcome = try run(
                [Surroundings.nusu, "sched", "trace", "--perfetto", file.path, "--json", "--"] + Self.command)
            let document = try Document.of(outcome)
            guard document.source != "schedstat" else { return }
            #expect(Self.mode(file.path) == 0o600)
            let read = try run(["python3", "-c", Self.reader, file.path])
            let words = read.text.split(whereSeparator: \.isWhitespace)
            try #require(words.count == 3, "\(read.errors)")
            #expect(words[0] == "0" && words[2] == "True")
            #expect((Int(words[1]) ?? 0) >= document.threads.reduce(0) { $0 + ($1.slices ?? 0) })
        }

        @Test func otherFilesAreRefused() throws {
            let text = try TemporaryFile("text.nusu", Array("no trace".utf8))
            for (path, status) in [(text.path, Int32(69)), ("/nowhere/trace.nusu", 66)] {
                let outcome = try run([Surroundings.nusu, "sched", "trace", path])
                #expect(outcome.status == status && outcome.errors.contains(path), "\(outcome.errors)")
            }
            for wrong in [[], ["--all", "1"], ["1", "--threads", "-1"], ["--all", "--for", "0"]] {
                let outcome = try run([Surroundings.nusu, "sched", "trace"] + wrong)
                #expect(outcome.status == 64, "\(wrong): \(outcome.errors)")
            }
        }

        /// Without the right to see others, what is not known is null, and said.
        @Test(
            .enabled(if: Surroundings.isRoot && installed("setpriv") != nil, "changing the user needs root and setpriv")
        )
        func whatIsNotSeenIsNull() throws {
            let folder = try Surroundings.temporaryFolder()
            let copy = "\(folder)/nusu"
            _ = try run(["cp", Surroundings.nusu, copy])
            let outcome = try run(
                [
                    "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", copy, "sched", "trace",
                    "--json", "--",
                ]
                    + Self.command)
            let document = try Document.of(outcome)
            #expect(outcome.status == 3)
            guard document.source != "cpu-wide" else { return }
            #expect(!document.gaps.isEmpty)
            // All have ended: the kernel's counters cannot be read any more either.
            #expect(document.threads.allSatisfy { $0.blockedSeconds == nil })
            #expect(document.threads.contains { ($0.runSeconds ?? 0) > 0.001 })
        }
    }
}
