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
            return try run([Surroundings.nusu, "sched", "simulate", file.path] + options)
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
            let outcome = try child.finish(withinSeconds: 300)
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
            let missing = try run([Surroundings.nusu, "sched", "simulate", "/nowhere"])
            #expect(missing.status == 66 && missing.errors.contains("cannot open /nowhere"))
            for wrong in [
                ["--cores", "0"], ["--policy", "cfs"], ["--tick", "5"], ["--quantum", "1ms,1ms"], ["--quantum", "0"],
            ] {
                #expect(try Self.simulate("A 0 run 1ms\n", wrong).status == 64, "\(wrong)")
            }
        }

        /// The parts of nusu.sched/1 of `cost`.
        struct Costs: Decodable {
            struct HandOver: Decodable {
                let means: String
                let between: String
                let acrossCores: Bool
                let lowerQuartileSeconds: Double
                let medianSeconds: Double
                let upperQuartileSeconds: Double
                let switchesPerHandOver: Double
            }
            struct Machine: Decodable {
                let switchesPerSecond: Double
                let processors: Int
            }
            struct Cold: Decodable { let bytes: Int }
            struct Gap: Decodable { let what: String }
            let handOvers: [HandOver]
            let coldCache: [Cold]
            let machine: Machine?
            let otherCore: Int?
            let gaps: [Gap]
        }

        static func cost(_ words: [String]) throws -> (outcome: Outcome, document: Costs) {
            let outcome = try run(words + [Surroundings.nusu, "sched", "cost", "--quick", "--json"])
            let document = try JSONDecoder().decode(Costs.self, from: Data(outcome.output))
            return (outcome, document)
        }

        /// Whether a thread hands over to itself in less time than to another process through a pipe.
        private static func isCheaperAlone(_ document: Costs) throws -> Bool {
            let alone = try #require(document.handOvers.first { $0.between == "itself" })
            let pipe = try #require(document.handOvers.first { $0.between == "processes" && !$0.acrossCores })
            return pipe.medianSeconds > alone.medianSeconds
        }

        @Test func costsAreMeasured() throws {
            let (outcome, document) = try Self.cost([])
            #expect(outcome.status == (document.otherCore == nil ? 2 : 0))
            // It takes half a second, of which it works most.
            #expect(outcome.processorSeconds < 10, "\(outcome.processorSeconds)")
            #expect(document.handOvers.count == (document.otherCore == nil ? 4 : 7))
            for time in document.handOvers {
                #expect(time.lowerQuartileSeconds > 0 && time.lowerQuartileSeconds <= time.medianSeconds)
                #expect(time.medianSeconds <= time.upperQuartileSeconds)
                switch (time.between, time.acrossCores) {
                case ("itself", _): #expect(time.switchesPerHandOver < 0.1)
                // On one core nothing is handed over without a switch.
                case (_, false): #expect(time.switchesPerHandOver > 0.9 && time.switchesPerHandOver < 1.2)
                default: break
                }
            }
            // The two are measured one after the other, and others may slow down the first.
            var isCheaperAlone = try Self.isCheaperAlone(document)
            for _ in 0..<3 where !isCheaperAlone {
                isCheaperAlone = try Self.isCheaperAlone(try Self.cost([]).document)
            }
            #expect(isCheaperAlone)
            #expect(document.coldCache.map(\.bytes) == [16384, 32768, 131_072, 524_288, 1_048_576, 4_194_304])
            let machine = try #require(document.machine)
            #expect(machine.switchesPerSecond > 0 && machine.processors >= 1)
        }

        @Test func measuredCostIsUsed() throws {
            let outcome = try Self.simulate(
                "A 0 run 24ms\nB 0 run 3ms\n", ["--switch-cost", "measured", "--policy", "rr", "--json"])
            struct Machine: Decodable { let switchCostSeconds: Double }
            let cost = try JSONDecoder().decode(Machine.self, from: Data(outcome.output)).switchCostSeconds
            #expect(outcome.status == 0 && cost > 1e-8 && cost < 0.001)
        }

        @Test(.enabled(if: installed("taskset") != nil, "taskset (util-linux) is not installed"))
        func oneCoreIsSaid() throws {
            let (outcome, document) = try Self.cost(["taskset", "-c", "0"])
            #expect(outcome.status == 2 && document.otherCore == nil && document.handOvers.count == 4)
            #expect(document.gaps.map(\.what) == ["handing over to another core"])
        }

        @Test func nothingOutlivesNusu() throws {
            let child = try Child([Surroundings.nusu, "sched", "cost"], capturesErrors: true)
            func offspring(_ pid: pid_t) -> [pid_t] {
                let text = Surroundings.readFile("/proc/\(pid)/task/\(pid)/children") ?? ""
                let own = text.split(separator: " ").compactMap { pid_t($0) }
                return own + own.flatMap(offspring)
            }
            var started: [pid_t] = []
            // The one that measures, and its partner.
            #expect(
                comesTrue {
                    started = offspring(child.pid)
                    return started.count >= 2
                })
            kill(child.pid, SIGKILL)
            #expect(
                comesTrue {
                    started.allSatisfy { pid in
                        let status = Surroundings.readFile("/proc/\(pid)/status") ?? "State:\tX"
                        return status.contains("State:\tX") || status.contains("State:\tZ")
                    }
                })
        }
    }
}
