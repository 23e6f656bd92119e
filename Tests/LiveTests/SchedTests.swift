import FoundationEssentials
import Glibc
import Testing

extension LiveTests {
    @Suite struct SchedTests {
        /// The parts of nusu.sched/1 that are read here.
        struct Document: Decodable {
            struct Times: Decodable { let meanSeconds: Double }
            struct Policy: Decodable {
                let policy: String
                let quantumSeconds: Double?
                let waiting: Times
            }
            let schema: String
            let schedules: [Policy]
        }

        static func simulate(_ text: String, _ options: [String]) throws -> Outcome {
            let file = try TemporaryFile("workload", Array(text.utf8))
            return try run([Surroundings.nusu, "sched", "simulate", file.path] + options, withinSeconds: 30)
        }

        @Test func quantaStandSideBySide() throws {
            let outcome = try Self.simulate(
                "A 0 run 24ms\nB 0 run 3ms\nC 0 run 3ms\n", ["--policy", "fcfs,rr", "--quantum", "1ms,4ms", "--json"])
            #expect(outcome.status == 0)
            let document = try JSONDecoder().decode(Document.self, from: Data(outcome.output))
            #expect(document.schema == "nusu.sched/1")
            #expect(document.schedules.map(\.policy) == ["fcfs", "rr", "rr"])
            #expect(document.schedules.map(\.quantumSeconds) == [nil, 0.001, 0.004])
            #expect(abs(document.schedules[2].waiting.meanSeconds - 0.017 / 3) < 1e-6)
        }

        @Test func standardInputIsAFile() throws {
            let child = try Child(
                [Surroundings.nusu, "sched", "simulate", "-", "--policy", "sjf"], capturesErrors: true)
            child.write("A 0 run 6ms\nB 0 run 8ms\nC 0 run 7ms\nD 0 run 3ms\n")
            child.closeInput()
            let outcome = try child.finish(withinSeconds: 30)
            #expect(outcome.status == 0)
            #expect(
                outcome.text.hasPrefix(
                    "Under shortest job first a thread waits 7 ms on average (4 threads on 1 core).\n"))
            #expect(!outcome.text.contains("next:"))
        }

        @Test func hostileLinesAreNamedAndEscaped() throws {
            let outcome = try Self.simulate("A 0 run 5ms\nB 0 run \u{1b}[2J\n", [])
            #expect(outcome.status == 64 && outcome.output.isEmpty)
            #expect(outcome.errors.contains("line 2") && outcome.errors.contains("\\x1b[2J"))
            #expect(!outcome.errors.contains("\u{1b}"))
        }

        @Test func missingFilesAndWrongOptionsAreRefused() throws {
            let missing = try run([Surroundings.nusu, "sched", "simulate", "/nowhere"], withinSeconds: 30)
            #expect(missing.status == 66 && missing.errors.contains("cannot open /nowhere"))
            for wrong in [
                ["--cores", "0"], ["--policy", "cfs"], ["--tick", "5"], ["--quantum", "1ms,1ms"], ["--quantum", "0"],
            ] {
                #expect(try Self.simulate("A 0 run 1ms\n", wrong).status == 64, "\(wrong)")
            }
        }
    }
}
