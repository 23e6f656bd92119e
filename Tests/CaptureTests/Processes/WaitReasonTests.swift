import Glibc
import Model
import Testing

@testable import Capture

@Suite("Why processes wait") struct WaitReasonTests {
    @Test("Who holds the lock of a file") func locks() {
        let text = """
            1: FLOCK  ADVISORY  WRITE 812 fe:00:16220202 0 EOF
            1: -> FLOCK  ADVISORY  WRITE 913 fe:00:16220202 0 EOF
            1: -> FLOCK  ADVISORY  WRITE 914 fe:00:16220202 0 EOF
            2: POSIX  ADVISORY  READ  815 fe:00:16270385 1073741824 1073742335
            3: OFDLCK ADVISORY  WRITE -1 fe:00:1 0 EOF
            3: -> OFDLCK ADVISORY  WRITE 77 fe:00:1 0 EOF
            ->
            x

            """
        #expect(ProcFS.lockHolders(parsing: Array(text.utf8), awaitedBy: 913) == [812])
        #expect(ProcFS.lockHolders(parsing: Array(text.utf8), awaitedBy: 914) == [812])
        #expect(ProcFS.lockHolders(parsing: Array(text.utf8), awaitedBy: 812).isEmpty)
        // A lock of an open file belongs to no process.
        #expect(ProcFS.lockHolders(parsing: Array(text.utf8), awaitedBy: 77).isEmpty)
    }

    private func process(_ fixture: ProcFixture, _ pid: Int32, state: String = "S", call: String?) throws {
        try fixture.write("\(pid)/stat", Sample.stat(pid: pid, command: "a) R 1\n", state: state))
        try fixture.write("\(pid)/status", Sample.status(pid: pid))
        if let call { try fixture.write("\(pid)/task/\(pid)/syscall", call) }
    }

    @Test("A pipe's reader waits for who can write") func pipe() throws {
        let fixture = try ProcFixture()
        try process(fixture, 10, call: "0 0x3 0x7ffd 0x1 0x0 0x0 0x0 0x7ffd 0x7f3c\n")
        try fixture.link("10/fd/3", to: "pipe:[55]")
        try fixture.write("10/fdinfo/3", "pos:\t0\nflags:\t00\nmnt_id:\t14\n")
        try process(fixture, 11, state: "R", call: "running\n")
        try fixture.link("11/fd/7", to: "pipe:[55]")
        try fixture.write("11/fdinfo/7", "pos:\t0\nflags:\t0100001\nmnt_id:\t14\n")
        let reasons = ProcFS(root: fixture.root).waits(from: 10)
        #expect(reasons.map(\.process.pid) == [10, 11])
        #expect(reasons.first?.cause == .pipe(inode: 55, isReading: true, isOwn: false))
        #expect(reasons.first?.call == "read")
        #expect(reasons.last?.cause == .running)
    }

    /// A reader of two pipes, each of which another process can write to.
    private func pollsTwo(_ fixture: ProcFixture, call: String) throws {
        try process(fixture, 10, call: call)
        for (descriptor, pipe, writer) in [(3, 55, 11), (4, 56, 12)] as [(Int32, Int, Int32)] {
            try fixture.link("10/fd/\(descriptor)", to: "pipe:[\(pipe)]")
            try fixture.write("10/fdinfo/\(descriptor)", "pos:\t0\nflags:\t00\nmnt_id:\t14\n")
            try process(fixture, writer, state: "R", call: "running\n")
            try fixture.link("\(writer)/fd/7", to: "pipe:[\(pipe)]")
            try fixture.write("\(writer)/fdinfo/7", "pos:\t0\nflags:\t01\nmnt_id:\t14\n")
        }
    }

    /// struct pollfd, each for reading.
    private func array(_ descriptors: [UInt32]) -> [UInt8] {
        descriptors.flatMap { MessageFixture.bytes($0) + MessageFixture.bytes(1 as UInt32) }
    }

