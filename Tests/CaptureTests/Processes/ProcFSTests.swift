import Glibc
import Model
import Testing

@testable import Capture

@Suite("ProcFS") struct ProcFSTests {
    @Test("stat: a name with parentheses, blanks and newlines does not move the fields")
    func hostileNames() throws {
        let fixture = try ProcFixture()
        let procfs = ProcFS(root: fixture.root)
        for name in ["a) R 1 (b", ") Z 0 0", "x\ny) T 7", "((", "", "\u{1b}[31m"] {
            try fixture.write("77/stat", Sample.stat(pid: 77, command: name, state: "t", parent: 12, start: 987))
            let stat = try procfs.stat(of: 77)
            #expect(stat.commandBytes == Array(name.utf8))
            #expect(stat.state == UInt8(ascii: "t"))
            #expect(stat.parent == 12)
            #expect(stat.startTicks == 987)
            #expect(stat.threadCount == 3)
            #expect(stat.exitSignal == 17)
            #expect(stat.processor == 1 && stat.storageDelayTicks == 6)
            #expect(try procfs.identity(of: 77).startTicks == 987)
        }
    }

    @Test("status: every field nusu uses")
    func status() throws {
        let fixture = try ProcFixture()
        try fixture.write("77/status", Sample.status(pid: 77, tracer: 5))
        let status = try ProcFS(root: fixture.root).status(of: 77)
        #expect(status.processID == 77)
        #expect(status.tracerPid == 5)
        #expect(status.user.real == 1000)
        #expect(status.group.saved == 102)
        #expect(status.namespacePids == [77, 1])
        #expect(status.residentBytes == 765952 * 1024)
        #expect(status.anonymousResidentBytes == 700000 * 1024)
        #expect(status.pageTableBytes == 1900 * 1024)
        #expect(status.threadCount == 9)
        #expect(status.signalsPendingShared == 0x100)
        #expect(status.signalsBlocked == 0x10000)
        #expect(status.seccompMode == 2)
        #expect(status.shadowStack)
        #expect(status.mayTraceOthers)
    }

    @Test("status of a process without memory has no sizes, and says so with nil")
    func statusWithoutMemory() throws {
        let text = "Name:\tkthreadd\nTgid:\t2\nTracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n"
        let status = try #require(ProcessStatus(parsing: Array(text.utf8)))
        #expect(status.residentBytes == nil)
        #expect(status.seccompMode == nil)
        #expect(!status.shadowStack)
    }

    @Test("maps: names, permissions, devices; a newline in a name is undone, nothing else is")
    func maps() throws {
        let mappings = Mapping.parse(maps: Array(Sample.maps.utf8))
        #expect(mappings.count == 7)
        #expect(mappings[0].permissions == [.read, .execute])
        #expect(mappings[0].fileOffset == 0x1000)
        #expect(mappings[0].deviceMajor == 8)
        #expect(mappings[0].inode == 1234)
        #expect(mappings[1].isHeap)
        #expect(mappings[2].nameBytes.isEmpty)
        #expect(mappings[2].isAnonymous)
        #expect(mappings[3].permissions.contains(.shared))
        #expect(mappings[3].name == "/dev/shm/a b\nc\\040d (deleted)")
        #expect(mappings[4].isMainStack)
        #expect(mappings[6].range.upper == 0xffff_ffff_ff60_1000)
    }

    @Test("maps: lines that are none, inverted, overlapping or too wide are left out")
    func hostileMaps() {
        let lines = [
            "", "zz", "1000-", "2000-1000 rw-p 0 0:0 0", "1000-2000 rw-p 0 00:00 0", "1800-3000 rw-p 0 00:00 0",
            "3000-4000 rwxq 0 00:00 0", "3000-4000 rw-p 0 00:00", "3000-4000 rw-p 0 00:00 99999999999999999999 /a",
            "11112222333344445-4000 rw-p 0 00:00 0", "3000-4000 rw-p 0 123456789:00 0", "5000-6000 r--p 0 00:00 7 /ok",
        ]
        let mappings = Mapping.parse(maps: Array(lines.joined(separator: "\n").utf8))
        #expect(mappings.map(\.range) == [AddressRange(0x1000, 0x2000), AddressRange(0x5000, 0x6000)])
    }

    @Test("A process that is not there is no target")
    func gone() throws {
        let fixture = try ProcFixture()
        let procfs = ProcFS(root: fixture.root)
        #expect(throws: Failure.self) { try procfs.stat(of: 1) }
        do {
            _ = try procfs.mappings(of: 1)
            Issue.record("mappings of nobody")
        } catch {
            #expect(error.kind == .noTarget)
        }
    }

    @Test("Threads, their names and children, from the children files")
    func threadsAndChildren() throws {
        let fixture = try ProcFixture()
        try fixture.write("77/task/79/children", "101 99 ")
        try fixture.write("77/task/77/children", "")
        try fixture.write("77/task/79/comm", "worker\n\n")
        let procfs = ProcFS(root: fixture.root)
        #expect(try procfs.threadIDs(of: 77) == [77, 79])
        #expect(try procfs.children(of: 77) == [99, 101])
        #expect(procfs.threadName(of: 77, thread: 79) == Array("worker\n".utf8))
        #expect(procfs.threadName(of: 77, thread: 80).isEmpty)
    }

