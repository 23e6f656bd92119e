import Model
import Testing

@testable import Capture

/// Which method is chosen, and in what words none is.
@Suite struct SnapshotPlannerTests {
    static let mebibyte: UInt64 = 1 << 20

    static func planner(
        anonymousMebibytes: UInt64, method: SnapshotMethod? = nil, maxPause: Double = 0.25, seccomp: Int = 0,
        target: [MemoryCgroup] = [], own: [MemoryCgroup] = []
    ) throws -> SnapshotPlanner {
        let text = """
            Name:\tapi
            Tgid:\t1234
            TracerPid:\t0
            Uid:\t0\t0\t0\t0
            Gid:\t0\t0\t0\t0
            VmSize:\t900000 kB
            VmRSS:\t\(anonymousMebibytes * 1024 + 4096) kB
            RssAnon:\t\(anonymousMebibytes * 1024) kB
            VmPTE:\t2048 kB
            Threads:\t9
            CapEff:\t000001ffffffffff
            Seccomp:\t\(seccomp)

            """
        let status = try #require(ProcessStatus(parsing: Array(text.utf8)))
        return SnapshotPlanner(
            process: ProcessIdentity(pid: 1234, startTicks: 1, commandBytes: Array("api".utf8)), status: status,
            options: SnapshotOptions(method: method, maxPauseSeconds: maxPause),
            procFS: ProcFS(root: "/nonexistent"), headroom: Headroom(targetGroups: target, ownGroups: own))
    }

    static func group(_ path: String, limit: UInt64?, usage: UInt64, cache: UInt64 = 0) -> MemoryCgroup {
        MemoryCgroup(
            path: path, limitBytes: limit.map { $0 * mebibyte }, highBytes: nil, usageBytes: usage * mebibyte,
            cacheBytes: cache * mebibyte)
    }

    static func failure(_ planner: SnapshotPlanner) -> Failure? {
        do throws(Failure) { _ = try planner.resolve() } catch { return error }
        return nil
    }

    @Test func choosesByWhatItCosts() throws {
        #expect(try Self.planner(anonymousMebibytes: 10).resolve().method == .copy)
        let large = try Self.planner(anonymousMebibytes: 1024).resolve()
        #expect(large.method == .fork)
        #expect(large.fallback == nil)
        #expect(large.estimatedPauseSeconds > 0.01 && large.estimatedPauseSeconds < 0.04)
        #expect(try Self.planner(anonymousMebibytes: 100).resolve().fallback == .copy)
    }

    @Test func copiesWhatMustNotFork() throws {
        let plan = try Self.planner(anonymousMebibytes: 100, seccomp: 2).resolve()
        #expect(plan.method == .copy)
        #expect(plan.notes == ["copied, not forked: it runs under a seccomp filter"])
        let failure = Self.failure(try Self.planner(anonymousMebibytes: 4096, seccomp: 2))
        #expect(failure?.kind == .unsupported)
        #expect(failure?.remedy == "use --snapshot copy --max-pause 1.7 (stops api for about 1.7 s)")
    }

    @Test func refusesLongPauses() throws {
        let failure = Self.failure(try Self.planner(anonymousMebibytes: 2048, method: .copy))
        #expect(failure?.kind == .unsupported)
        #expect(
            failure?.what == "a snapshot by copy would stop api (1234) for about 0.9 s, longer than the 0.25 s "
                + "allowed: not taken")
        #expect(failure?.remedy == "allow it: --snapshot copy --max-pause 0.9")
        #expect(try Self.planner(anonymousMebibytes: 2048, method: .copy, maxPause: 1).resolve().method == .copy)
    }

    @Test func neverFillsAGroup() throws {
        // A copy would fit into nusu's own memory, but takes too long.
        let full = Self.group("/sys/fs/cgroup/api", limit: 1024, usage: 1015)
        let failure = Self.failure(try Self.planner(anonymousMebibytes: 748, target: [full]))
        #expect(failure?.kind == .unsupported)
        #expect(
            failure?.what == "a snapshot could push /sys/fs/cgroup/api over its limit (9.0 MiB left, 39.4 MiB needed): "
                + "not taken")
        #expect(
            failure?.remedy == "use --snapshot stream --max-pause 1.1 (no fork, no copy; stops api for about 1.1 s)")
        // Page cache is given back before anything is killed.
        let cached = Self.group("/sys/fs/cgroup/api", limit: 1024, usage: 1015, cache: 136)
        #expect(try Self.planner(anonymousMebibytes: 748, target: [cached]).resolve().method == .fork)
        // An ancestor counts as much as the group itself.
        let roomy = Self.group("/sys/fs/cgroup/pod/api", limit: nil, usage: 800)
        #expect(Self.failure(try Self.planner(anonymousMebibytes: 748, target: [roomy, full])) != nil)
    }

    @Test func countsItselfInASharedGroup() throws {
        // Inside the target's container what nusu needs counts too.
        let group = Self.group("/sys/fs/cgroup/api", limit: 1024, usage: 850)
        #expect(try Self.planner(anonymousMebibytes: 748, target: [group]).resolve().method == .fork)
        let failure = Self.failure(try Self.planner(anonymousMebibytes: 748, target: [group], own: [group]))
        #expect(failure?.remedy == "run nusu from outside of that group, or raise its memory limit")
    }

    @Test func namesEveryStepOnce() {
        for method in SnapshotMethod.allCases {
            let steps = SnapshotStep.steps(of: method)
            #expect(Set(steps).count == steps.count)
            #expect(steps.first == .attached && steps.last == .ended)
        }
        #expect(Set(SnapshotMethod.allCases.flatMap(SnapshotStep.steps)) == Set(SnapshotStep.allCases))
    }
}
