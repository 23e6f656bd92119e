import Glibc
import Model
import Testing

@testable import Capture

@Suite struct MachineWatchTests {
    private static let statistics = """
        cpu  1082554 82310 204015 796614 4381 7 1910 462 0 0
        cpu0 523563 41085 102074 417385 1401 7 292 233 0 0
        cpu3 558990 41224 101941 379228 2980 0 1618 229 0 0
        intr 12345
        ctxt 99

        """

    private static func fixture() throws -> (ProcFixture, ProcFS) {
        let fixture = try ProcFixture()
        try fixture.write("stat", statistics)
        try fixture.write(
            "meminfo",
            """
            MemTotal:       16000 kB
            MemFree:         1000 kB
            MemAvailable:    9000 kB
            Buffers:          500 kB
            Cached:          6000 kB
            SwapTotal:       2000 kB
            SwapFree:        1500 kB
            Shmem:            300 kB
            SReclaimable:     200 kB

            """)
        try fixture.write("loadavg", "2.45 1.11 0.07 3/412 21446\n")
        try fixture.write(
            "pressure/cpu", "some avg10=73.58 avg60=29.49 avg300=11.75 total=3955550610\nfull avg10=0.00 avg60=0.00\n")
        try fixture.write("pressure/memory", "some avg10=1.50 avg60=0\nfull avg10=0.25 avg60=0\n")
        try fixture.write("uptime", "400000.25 1.00\n")
        return (fixture, ProcFS(root: fixture.root))
    }

    @Test func everyFile() throws {
        let (fixture, procfs) = try Self.fixture()
        let sample = MachineWatch(procfs: procfs).sample()
        #expect(sample.total?.user == 1_082_554)
        #expect(sample.total?.interrupts == 1917)
        #expect(sample.cores.map(\.number) == [0, 3])
        #expect(sample.cores.last?.times.stolen == 229)
        #expect(sample.memory?.totalBytes == 16000 << 10)
        #expect(sample.memory?.availableBytes == 9000 << 10)
        #expect(sample.memory?.cacheBytes == 6400 << 10)
        #expect(sample.memory?.swapFreeBytes == 1500 << 10)
        #expect(sample.load == MachineSample.Load(one: 2.45, five: 1.11, fifteen: 0.07, running: 3, threads: 412))
        #expect(sample.pressure.cpuSome == 73.58)
        #expect(sample.pressure.memoryFull == 0.25)
        #expect(sample.pressure.ioSome == nil)
        #expect(sample.uptime == 400_000.25)
        _ = fixture
    }

    @Test func filesAreReadAnewWithoutBeingOpened() throws {
        let (fixture, procfs) = try Self.fixture()
        let watch = MachineWatch(procfs: procfs)
        _ = watch.sample()
        try fixture.write("loadavg", "9.00 1.11 0.07 3/412 21446\n")
        #expect(watch.sample().load?.one == 9)
    }

    @Test func nothingIsKnownWhereThereIsNothing() throws {
        let fixture = try ProcFixture()
        #expect(MachineWatch(procfs: ProcFS(root: fixture.root)).sample() == MachineSample())
    }

    /// A container as nusu sees it from within: another process namespace, and its own group at the root.
    private static func container(namespace: String = "pid:[4026532201]") throws -> (ProcFixture, ProcFS) {
        let fixture = try ProcFixture()
        let own = getpid()
        try fixture.link("proc/\(own)/ns/pid", to: namespace)
        try fixture.write("proc/\(own)/cgroup", "0::/\n")
        try fixture.write("proc/self/mountinfo", "30 24 0:26 / /cg rw - cgroup2 cgroup2 rw\n")
        try fixture.write("cg/memory.max", "1048576\n")
        try fixture.write("cg/memory.current", "900000\n")
        try fixture.write("cg/memory.stat", "anon 5\ninactive_file 100000\n")
        try fixture.write("cg/cpu.max", "150000 100000\n")
        try fixture.write("cg/cpu.stat", "usage_usec 2500000\nuser_usec 1\n")
        return (fixture, ProcFS(root: fixture.root + "/proc", systemRoot: fixture.root))
    }

