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
