import Capture
import Glibc
import Model
import Testing

extension LiveTests.SnapshotTests {
    /// What cannot be looked into, and what is too dear: said in words, and the target untouched.
    @Test func filteredTargetsAreCopied() throws {
        let program = try SnapshotProgram("filtered")
        let facts = try Self.take(program.pid) { $0.facts }
        #expect(facts.method == .copy)
        let failure = Self.failure { try Self.take(program.pid, .fork) { _ in } }
        #expect(failure?.kind == .unsupported)
        #expect(failure?.what.contains("seccomp") == true)
        #expect(failure?.remedy.contains("--snapshot copy") == true)
        #expect(program.harm.isEmpty)
        #expect(try program.verdict().isEmpty)
    }

    @Test func longPausesAreRefused() throws {
        let program = try SnapshotProgram("large", "\(64 << 20)")
        for method in SnapshotMethod.allCases {
            let failure = Self.failure { try Self.take(program.pid, method, maxPauseSeconds: 0.0005) { _ in } }
            #expect(failure?.kind == .unsupported)
            #expect(failure?.remedy.contains("--max-pause") == true)
        }
        let failure = Self.failure { try Self.take(program.pid, nil, maxPauseSeconds: 0.0005) { _ in } }
        #expect(failure?.kind == .unsupported)
        let plan = try Snapshot.plan(program.pid)
        #expect(plan.method == .fork)
        #expect(plan.anonymousBytes >= 64 << 20)
        #expect(try program.verdict().isEmpty)
    }

    @Test func zombiesAndTracedOnesAreRefused() throws {
        let zombie = try Child(["true"])
        #expect(comesTrue { ProcessView(pid: zombie.pid).state == "Z" })
        #expect(Self.failure { _ = try Snapshot.plan(zombie.pid) }?.kind == .noTarget)
        #expect(Self.failure { _ = try Snapshot.plan(0x3fff_fff0) }?.kind == .noTarget)

        let program = try SnapshotProgram("wait")
        try Self.take(program.pid, .stream) { [pid = program.pid] _ in
            let failure = Self.failure { _ = try Snapshot.plan(pid) }
            #expect(failure?.kind == .notPermitted)
            #expect(failure?.what.contains("traced already, by") == true)
        }
        #expect(try program.verdict().isEmpty)
    }

    /// A parent in vfork stands in the kernel and cannot be stopped.
    @Test func whatDoesNotStopIsLetGo() throws {
        let program = try SnapshotProgram("vfork")
        #expect(comesTrue { program.view.state == "D" })
        let failure = Self.failure { try Self.take(program.pid, .copy, maxPauseSeconds: 0.3) { _ in } }
        #expect(failure?.kind == .unsupported)
        #expect(failure?.what.contains("did not stop") == true)
        #expect(program.harm.isEmpty)
        #expect(try program.verdict().isEmpty)
    }
}
