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