    @Test("Who polls several waits for all who can write, where all of them are known") func poll() throws {
        func reason(
            _ descriptors: [UInt32], timeout: String = "0xffffffff", _ change: (ProcFixture) throws -> Void = { _ in }
        )
            throws -> WaitReason?
        {
            let fixture = try ProcFixture()
            try pollsTwo(fixture, call: "7 0x8 0x\(descriptors.count) \(timeout) 0x0 0x0 0x0 0x7ffd 0x7f3c\n")
            try fixture.write("10/mem", [UInt8](repeating: 0, count: 8) + array(descriptors))
            try change(fixture)
            return ProcFS(root: fixture.root).waits(from: 10).first
        }
        let both = try #require(try reason([3, 4]))
        #expect(both.awaited.map(\.process.pid) == [11, 12] && both.descriptors == [3, 4])
        #expect(both.cause == .descriptors(["pipe": 2]) && !both.hasTimeout && both.ownThreadsToo && !both.ranMeanwhile)
        // One that is passed over.
        #expect(try reason([3, .max])?.cause == .pipe(inode: 55, isReading: true, isOwn: false))
        #expect(try reason([3, 4], timeout: "0x64")?.hasTimeout == true)
        // A terminal, an event counter, a pipe that only it has, one that is closed: nobody knows who could wake it.
        for other in ["/dev/pts/1", "anon_inode:[eventfd]", "pipe:[99]"] {
            let unknown = try reason([3, 5]) { fixture in
                try fixture.link("10/fd/5", to: other)
                try fixture.write("10/fdinfo/5", "pos:\t0\nflags:\t02\nmnt_id:\t14\n")
            }
            #expect(unknown?.awaited.isEmpty == true && unknown?.descriptors.isEmpty == true, "\(other)")
        }
        #expect(try reason([3, 6])?.awaited.isEmpty == true)
        // It went on, and waits anew.
        let moved = try reason([3, 4]) { fixture in
            try fixture.write(
                "10/status", Sample.status(pid: 10).replacing("voluntary_ctxt_switches:\t150\n", with: ""))
        }
        #expect(moved?.ranMeanwhile == true)
    }

    @Test("What an epoll watches is told by the file, not by the number alone") func epoll() throws {
        func reason(inode: String) throws -> WaitReason? {
            let fixture = try ProcFixture()
            try pollsTwo(fixture, call: "232 0x9 0x7ffd 0x1 0xffffffff 0x0 0x0 0x7ffd 0x7f3c\n")
            try fixture.link("10/fd/9", to: "anon_inode:[eventpoll]")
            try fixture.write(
                "10/fdinfo/9",
                """
                pos:\t0
                flags:\t02
                mnt_id:\t14
                tfd:        3 events:       19 data:                3  pos:0 ino:37 sdev:f
                tfd:        4 events:       19 data:                4  pos:0 ino:\(inode) sdev:f

                """)
            return ProcFS(root: fixture.root).waits(from: 10).first
        }
        #expect(try reason(inode: "38")?.awaited.map(\.process.pid) == [11, 12])
        // After a fork the number is another file's.
        #expect(try reason(inode: "3a")?.awaited.isEmpty == true)
    }

    @Test("A FIFO's reader waits for who can write") func fifo() throws {
        let fixture = try ProcFixture()
        let path = fixture.root + "/fifo"
        try #require(mkfifo(path, 0o600) == 0)
        try process(fixture, 10, call: "0 0x3 0x7ffd 0x1 0x0 0x0 0x0 0x7ffd 0x7f3c\n")
        try process(fixture, 11, state: "R", call: "running\n")
        for (pid, descriptor, flags) in [(10, 3, "00"), (11, 7, "01"), (11, 8, "00")] as [(Int32, Int32, String)] {
            try fixture.link("\(pid)/fd/\(descriptor)", to: path)
            try fixture.write("\(pid)/fdinfo/\(descriptor)", "pos:\t0\nflags:\t\(flags)\nmnt_id:\t14\n")
        }
        let reason = try #require(ProcFS(root: fixture.root).waits(from: 10).first)
        #expect(reason.awaited.map(\.process.pid) == [11])
        #expect(reason.cause == .fifo(path: Array(path.utf8), isReading: true, isOwn: false))
    }

