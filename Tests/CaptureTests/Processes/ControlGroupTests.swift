import Model
import Testing

@testable import Capture

@Suite("Control groups") struct ControlGroupTests {
    @Test("Version 2: the group and every ancestor down to the mount point")
    func unified() throws {
        let fixture = try ProcFixture()
        try fixture.write("proc/77/cgroup", "0::/pods.slice/pod1/3f9c\n")
        try fixture.write(
            "proc/self/mountinfo",
            "24 1 0:22 / /proc rw - proc proc rw\n30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n"
        )
        let base = "sys/fs/cgroup/pods.slice"
        try fixture.write(base + "/pod1/3f9c/memory.max", "1073741824\n")
        try fixture.write(base + "/pod1/3f9c/memory.high", "max\n")
        try fixture.write(base + "/pod1/3f9c/memory.current", "902823936\n")
        try fixture.write(base + "/pod1/3f9c/memory.stat", "anon 1\nfile 142606336\nshmem 606336\n")
        try fixture.write(base + "/pod1/memory.max", "2147483648\n")
        try fixture.write(base + "/pod1/memory.high", "2000000000\n")
        try fixture.write(base + "/pod1/memory.current", "1000000000\n")
        try fixture.write(base + "/memory.max", "max\n")
        try fixture.write(base + "/memory.current", "5\n")
        try fixture.write(base + "/pod1/pids.max", "100\n")
        try fixture.write(base + "/pod1/pids.current", "12\n")
        let procfs = ProcFS(root: fixture.root + "/proc", systemRoot: fixture.root)
        let groups = try procfs.memoryCgroups(of: 77)
        #expect(groups.map(\.limitBytes) == [1_073_741_824, 2_147_483_648, nil])
        #expect(groups.map(\.highBytes) == [nil, 2_000_000_000, nil])
        #expect(groups.map(\.usageBytes) == [902_823_936, 1_000_000_000, 5])
        #expect(groups.map(\.cacheBytes) == [142_000_000, nil, nil])
        #expect(groups.first?.path == fixture.root + "/" + base + "/pod1/3f9c")
        try fixture.write(base + "/pod1/memory.events", "low 0\nhigh 3\nmax 9\noom 2\noom_kill 1\n")
        try fixture.write(base + "/pod1/3f9c/memory.max", "max\n")
        let account = try #require(try procfs.groupMemory(of: 77))
        #expect(account.pathBytes == Array("/pods.slice/pod1".utf8))
        #expect(account.limitBytes == 2_147_483_648 && account.usageBytes == 1_000_000_000)
        #expect(account.outOfMemoryKills == 1 && account.anonymousBytes == nil)
        let pids = try procfs.pidsCgroups(of: 77)
        #expect(pids.map(\.limit) == [100])
        #expect(pids.map(\.count) == [12])
    }

    @Test("Version 1 inside a container: the mount's root is a part of the path; a huge number is no limit")
    func legacy() throws {
        let fixture = try ProcFixture()
        try fixture.write("proc/77/cgroup", "5:cpu,cpuacct:/docker/ab\n4:memory:/docker/ab/sub\n0::/elsewhere\n")
        try fixture.write(
            "proc/self/mountinfo",
            "31 30 0:28 /docker/ab /sys/fs/cg\\040mem ro master:9 - cgroup cgroup rw,memory\n"
                + "32 30 0:29 /docker/ab /sys/fs/cpu ro master:9 - cgroup cgroup rw,cpu,cpuacct\n")
        try fixture.write("sys/fs/cg mem/memory.limit_in_bytes", "9223372036854771712\n")
        try fixture.write("sys/fs/cg mem/memory.usage_in_bytes", "7\n")
        try fixture.write("sys/fs/cg mem/sub/memory.limit_in_bytes", "4096\n")
        try fixture.write("sys/fs/cg mem/sub/memory.usage_in_bytes", "4000\n")
        try fixture.write("sys/fs/cg mem/sub/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n")
        try fixture.write("sys/fs/cg mem/sub/memory.stat", "rss 1\ntotal_rss 3000\ntotal_cache 900\ntotal_shmem 100\n")
        let procfs = ProcFS(root: fixture.root + "/proc", systemRoot: fixture.root)
        let account = try #require(try procfs.groupMemory(of: 77))
        #expect(account.anonymousBytes == 3000 && account.cacheBytes == 800 && account.outOfMemoryKills == 2)
        #expect(account.pathBytes == Array("/docker/ab/sub".utf8) && account.kernelBytes == nil)
        let groups = try procfs.memoryCgroups(of: 77)
        #expect(groups.map(\.limitBytes) == [4096, nil])
        #expect(groups.map(\.usageBytes) == [4000, 7])
    }

    @Test("A group outside nusu's namespace, or outside the mount, is not guessed at")
    func outside() {
        let mount = CgroupMount(
            root: Array("/docker/ab".utf8), mountPoint: Array("/cg".utf8), options: [], isUnified: true)
        #expect(mount.folders(of: Array("/docker/abc".utf8)) == nil)
        #expect(mount.folders(of: Array("/../x".utf8)) == nil)
        #expect(mount.folders(of: Array("/docker/ab/../x".utf8)) == nil)
        #expect(mount.folders(of: Array("/docker/ab".utf8)) == ["/cg"])
        #expect(mount.folders(of: Array("/docker/ab/c/d".utf8)) == ["/cg/c/d", "/cg/c", "/cg"])
    }
}
