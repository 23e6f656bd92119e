import Capture
import Glibc
import Model
import Testing

extension LiveTests {
    /// nusu killed at every step of a snapshot, and at moments that nobody chose.
    @Suite(
        .serialized, .enabled(if: Surroundings.mayTrace, "ptrace is not permitted here"),
        .enabled(if: Surroundings.hasCompiler, "no C compiler"))
    struct SnapshotKilledTests {
        static let probe = "\(Surroundings.products)/Probe"
        static let cases = SnapshotMethod.allCases.flatMap { method in
            SnapshotStep.steps(of: method).map { (method, $0) }
        }

        /// After the probe's death the target is as it was, but for a zombie; after the next run that is gone too.
        static func check(_ program: SnapshotProgram, after what: String) throws {
            // What is injected restores itself once the thread gets a processor.
            func left() -> [String] { program.harm.filter { !$0.contains("zombies") } }
            #expect(comesTrue { left().isEmpty }, "\(what): \(left())")
            #expect(program.child.poll() == nil, "\(what): the target ended")
            let outcome = try run([probe, "\(program.pid)", "fork", "none"])
            #expect(outcome.status == 0, "\(what): \(outcome.text)")
            #expect(program.harm.isEmpty, "\(what), after the next run: \(program.harm)")
        }

        @Test(arguments: cases)
        func killedAtStep(_ method: SnapshotMethod, _ step: SnapshotStep) throws {
            // The first runs the injected call in a thread that runs, the second in one that reads.
            for mode in ["0", "1"] {
                let program = try SnapshotProgram("registers", mode)
                let outcome = try run([Self.probe, "\(program.pid)", method.rawValue, step.rawValue])
                #expect(outcome.status == 128 + SIGKILL, "the step was not reached: \(outcome.text)")
                try Self.check(program, after: "\(method) killed at \(step)")
                if mode == "1" { #expect(try program.verdict().isEmpty) }
            }
        }

        @Test(.enabled(if: SnapshotTests.isSoak, "only in make soak"))
        func killedAtAnyMoment() throws {
            let program = try SnapshotProgram("registers", "1")
            for round in 0..<200 {
                let probe = try Child([Self.probe, "\(program.pid)", "fork", "none"])
                usleep(UInt32.random(in: 0..<60_000))
                probe.end()
                try Self.check(program, after: "round \(round)")
            }
            #expect(try program.verdict().isEmpty)
        }

        @Test(arguments: [SnapshotMethod.fork, .copy, .stream])
        func interrupted(_ method: SnapshotMethod) throws {
            let program = try SnapshotProgram("registers", "1")
            let probe = try Child([Self.probe, "\(program.pid)", method.rawValue, "none", "1"])
            // From here on the signals are held back.
            #expect(try probe.readLine() == "reading")
            kill(probe.pid, SIGINT)
            let outcome = try probe.finish(withinSeconds: 300)
            #expect(outcome.status == 1)
            #expect(outcome.text.contains("interrupted(signal: 2)"), "\(outcome.text)")
            #expect(program.harm.isEmpty)
            #expect(try program.verdict().isEmpty)
        }
    }
}