    @Test("A thread of the kernel is in no system call") func kernelThread() throws {
        let fixture = try ProcFixture()
        try process(fixture, 10, call: "0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n")
        #expect(ProcFS(root: fixture.root).currentCall(of: 10, thread: 10) == ProcFS.SystemCall())
    }

    @Test("A socket's reader waits for who has the other end") func socket() throws {
        let fixture = try ProcFixture()
        try process(fixture, 10, call: "45 0x3 0x7ffd 0x1 0x0 0x0 0x0 0x7ffd 0x7f3c\n")
        try fixture.link("10/fd/3", to: "socket:[100]")
        try process(fixture, 11, state: "R", call: "running\n")
        try fixture.link("11/fd/7", to: "socket:[101]")
        try fixture.write(
            "10/net/tcp",
            """
               0: 0100007F:1388 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 100 1 0
               1: 0100007F:1F90 0100007F:1388 01 00000000:00000000 00:00000000 00000000  1000        0 101 1 0

            """)
        let reasons = ProcFS(root: fixture.root).waits(from: 10)
        #expect(reasons.map(\.process.pid) == [10, 11])
        #expect(reasons.first?.awaited.map(\.process.pid) == [11])
        guard case .socket(let wait)? = reasons.first?.cause else {
            Issue.record("no socket")
            return
        }
        #expect(wait.purpose == .receive && wait.name == .internet(InternetAddress(v4: 0x7f00_0001), port: 8080))
    }

    @Test("A mutex names its owner, who is believed only if it is a thread of the process") func mutex() throws {
        func reason(owner: UInt32, users: UInt32 = 1) throws -> WaitReason? {
            let fixture = try ProcFixture()
            try process(fixture, 10, call: "202 0x10 0x80 0x2 0x0 0x0 0x0 0x7ffd 0x7f3c\n")
            try fixture.write("10/task/12/stat", Sample.stat(pid: 12, command: "worker"))
            try fixture.write(
                "10/task/12/status", Sample.status(pid: 12).replacing("NSpid:\t12\t1", with: "NSpid:\t12\t2"))
            let words: [UInt32] = [0, 0, 0, 0, 2, 0, owner, users, 0]
            try fixture.write("10/mem", words.flatMap { MessageFixture.bytes($0) })
            return ProcFS(root: fixture.root).waits(from: 10).first
        }
        // Its own number, in a namespace of processes where the thread is 2.
        #expect(try reason(owner: 2)?.awaited.map(\.thread) == [12])
        let missing = try reason(owner: 12)
        #expect(missing?.awaited.isEmpty == true)
        guard case .memoryLock(let lock)? = missing?.cause else {
            Issue.record("no lock")
            return
        }
        #expect(lock.missingOwner == 12)
        // No mutex: nobody uses it.
        #expect(try reason(owner: 2, users: 0)?.awaited.isEmpty == true)
    }

    @Test("States and calls") func causes() throws {
        let fixture = try ProcFixture()
        try process(fixture, 10, call: "61 0xb 0x0 0x0 0x0 0x0 0x0 0x7ffd 0x7f3c\n")
        try process(fixture, 11, state: "T", call: nil)
        try process(fixture, 12, call: nil)
        try process(fixture, 13, state: "Z", call: nil)
        try process(fixture, 14, call: "202 0x7f3c 0x80 0x0 0x0 0x0 0x0 0x7ffd 0x7f3c\n")
        try process(fixture, 15, call: "999 0x0 0x0 0x0 0x0 0x0 0x0 0x7ffd 0x7f3c\n")
        let procfs = ProcFS(root: fixture.root)
        #expect(procfs.waits(from: 10).map(\.cause) == [.child, .stopped(by: nil)])
        #expect(procfs.waits(from: 12).map(\.cause) == [.notPermitted])
        #expect(procfs.waits(from: 13).map(\.cause) == [.zombie(parent: 1)])
        #expect(procfs.waits(from: 14).map(\.cause) == [.memoryLock(MemoryLock(isShared: false))])
        #expect(procfs.waits(from: 15).first?.call == "system call 999")
        #expect(procfs.waits(from: 99).isEmpty)
    }
}
