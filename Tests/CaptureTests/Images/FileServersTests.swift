import Model
import Testing

@testable import Capture

@Suite("Files whose file system somebody serves") struct FileServersTests {
    private static func mapping(_ major: UInt32, _ minor: UInt32, inode: UInt64 = 7, _ path: String = "/x") -> Mapping {
        Mapping(
            range: AddressRange(0x10000, 0x20000), permissions: [.read, .execute], deviceMajor: major,
            deviceMinor: minor, inode: inode, nameBytes: Array(path.utf8))
    }

    private static func servers() throws -> (FileServers, ProcFixture) {
        let fixture = try ProcFixture()
        try fixture.write(
            "proc/77/mountinfo",
            """
            22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
            31 22 0:39 / /home/me/my\\040phone rw,nosuid - fuse.sshfs phone: rw,user_id=0
            32 22 0:40 / /photos rw shared:2 master:1 - fuseblk /dev/sdb1 rw
            33 22 0:41 / /sys/fs/fuse/connections rw - fusectl fusectl rw
            34 22 0:42 / /tools rw - nfs4 server:/tools rw
            garbage
            35 22 0:x / /y rw - fuse z rw

            """)
        try fixture.write("proc/self/mountinfo", "40 1 0:50 / /elsewhere rw - fuse Files rw\n")
        // Unmounted while in use: only the kernel's own list has it.
        try fixture.write("sys/fs/fuse/connections/60/waiting", "0\n")
        return (FileServers(of: 77, procFS: ProcFS(root: fixture.root + "/proc", systemRoot: fixture.root)), fixture)
    }

    @Test("What a program serves is never touched, what nobody serves is") func programs() throws {
        let (servers, _) = try Self.servers()
        for minor in [39, 40, 50, 60] as [UInt32] { #expect(!servers.mayRead(Self.mapping(0, minor)), "0:\(minor)") }
        #expect(servers.mayRead(Self.mapping(254, 0)))
        #expect(servers.mayRead(Self.mapping(0, 41)))
        // Memory without a name, and without a file.
        #expect(servers.mayRead(Self.mapping(0, 1)))
        #expect(servers.mayRead(Self.mapping(0, 39, inode: 0)))
        // A machine that answers, if only that there is no such file.
        #expect(servers.mayRead(Self.mapping(0, 42)))
    }

    @Test("No way may lead through it") func paths() throws {
        let (servers, _) = try Self.servers()
        #expect(servers.isServed(pathBytes: Array("/home/me/my phone/libx.so".utf8)))
        #expect(servers.isServed(pathBytes: Array("/home/me/my phone".utf8)))
        #expect(!servers.isServed(pathBytes: Array("/home/me/my phone2/libx.so".utf8)))
        #expect(!servers.isServed(pathBytes: Array("/tools/libx.so".utf8)))
    }

    @Test("A gap says how many files, and of what") func gaps() throws {
        let (servers, _) = try Self.servers()
        #expect(servers.gap(of: [Self.mapping(254, 0)]) == nil)
        let gap = try #require(
            servers.gap(of: [Self.mapping(0, 39), Self.mapping(0, 39), Self.mapping(0, 40, inode: 8)]))
        #expect(gap.what == "2 files that it has mapped")
        #expect(gap.reason.contains("(fuse.sshfs, fuseblk)"))
    }

    @Test("Without mountinfo nobody serves anything") func unknown() throws {
        let fixture = try ProcFixture()
        let servers = FileServers(of: 77, procFS: ProcFS(root: fixture.root, systemRoot: fixture.root))
        #expect(servers.mayRead(Self.mapping(0, 39)) && servers.gap(of: [Self.mapping(0, 39)]) == nil)
    }
}
