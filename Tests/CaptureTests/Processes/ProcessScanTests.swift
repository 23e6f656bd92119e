import Glibc
import Kernel
import Model
import Testing

@testable import Capture

@Suite("ProcessScan") struct ProcessScanTests {
    /// Names as hostile programs choose them.
    static let names = ["a) R 1 (b", ") Z 0 0", "x\ny) T 7", "((", "", "\u{1b}[31m", "[kthread]", "a\\012b"]

    private func fixture(_ processes: some Sequence<(Int32, String)>) throws -> ProcFixture {
        let fixture = try ProcFixture()
        for (pid, name) in processes {
            try fixture.write("\(pid)/stat", Sample.stat(pid: pid, command: name))
            try fixture.write("\(pid)/cmdline", "/bin/\(name)\0-x\0\0")
            try fixture.write("\(pid)/status", Sample.status(pid: pid))
            try fixture.write("\(pid)/schedstat", "123 456 7\n")
            try fixture.write("\(pid)/cgroup", "0::/docker/3f9c2ab1d4e53f9c2ab1d4e53f9c2ab1\n")
        }
        return fixture
    }

    @Test("Hostile names and arguments come through as bytes") func hostile() throws {
        let fixture = try fixture(zip((10 as Int32)..., Self.names))
        let scan = try ProcFS(root: fixture.root).scan(.init([.owner, .arguments]))
        #expect(scan.records.map(\.processID) == Array(10..<(10 + Int32(Self.names.count))))
        for (record, name) in zip(scan.records, Self.names) {
            #expect(record.stat.commandBytes == Array(name.utf8))
            #expect(record.stat.state == UInt8(ascii: "S"))
            #expect(record.argumentBytes == Array("/bin/\(name)\0-x\0\0".utf8))
            #expect(record.owner?.user == geteuid())
        }
    }

    @Test("Only what was asked for is read, and what is there") func sources() throws {
        let fixture = try fixture([(10, "a"), (20, "b")])
        let procfs = ProcFS(root: fixture.root)
        let bare = try #require(try procfs.scan(.init([])).records.first)
        #expect(bare.argumentBytes == nil && bare.owner == nil && bare.status == nil && bare.runTimes == nil)
        let sources: ProcessSources = [.status, .schedstat, .controlGroups, .io, .waitChannel, .autogroup]
        let record = try #require(try procfs.scan(.init(sources)).records.first)
        #expect(record.status?.user.real == 1000)
        #expect(record.runTimes == ProcessRecord.RunTimes(ran: 123, waited: 456, slices: 7))
        #expect(record.containerBytes == Array("3f9c2ab1d4e53f9c2ab1d4e53f9c2ab1".utf8))
        #expect(record.io == nil && record.waitChannel == nil && record.autogroup == nil)
        #expect(record.denied.isEmpty)
        #expect(try procfs.scan(.init([], processes: [20, 99])).records.map(\.processID) == [20])
        #expect(try procfs.scan(.init([.arguments]) { $0.processID == 10 }).records.map(\.processID) == [10])
    }

    @Test("Threads are records of their own, with what belongs to the process") func threads() throws {
        let fixture = try fixture([(10, "a")])
        for thread: Int32 in [10, 12, 11] {
            try fixture.write("10/task/\(thread)/stat", Sample.stat(pid: thread, command: "t\(thread)"))
        }
        let scan = try ProcFS(root: fixture.root).scan(.init([.owner, .arguments], threads: true))
        #expect(scan.records.map(\.stat.pid) == [10, 11, 12])
        #expect(scan.records.allSatisfy { $0.processID == 10 && $0.owner != nil && $0.argumentBytes?.isEmpty == false })
    }

    /// A file that nobody writes to blocks whoever opens it, as `cmdline` of a process does whose memory map is locked.
    @Test("A process whose arguments cannot be read for ever holds nobody up") func locked() throws {
        let fixture = try fixture((10..<30).map { ($0, "p\($0)") })
        for pid in [10, 15, 29] {
            let path = fixture.root + "/\(pid)/cmdline"
            unlink(path)
            try #require(mkfifo(path, 0o600) == 0)
        }
        let start = Moment.now
        let scan = try ProcFS(root: fixture.root).scan(.init([.owner, .arguments]), patience: 0.05)
        #expect(Moment.now.seconds(since: start) < 60)
        #expect(scan.records.map(\.processID) == Array(10..<30))
        #expect(scan.records.filter { $0.locked == .arguments }.map(\.processID) == [10, 15, 29])
        #expect(scan.records.filter { $0.argumentBytes == nil }.map(\.processID) == [10, 15, 29])
        release(fixture, [10, 15, 29])
    }

    @Test("With too many of them the rest is listed without arguments") func manyLocked() throws {
        let fixture = try fixture((10..<40).map { ($0, "p\($0)") })
        for pid in 10..<40 {
            unlink(fixture.root + "/\(pid)/cmdline")
            try #require(mkfifo(fixture.root + "/\(pid)/cmdline", 0o600) == 0)
        }
        let scan = try ProcFS(root: fixture.root).scan(.init([.arguments]), patience: 0.02)
        #expect(scan.records.map(\.processID) == Array(10..<40))
        #expect(scan.records.allSatisfy { $0.locked == .arguments })
        release(fixture, Array(10..<40))
    }

    /// Lets the threads go that were left stuck: opened for writing too, the file is there for both ends.
    private func release(_ fixture: ProcFixture, _ pids: [Int]) {
        for pid in pids { close(open(fixture.root + "/\(pid)/cmdline", O_RDWR | O_NONBLOCK)) }
    }

    @Test("A folder that is no /proc is said, not an empty list") func missing() {
        #expect(throws: Failure.self) { try ProcFS(root: "/nonexistent").scan(.init([])) }
    }

    @Test("Facts of the machine, and terminals by their names") func facts() throws {
        let fixture = try ProcFixture()
        try fixture.write("uptime", "3463.24 1717.54\n")
        try fixture.write("stat", "cpu  1 2 3\nbtime 1795466162\n")
        try fixture.write("meminfo", "MemTotal:       24737380 kB\nMemFree: 1 kB\n")
        try fixture.write("sys/kernel/pid_max", "4194304\n")
        try fixture.write(
            "tty/drivers",
            """
            /dev/tty             /dev/tty        5       0 system:/dev/tty
            /dev/console         /dev/console    5       1 system:console
            serial               /dev/ttyS       4 64-67 serial
            pty_slave            /dev/pts      136 0-1048575 pty:slave
            unknown              /dev/tty        4 1-63 console

            """)
        try fixture.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nada:x:1000:1000::/:\nbad\nbob:x:1000:9::/:\n")
        let facts = ProcFS(root: fixture.root, systemRoot: fixture.root).machineFacts()
        #expect(facts.uptime == 3463.24)
        #expect(facts.bootTime == 1_795_466_162)
        #expect(facts.memoryBytes == 24_737_380 * 1024)
        #expect(facts.processLimit == 4_194_304)
        #expect(facts.userName(1000) == "ada" && facts.userName(7) == "7")
        #expect(facts.terminalName(0) == nil)
        #expect(facts.terminalName(136 << 8 | 3) == "pts/3")
        #expect(facts.terminalName(137 << 8 | 1) == "pts/257")
        #expect(facts.terminalName(4 << 8 | 2) == "tty2")
        #expect(facts.terminalName(4 << 8 | 65) == "ttyS1")
        #expect(facts.terminalName(5 << 8 | 1) == "console")
        #expect(facts.terminalName(200 << 8 | 9) == "200:9")
    }
}
