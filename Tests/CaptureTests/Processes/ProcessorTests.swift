import Glibc
import Model
import Testing

@testable import Capture

/// What files say is a fixture's; what threads may run on, the kernel says of this very process.
@Suite struct ProcessorTests {
    private static func fixture(
        _ files: [String: String], group: String = "0::/pod/api\n", hierarchy: String = "cgroup2 cgroup2 rw"
    ) throws -> (ProcFixture, ProcFS, ProcessIdentity) {
        let fixture = try ProcFixture()
        let pid = getpid()
        try fixture.write("proc/\(pid)/stat", Sample.stat(pid: pid, command: "api"))
        try fixture.write("proc/\(pid)/task/\(pid)/stat", Sample.stat(pid: pid, command: "api"))
        try fixture.write("proc/\(pid)/cgroup", group)
        try fixture.write("proc/self/mountinfo", "30 24 0:26 / /sys/fs/cgroup rw shared:4 - \(hierarchy)\n")
        for (path, text) in files { try fixture.write("sys/" + path, text) }
        let procfs = ProcFS(root: fixture.root + "/proc", systemRoot: fixture.root)
        return (fixture, procfs, try procfs.identity(of: pid))
    }

    @Test func theMachinesOwn() throws {
        let (machineFixture, procfs, _) = try Self.fixture([
            "devices/system/cpu/online": "0-2,4\n", "devices/system/cpu/present": "0-5\n",
        ])
        let machine = procfs.machineProcessors()
        #expect(machine.online.description == "0-2,4" && machine.present.description == "0-5")
        // Without the files, as many as the C library knows.
        let (bareFixture, bare, _) = try Self.fixture([:])
        #expect(bare.machineProcessors().online.count == sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        withExtendedLifetime((machineFixture, bareFixture)) {}
    }

    @Test("Of the cpuset of the innermost group that has one, what is on line") func cpusets() throws {
        let online = ["devices/system/cpu/online": "0-63\n"]
        var (fixture, procfs, process) = try Self.fixture(
            online.merging([
                "fs/cgroup/cpuset.cpus.effective": "0-127\n", "fs/cgroup/pod/cpuset.cpus.effective": "0-7,60-70\n",
            ]) { $1 })
        #expect(try #require(procfs.processorUse(of: process)).allowed.description == "0-7,60-63")
        try fixture.write("sys/fs/cgroup/pod/cpuset.cpus.effective", "damaged\n")
        #expect(procfs.processorUse(of: process)?.allowed.description == "0-63")
        (fixture, procfs, process) = try Self.fixture(
            online.merging(["fs/cgroup/pod/api/cpuset.effective_cpus": "0-9\n"]) { $1 }, group: "3:cpuset:/pod/api\n",
            hierarchy: "cgroup cgroup rw,cpuset")
        #expect(procfs.processorUse(of: process)?.allowed.description == "0-9")
        (fixture, procfs, process) = try Self.fixture(online, group: "")
        #expect(procfs.processorUse(of: process)?.allowed.description == "0-63")
    }

    @Test func aProcessThatIsAnotherByNowStaysAsItIs() throws {
        let (fixture, procfs, process) = try Self.fixture([:])
        defer { withExtendedLifetime(fixture) {} }
        let before = procfs.processorUse(of: process)
        let another = ProcessIdentity(
            pid: process.pid, startTicks: process.startTicks + 1, commandBytes: process.commandBytes)
        let error = #expect(throws: Failure.self) {
            try procfs.changeProcessors(of: another, ProcessorChange(removed: ProcessorSet([0])))
        }
        #expect(error?.kind == .noTarget)
        #expect(procfs.processorUse(of: process) == before)
    }

    @Test func noThreadIsLeftWithoutAny() throws {
        let (fixture, procfs, process) = try Self.fixture([:])
        defer { withExtendedLifetime(fixture) {} }
        let before = try #require(procfs.processorUse(of: process))
        let error = #expect(throws: Failure.self) {
            try procfs.changeProcessors(of: process, ProcessorChange(removed: before.ofAll))
        }
        #expect(error?.kind == .unsupported && error?.what.contains("no processor left") == true)
        #expect(procfs.processorUse(of: process) == before)
    }
}
