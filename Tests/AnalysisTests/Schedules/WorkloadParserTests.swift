import Analysis
import Model
import Testing

@Suite struct WorkloadParserTests {
    @Test func readsEverything() throws {
        let text = """
            # a comment
              A 0ms run 5ms block 10ms run 3ms nice 0

            web\t1.5s nice -20 run 20us block 0 slice 0.5ms repeat 1000   # another
            누수 700ns run 1ns
            """
        let workload = try WorkloadParser.parse(Array(text.utf8), file: "f")
        #expect(
            workload.threads == [
                .init("A", phases: [.init(run: 5_000_000, block: 10_000_000), .init(run: 3_000_000)]),
                .init(
                    "web", arrival: 1_500_000_000, phases: [.init(run: 20_000)], rounds: 1000, nice: -20,
                    slice: 500_000),
                .init("누수", arrival: 700, phases: [.init(run: 1)]),
            ])
        #expect(workload.threads[0].totalRun == 8_000_000 && workload.threads[0].totalBlock == 10_000_000)
    }

    @Test(arguments: [
        ("A", "after the name comes the time of arrival"), ("A 0", "never runs"),
        ("A 5 run 1ms", "no time with a unit"),
        ("A 0 run", "after 'run' something is missing"), ("A 0 run 0", "longer than 0"),
        ("A 0 run 1ms run 1ms", "a run follows a run"), ("A 0 block 1ms run 1ms", "a block must follow a run"),
        ("A 0 run 1ms block 1ms block 1ms", "a block must follow a run"), ("A 0 run 1ms nice 20", "from -20 to 19"),
        ("A 0 run 1ms nice 1 nice 1", "stands there twice"), ("A 0 run 1ms repeat 2", "must end with a block"),
        ("A 0 run 1ms block 1ms repeat 0", "no number from 1"), ("A 0 run 1ms slice 1us", "0.1ms to 100ms"),
        ("A 0 run 1e3ms", "no time"), ("A 0 run infs", "no time"), ("A 0 run -1ms", "no time"),
        ("A 0 run .ms", "no time"),
        ("A 0 run 2000000s", "no time"), ("A 0 run 900000s block 200000s", "over 1,000,000 s"),
        ("A 0 run 900s block 1s repeat 1000000000", "over 1,000,000 s"), ("A 0 walk 1ms", "is none of run"),
    ])
    func saysWhatIsWrongAndWhere(_ line: String, _ problem: String) {
        let failure = #expect(throws: Failure.self) {
            try WorkloadParser.parse(Array("B 0 run 1ms\n\n\(line)\nC 0 run 1ms\n".utf8), file: "jobs.txt")
        }
        #expect(failure?.what.hasPrefix("jobs.txt, line 3: ") == true && failure?.kind == .usage)
        #expect(failure?.what.contains(problem) == true, "\(failure?.what ?? "")")
    }

    @Test func refusesWhatIsNoText() {
        for bytes: [UInt8] in [[], [0x0a, 0x23], [0xff, 0xfe, 0x20, 0x30]] {
            #expect(throws: Failure.self) { try WorkloadParser.parse(bytes, file: "f") }
        }
        let many = String(repeating: "A 0 run 1ms\n", count: Workload.maximumThreads + 1)
        #expect(throws: Failure.self) { try WorkloadParser.parse(Array(many.utf8), file: "f") }
        let long = "A 0" + String(repeating: " run 1ns block 1ns", count: 6000)
        #expect(throws: Failure.self) { try WorkloadParser.parse(Array(long.utf8), file: "f") }
    }

    /// Whatever stands in a file: it is refused, or it can be simulated.
    @Test func hostileFilesAreRefusedOrSimulated() throws {
        let words = [
            "A", "0", "run", "block", "nice", "repeat", "slice", "5ms", "1ns", "-3", "7", "#", "\n", "\u{1b}[2J",
            "999999s",
        ]
        var parsed = 0
        for seed in Rounds.of(3000, fuzz: 200_000) {
            var state = seed &* 0x2545_f491_4f6c_dd1d | 1
            var text = "A 0 run 5ms"
            for _ in 0..<(seed % 12) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += " " + words[Int(state >> 33) % words.count]
            }
            guard let workload = try? WorkloadParser.parse(Array(text.utf8), file: "f") else { continue }
            parsed += 1
            for policy in ScheduleInvariantTests.policies {
                _ = policy.schedule(workload, on: SchedulingMachine(cores: 2), limit: 2000)
            }
        }
        #expect(parsed > 100)
    }

    @Test func examplesAreWorkloads() throws {
        let folder = #filePath.split(separator: "/").dropLast(4).reduce("") { $0 + "/" + $1 } + "/Docs/Workloads/"
        for name in ["desktop.txt", "convoy.txt"] {
            let text = try #require(ScheduleExampleTests.contents(folder + name))
            #expect(try WorkloadParser.parse(Array(text.utf8), file: name).threads.count == 4)
        }
    }
}