    @Test("Children by a look at everyone, where the kernel has no children files")
    func childrenByScan() throws {
        let fixture = try ProcFixture()
        try fixture.write("77/task/77/comm", "api\n")
        try fixture.write("77/stat", Sample.stat(pid: 77, command: "api"))
        try fixture.write("90/stat", Sample.stat(pid: 90, command: "child", parent: 77))
        try fixture.write("91/stat", Sample.stat(pid: 91, command: "other", parent: 1))
        try fixture.write("self/stat", "")
        #expect(try ProcFS(root: fixture.root).children(of: 77) == [90])
    }

    @Test("epoll: the data words of epoll descriptors only")
    func epoll() throws {
        let fixture = try ProcFixture()
        try fixture.link("77/fd/3", to: "anon_inode:[eventpoll]")
        try fixture.link("77/fd/4", to: "socket:[123]")
        let lines = "pos:\t0\nflags:\t02\ntfd:        5 events:       19 data:     7f3c00001010  pos:0 ino:1 sdev:9\n"
        try fixture.write(
            "77/fdinfo/3", lines + "tfd:        6 events:       19 data:                6\ntfd: x data:\n")
        try fixture.write("77/fdinfo/4", lines)
        #expect(try ProcFS(root: fixture.root).epollData(of: 77) == [0x7f3c_0000_1010, 6])
    }

    @Test("timers: the words that come with their signals")
    func timers() throws {
        let fixture = try ProcFixture()
        try fixture.write(
            "77/timers",
            """
            ID: 0
            signal: 10/000055993c3ca2a0
            notify: signal/pid.77
            ClockID: 1
            ID: 1
            signal: 0/0
            notify: none/pid.77
            signal: x/1
            signal: 12

            """)
        #expect(ProcFS(root: fixture.root).timerData(of: 77) == [0x5599_3c3c_a2a0, 0])
        #expect(ProcFS.timerData(parsing: Array("signal: 3/ffffffffffffffffff".utf8)).isEmpty)
    }

    @Test("pipes: addresses at any byte")
    func pipes() {
        let word: [UInt8] = [0xa0, 0xa2, 0x3c, 0x3c, 0x99, 0x55, 0, 0]
        #expect(
            ProcFS.addresses(in: Array("job: ".utf8) + word + Array("job: ".utf8) + word).filter {
                $0 == 0x5599_3c3c_a2a0
            }.count == 2)
        #expect(ProcFS.addresses(in: [0, 0, 0, 0, 0, 0, 0, 0x80]).isEmpty && ProcFS.addresses(in: [1, 2, 3]).isEmpty)
    }

    @Test("limits, arguments, executable, advice, overcommit")
    func others() throws {
        let fixture = try ProcFixture()
        try fixture.write(
            "77/limits",
            """
            Limit                     Soft Limit           Hard Limit           Units
            Max data size             unlimited            unlimited            bytes
            Max processes             95927                95927                processes
            Max open files            1024                 1048576              files
            Max address space         123456               unlimited            bytes

            """)
        try fixture.write("77/cmdline", "/app/api\0--name\0\0\u{7f}\0")
        try fixture.write("api", [0x7f, 0x45, 0x4c, 0x46, 2, 1] + [UInt8](repeating: 0, count: 12) + [62, 0, 9])
        try fixture.link("77/exe", to: fixture.root + "/api")
        try fixture.write(
            "77/smaps",
            Sample.maps.split(separator: "\n").prefix(2).map {
                "\($0)\nSize:  4 kB\nVmFlags: rd wr \($0.hasSuffix("[heap]") ? "wf dc" : "mr") sd\n"
            }.joined())
        try fixture.write("meminfo", "MemAvailable: 1000 kB\nCommitLimit:  2000 kB\nCommitted_AS: 1500 kB\nHuge: 3\n")
        try fixture.write("sys/vm/overcommit_memory", "2\n")
        let procfs = ProcFS(root: fixture.root)
        let limits = try #require(procfs.limits(of: 77))
        #expect(limits.processes == 95927)
        #expect(limits.dataBytes == nil)
        #expect(limits.addressSpaceBytes == 123456)
        #expect(limits.openFiles == 1024)
        try fixture.write("77/stat", Sample.stat(pid: 77, command: "api"))
        #expect(procfs.arguments(of: 77) == [Array("/app/api".utf8), Array("--name".utf8), [], [0x7f]])
        let executable = try procfs.executable(of: 77)
        #expect(executable.wordBits == 64)
        #expect(executable.machine == 62)
        #expect(!executable.isDeleted)
        let advised = try procfs.smaps(of: 77).filter { !$0.flags.isEmpty }
        #expect(advised.map(\.mapping.range) == [AddressRange(0x55d0_c7f1_a000, 0x55d0_c8e0_0000)])
        #expect(advised.first?.flags == [.leftOutOfForks, .wipedOnFork])
        let overcommit = procfs.overcommit()
        #expect(overcommit.mode == 2)
        #expect(overcommit.commitLimitBytes == 2000 * 1024)
        #expect(overcommit.availableBytes == 1000 * 1024)
    }

    @Test("60,000 mappings parse in a moment")
    func manyMappings() {
        var text: [UInt8] = []
        for index in 0..<60_000 {
            let start = 0x7f00_0000_0000 + index * 0x2000
            let line = "\(String(start, radix: 16))-\(String(start + 0x1000, radix: 16)) rw-p 00000000 00:00 0 \n"
            text += Array(line.utf8)
        }
        let start = secondsOfProcessor()
        let count = Mapping.parse(maps: text).count
        #expect(count == 60_000)
        // An optimised build takes a few milliseconds, one without optimisation a third of a second.
        #expect(secondsOfProcessor() - start < 3)
    }
}
