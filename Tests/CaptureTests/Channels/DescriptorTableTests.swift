import Model
import Testing

@testable import Capture

@Suite("Open descriptors") struct DescriptorTableTests {
    private func info(_ text: String, _ kind: Descriptor.Kind) -> DescriptorInfo {
        Array(text.utf8).withUnsafeBufferPointer { DescriptorInfo(parsing: $0, kind: kind) }
    }

    private func descriptor(_ target: String) -> Descriptor {
        Array(target.utf8).withUnsafeBufferPointer { ProcFS.descriptor(3, $0) }
    }

    private func fixture(links: [Int32: String], infos: [Int32: String] = [:]) throws -> DescriptorTable {
        let fixture = try ProcFixture()
        try fixture.write("77/stat", Sample.stat(pid: 77, command: "api"))
        try fixture.write(
            "77/limits",
            "Limit                     Soft Limit           Hard Limit           Units     \n"
                + "Max open files            1024                 524288               files     \n")
        try fixture.write("77/fdinfo/none", "")
        for (number, target) in links { try fixture.link("77/fd/\(number)", to: target) }
        for (number, text) in infos { try fixture.write("77/fdinfo/\(number)", text) }
        let procfs = ProcFS(root: fixture.root)
        return try procfs.descriptorTable(of: try procfs.identity(of: 77), .otherEnds)
    }

    @Test("What each link says") func kinds() {
        let kinds: [(String, Descriptor.Kind)] = [
            ("socket:[12]", .socket), ("pipe:[12]", .pipe), ("anon_inode:[eventpoll]", .epoll),
            ("anon_inode:[eventfd]", .eventfd), ("anon_inode:[timerfd]", .timerfd),
            ("anon_inode:[signalfd]", .signalfd), ("anon_inode:inotify", .inotify),
            ("anon_inode:[fanotify]", .fanotify), ("anon_inode:[pidfd]", .pidfd), ("pidfd:[123]", .pidfd),
            ("anon_inode:[io_uring]", .ioUring), ("anon_inode:[perf_event]", .other), ("/memfd:x (deleted)", .memfd),
            ("net:[4026531840]", .other), ("/var/x", .file), ("anon_inode:[eventfdx]", .other), ("", .other),
        ]
        for (target, kind) in kinds { #expect(descriptor(target).kind == kind, "\(target)") }
        #expect(descriptor("/a/b (deleted)").isDeleted)
        #expect(descriptor("/a/b (deleted)").target == Array("/a/b".utf8))
        #expect(!descriptor("/a/b").isDeleted)
    }

    @Test("Flags, offset and locks of fdinfo") func flags() {
        let info = info(
            "pos:\t4096\nflags:\t02102001\nmnt_id:\t9\nino:\t7\nlock:\t1: FLOCK  ADVISORY  WRITE 7 \n", .file)
        #expect(info.offset == 4096 && info.locks == 1 && info.inode == 7)
        var descriptor = descriptor("/x")
        descriptor.flags = info.flags
        #expect(descriptor.access == .write)
        #expect(descriptor.flagNames == ["append", "cloexec"])
        descriptor.flags = 0o4010002
        #expect(descriptor.access == .both && descriptor.flagNames == ["sync"])
        descriptor.flags = 0o10000000
        #expect(descriptor.access == .path)
    }

    @Test("What the kernel says of some kinds only") func details() {
        #expect(
            info("tfd:        5 events:       19 data: 5 pos:0\ntfd: 9 events: 1 data: 0\n", .epoll).detail
                == .watched([5, 9], count: 2))
        #expect(info("pos:\t0\n", .epoll).detail == .watched([], count: 0))
        #expect(info("eventfd-count:               1f\neventfd-id: 12\n", .eventfd).detail == .event(id: 12, value: 31))
        #expect(info("eventfd-count: 3\n", .eventfd).detail == .event(id: nil, value: 3))
        #expect(
            info("clockid: 1\nticks: 0\nit_value: (4, 500000000)\nit_interval: (5, 0)\n", .timerfd).detail
                == .timer(clock: 1, secondsLeft: 4.5, interval: 5))
        #expect(info("sigmask:\t0000000000004002\n", .signalfd).detail == .signals(0x4002))
        #expect(info("inotify wd:2 ino:1\ninotify wd:1 ino:2\n", .inotify).detail == .watches(2))
        #expect(info("Pid:\t55\nNSpid:\t55\n", .pidfd).detail == .process(55))
        #expect(info("tty-index:\t3\n", .terminal).detail == .master(3))
        #expect(info("Pid:\t-1\n", .pidfd).detail == .process(nil))
        // A file may be called like a line, but its kind's lines only are read.
        #expect(info("tfd: 5 events: 1\n", .file).detail == nil)
    }

    @Test("An epoll of many descriptors is counted, and kept in part") func manyWatched() {
        let lines = (0..<3000).map { "tfd: \($0) events: 1 data: 0\n" }.joined()
        guard case .watched(let targets, let count)? = info(lines, .epoll).detail else {
            Issue.record("nothing watched")
            return
        }
        #expect(count == 3000 && targets.count == Descriptor.targetLimit)
    }

    @Test("A whole folder: in order, with the limit, and without what has no fdinfo any more") func table() throws {
        let table = try fixture(
            links: [12: "/no/such/file", 3: "pipe:[9]", 4: "pipe:[9]", 0: "/dev/null"],
            infos: [3: "pos:\t0\nflags:\t00\n", 4: "pos:\t0\nflags:\t01\n", 12: "pos:\t7\nflags:\t02\n"])
        #expect(table.descriptors.map(\.number) == [0, 3, 4, 12])
        #expect(table.total == 4 && table.softLimit == 1024 && table.hardLimit == 524288)
        #expect(table.gaps.isEmpty)
        #expect(table[0]?.kind == .device && table[0]?.flags == nil && table[0]?.access == nil)
        #expect(table[12]?.kind == .file && table[12]?.offset == 7)
        #expect(table[5] == nil)
        // It has both ends of the pipe itself.
        #expect(table[3]?.otherEnd?.isOwn == true && table[3]?.otherEnd?.processes.map(\.pid) == [77])
        #expect(table[4]?.otherEnd?.isOwn == true)
    }

    @Test("Names that the target chose") func hostile() throws {
        let table = try fixture(links: [1: "/tmp/\u{1b}[31m\nred", 2: "socket:[x", 5: "pipe:[99999999999999999999]"])
        #expect(table[1]?.target == Array("/tmp/\u{1b}[31m\nred".utf8))
        #expect(table[2]?.kind == .socket && table[2]?.socket == nil)
        #expect(table[5]?.otherEnd == nil)
    }

    @Test("A connection that only the other end has closed is told from others that close") func abandoned() {
        #expect(SocketMessages.state(8) == .abandoned)
        for closing: UInt8 in [4, 5, 9, 11] { #expect(SocketMessages.state(closing) == .closing) }
    }

    @Test("The same number is the same thing only if it leads to the same") func sameness() {
        var (one, two) = (descriptor("/a"), descriptor("/a"))
        #expect(one.isSame(as: two))
        two.file = Mapping.FileID(deviceMajor: 1, deviceMinor: 2, inode: 3)
        #expect(!one.isSame(as: two))
        two = descriptor("/b")
        #expect(!one.isSame(as: two))
        one = descriptor("anon_inode:[eventfd]")
        two = one
        one.detail = .event(id: 1, value: 0)
        two.detail = .event(id: 1, value: 9)
        #expect(one.isSame(as: two))
        two.detail = .event(id: 2, value: 0)
        #expect(!one.isSame(as: two))
    }
}
