import Glibc
import Model
import Testing

@testable import Capture

@Suite struct ProcessWatchTests {
    private func fixture() throws -> (ProcFixture, ProcFS) {
        let fixture = try ProcFixture()
        try fixture.write("proc/77/stat", Sample.stat(pid: 77, command: "api) R 1"))
        try fixture.write("proc/77/statm", "2322 1000 300 1 0 500 0\n")
        try fixture.write("proc/77/status", Sample.status(pid: 77) + "VmSwap:\t 12 kB\n")
        try fixture.write("proc/meminfo", "MemTotal: 1000 kB\nSwapTotal: 500 kB\n")
        return (fixture, ProcFS(root: fixture.root + "/proc", systemRoot: fixture.root))
    }

    private var page: UInt64 { UInt64(sysconf(Int32(_SC_PAGESIZE))) }

    @Test func sample() throws {
        let (fixture, procfs) = try fixture()
        let watch = ProcessWatch(procfs: procfs)
        try watch.add(try procfs.identity(of: 77))
        let sample = try #require(watch.sample().first ?? nil)
        #expect(sample.residentBytes == 1000 * page && sample.anonymousBytes == 700 * page)
        #expect(sample.swappedBytes == 0 && sample.threads == 3)
        #expect(sample.heapBytes == nil)
        // Its memory is being taken apart: not known, and not 0.
        try fixture.write("proc/77/statm", "0 0 0 0 0 0 0\n")
        let dying = try #require(watch.sample().first ?? nil)
        #expect(dying.residentBytes == nil && dying.anonymousBytes == nil && dying.threads == 3)
    }

    @Test(arguments: ["", "x", "1", "1 99999999999999999999 3", "1 2", "-1 -1 -1", "5 18446744073709551615 1"])
    func damaged(_ text: String) throws {
        let (fixture, procfs) = try fixture()
        let watch = ProcessWatch(procfs: procfs)
        try watch.add(try procfs.identity(of: 77))
        try fixture.write("proc/77/statm", text)
        #expect(try #require(watch.sample().first ?? nil).residentBytes == nil)
    }

    @Test func anotherProcessWithTheNumber() throws {
        let (fixture, procfs) = try fixture()
        let identity = try procfs.identity(of: 77)
        try fixture.write("proc/77/stat", Sample.stat(pid: 77, command: "other", start: 9000))
        #expect(throws: Failure.self) { try ProcessWatch(procfs: procfs).add(identity) }
    }

    @Test func groups() throws {
        let (fixture, procfs) = try fixture()
        try fixture.write("proc/77/cgroup", "0::/pod/api\n")
        try fixture.write("proc/self/mountinfo", "30 24 0:26 / /cg rw - cgroup2 cgroup2 rw\n")
        try fixture.write("cg/pod/api/memory.max", "max\n")
        try fixture.write("cg/pod/api/memory.current", "5000\n")
        try fixture.write("cg/pod/api/memory.stat", "anon 1\nfile_mapped 9\nfile 1200\nshmem 200\n")
        try fixture.write("cg/pod/api/memory.events", "low 0\noom 3\noom_kill 2\n")
        try fixture.write("cg/pod/memory.max", "8000\n")
        try fixture.write("cg/pod/memory.current", "7000\n")
        try fixture.write("cg/memory.max", "max\n")
        let watch = MemoryGroupWatch(procfs: procfs)
        #expect(watch.add(77) == [0, 1])
        #expect(watch.add(77) == [0, 1])
        let samples = watch.sample()
        #expect(samples.map(\.limitBytes) == [nil, 8000])
        #expect(samples.map(\.usageBytes) == [5000, 7000])
        #expect(samples.map(\.cacheBytes) == [1000, nil])
        #expect(samples.map(\.heldBytes) == [4000, 7000])
        #expect(samples.map(\.outOfMemoryKills) == [2, nil])
    }

    @Test func groupsOfVersion1() throws {
        let (fixture, procfs) = try fixture()
        try fixture.write("proc/77/cgroup", "4:memory:/a\n")
        try fixture.write("proc/self/mountinfo", "31 30 0:28 / /m ro - cgroup cgroup rw,memory\n")
        try fixture.write("m/a/memory.limit_in_bytes", "9000\n")
        try fixture.write("m/a/memory.usage_in_bytes", "7000\n")
        try fixture.write("m/a/memory.stat", "cache 5\ntotal_cache 3000\ntotal_shmem 1000\n")
        try fixture.write("m/a/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n")
        try fixture.write("m/memory.limit_in_bytes", "9223372036854771712\n")
        let watch = MemoryGroupWatch(procfs: procfs)
        #expect(watch.add(77) == [0])
        let sample = watch.sample(0)
        #expect(sample.limitBytes == 9000 && sample.heldBytes == 5000 && sample.outOfMemoryKills == 4)
    }

    /// Its own process: what the kernel says must fit what it has.
    @Test func itself() throws {
        let procfs = ProcFS()
        let watch = ProcessWatch(procfs: procfs)
        try watch.add(try procfs.identity(of: getpid()))
        let before = try #require(watch.sample().first ?? nil)
        let opened = open("/dev/null", O_RDONLY | O_CLOEXEC)
        let after = try #require(watch.sample().first ?? nil)
        close(opened)
        #expect(try #require(after.residentBytes) > 1 << 20)
        // Other tests open files at the same time.
        #expect(try #require(before.descriptors) > 3)
    }

    @Test func evidence() throws {
        let smaps = """
            7f3c00000000-7f3c00021000 rw-p 00000000 00:00 0\u{20}
            Size:                132 kB
            Rss:                  40 kB
            VmFlags: rd wr
            7f3c10000000-7f3c10001000 rw-p 00000000 00:00 0\u{20}
            Rss:                   4 kB
            7ffd1a2c0000-7ffd1a2e1000 rw-p 00000000 00:00 0                          [stack]
            Rss:                 100 kB
            garbage
            Rss: 99999999999999999999 kB

            """
        let mapped = ProcFS.mapped(parsing: Array(smaps.utf8))
        #expect(mapped.map(\.nameBytes) == [Array("[stack]".utf8), []])
        #expect(mapped.map(\.residentBytes) == [100 << 10, 44 << 10])
        #expect(mapped.map(\.count) == [1, 2])
    }
}
