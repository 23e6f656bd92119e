import Capture
import Glibc
import Model
import Testing

/// A control group of a test's own, below the one that the test runs in. Version 1: where the controllers are version 2's,
/// a group that holds processes can have no limits for groups below it.
struct ControlGroup {
    let path: String

    static func mayMake(_ controller: String) -> Bool {
        guard let group = try? ControlGroup(controller) else { return false }
        group.remove()
        return true
    }

    init(_ controller: String) throws {
        let memberships = (Surroundings.readFile("/proc/self/cgroup") ?? "").split(separator: "\n")
        guard let own = memberships.first(where: { $0.contains(":\(controller):") })?.split(separator: ":").last else {
            throw HarnessError("no hierarchy of \(controller)")
        }
        path = "/sys/fs/cgroup/\(controller)\(own == "/" ? "" : own)/\(Surroundings.ownName)"
        guard mkdir(path, 0o755) == 0 else { throw HarnessError("no control group of \(controller) can be made") }
    }

    /// What a program's words begin with so that it starts inside.
    var entry: [String] { ["sh", "-c", "echo $$ > \(path)/cgroup.procs && exec \"$@\"", "sh"] }

    func read(_ file: String) -> String? {
        Surroundings.readFile("\(path)/\(file)").map { String($0.filter { $0 != "\n" }) }
    }

    func set(_ file: String, _ value: Int) throws {
        guard let file = fopen("\(path)/\(file)", "w") else { throw HarnessError("no \(file) in \(path)") }
        fputs("\(value)", file)
        guard fclose(file) == 0 else { throw HarnessError("\(path) does not take \(value)") }
    }

    /// A process that has just ended may still count for a moment.
    func remove() {
        _ = comesTrue { rmdir(path) == 0 || errno != EBUSY }
    }
}

extension LiveTests.SnapshotTests {
    /// A fork would be refused by the kernel: said before, and another method is chosen.
    @Test(.enabled(if: ControlGroup.mayMake("pids"), "no pids control group of version 1 can be made here"))
    func groupsWithoutRoomForAProcess() throws {
        let group = try ControlGroup("pids")
        defer { group.remove() }
        let program = try SnapshotProgram("large", "\(64 << 20)", within: group.entry)
        #expect(try Snapshot.plan(program.pid).method == .fork)
        try group.set("pids.max", 1)
        try refusesFork(program, because: "allows no more processes", in: group)
        // The kernel was never asked for one.
        #expect(group.read("pids.events") == "max 0")
        #expect(try program.verdict().isEmpty)
    }

    /// The child's pages would count in the target's group.
    @Test(.enabled(if: ControlGroup.mayMake("memory"), "no memory control group of version 1 can be made here"))
    func groupsWithoutRoomForMemory() throws {
        let group = try ControlGroup("memory")
        defer { group.remove() }
        let program = try SnapshotProgram("large", "\(64 << 20)", within: group.entry)
        #expect(try Snapshot.plan(program.pid).method == .fork)
        let used = try #require(group.read("memory.usage_in_bytes").flatMap { Int($0) })
        #expect(used > 64 << 20)
        try group.set("memory.limit_in_bytes", used + 1 << 20)
        try refusesFork(program, because: "over its limit", in: group)
        #expect(group.read("memory.failcnt") == "0")
        #expect(try program.verdict().isEmpty)
    }

    private func refusesFork(_ program: SnapshotProgram, because reason: String, in group: ControlGroup) throws {
        let failure = Self.failure { try Self.take(program.pid, .fork) { _ in } }
        #expect(failure?.kind == .unsupported)
        #expect(failure?.what.contains(reason) == true, "\(String(describing: failure))")
        #expect(failure?.what.contains(group.path) == true, "\(String(describing: failure))")
        #expect(failure?.remedy.contains("--snapshot ") == true, "\(String(describing: failure))")
        let plan = try Snapshot.plan(program.pid)
        #expect(plan.method == .copy)
        #expect(plan.notes.contains { $0.hasPrefix("copied, not forked: \(group.path)") }, "\(plan.notes)")
        #expect(try Self.take(program.pid) { $0.facts.method } == .copy)
        #expect(program.harm.isEmpty)
    }
}