    @Test func aContainersLimits() throws {
        let (fixture, procfs) = try Self.container()
        let watch = MachineWatch(procfs: procfs)
        let bounds = try #require(watch.sample().bounds)
        #expect(bounds.processors == 1.5)
        #expect(bounds.memoryLimitBytes == 1_048_576 && bounds.memoryUsedBytes == 900_000)
        #expect(bounds.cacheBytes == 100_000)
        #expect(bounds.ranSeconds == 2.5)
        try fixture.write("cg/memory.current", "800000\n")
        #expect(watch.sample().bounds?.memoryUsedBytes == 800_000)
        // A limit that is changed while it runs.
        try fixture.write("cg/cpu.max", "50000 100000\n")
        #expect(watch.sample().bounds?.processors == 0.5)
        try fixture.write("cg/cpu.max", "max 100000\n")
        #expect(watch.sample().bounds?.processors == nil)
    }

    /// The machine's own is not what the container's processes wait for.
    @Test func aContainersPressure() throws {
        let (fixture, procfs) = try Self.container()
        try fixture.write("proc/pressure/cpu", "some avg10=73.58 avg60=0 avg300=0 total=1\n")
        #expect(try #require(MachineWatch(procfs: procfs).sample().bounds).pressure == nil)
        try fixture.write("cg/cpu.pressure", "some avg10=2.50 avg60=0 avg300=0 total=1\n")
        try fixture.write("cg/memory.pressure", "some avg10=0.10 avg60=0\nfull avg10=0.05 avg60=0\n")
        let sample = MachineWatch(procfs: procfs).sample()
        #expect(sample.pressure.cpuSome == 73.58)
        let pressure = try #require(sample.bounds?.pressure)
        #expect(pressure.cpuSome == 2.5 && pressure.memoryFull == 0.05 && pressure.ioSome == nil)
    }

    /// Version 1 has a hierarchy for each controller.
    @Test func limitsOfVersionOne() throws {
        let (fixture, procfs) = try Self.container()
        let own = getpid()
        try fixture.write("proc/\(own)/cgroup", "4:memory:/box\n2:cpuacct:/box\n1:cpu:/box\n0::/\n")
        try fixture.write(
            "proc/self/mountinfo",
            """
            31 24 0:27 / /memory rw - cgroup cgroup rw,memory
            32 24 0:28 / /cpu rw - cgroup cgroup rw,cpu
            33 24 0:29 / /cpuacct rw - cgroup cgroup rw,cpuacct

            """)
        try fixture.write("memory/box/memory.limit_in_bytes", "1048576\n")
        try fixture.write("memory/box/memory.usage_in_bytes", "900000\n")
        try fixture.write("memory/box/memory.stat", "inactive_file 1\ntotal_inactive_file 50000\n")
        try fixture.write("cpu/box/cpu.cfs_quota_us", "50000\n")
        try fixture.write("cpu/box/cpu.cfs_period_us", "100000\n")
        try fixture.write("cpuacct/box/cpuacct.usage", "1500000000\n")
        let bounds = try #require(MachineWatch(procfs: procfs).sample().bounds)
        #expect(bounds.processors == 0.5)
        #expect(bounds.memoryLimitBytes == 1_048_576 && bounds.memoryUsedBytes == 900_000)
        #expect(bounds.cacheBytes == 50_000)
        #expect(bounds.ranSeconds == 1.5)
    }

    /// A service's limits are not the machine's.
    @Test func outsideOfContainersThereAreNone() throws {
        let (fixture, procfs) = try Self.container(namespace: "pid:[4026531836]")
        #expect(MachineWatch(procfs: procfs).sample().bounds == nil)
        _ = fixture
    }

    @Test func aContainerWithoutLimitsIsTheMachine() throws {
        let (fixture, procfs) = try Self.container()
        try fixture.write("cg/memory.max", "max\n")
        try fixture.write("cg/cpu.max", "max 100000\n")
        #expect(MachineWatch(procfs: procfs).sample().bounds == nil)
    }

    @Test(arguments: ["", "cpu", "cpu x", "cpu 1 2 3", "cpu99999999999999999999 1 2 3 4", "cpu-1 1 2 3 4 5"])
    func damagedStatistics(_ text: String) throws {
        let (fixture, procfs) = try Self.fixture()
        try fixture.write("stat", text)
        try fixture.write("loadavg", text)
        try fixture.write("meminfo", text)
        let sample = MachineWatch(procfs: procfs).sample()
        #expect(sample.total == nil && sample.cores.isEmpty && sample.load == nil && sample.memory == nil)
    }
}
