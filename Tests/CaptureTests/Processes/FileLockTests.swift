import Model
import Testing

@testable import Capture

@Suite struct FileLockTests {
    private static let file = Mapping.FileID(deviceMajor: 0xfe, deviceMinor: 0, inode: 16_261_885)

    @Test func everyKindOfLine() {
        let locks = FileLock.parse(
            Array(
                """
                1: OFDLCK ADVISORY  WRITE -1 fe:00:16261896 0 EOF
                2: POSIX  ADVISORY  READ  31445 fe:00:16261885 5 14
                3: FLOCK  ADVISORY  WRITE 31445 fe:00:16261885 0 EOF
                3: -> FLOCK  ADVISORY  WRITE 31511 fe:00:16261885 0 EOF
                3:    -> FLOCK  ADVISORY  READ  31512 fe:00:16261885 0 EOF
                4: LEASE  ACTIVE    READ  7 00:1f:9 0 EOF

                """.utf8))
        #expect(locks.map(\.kind) == [.openFile, .posix, .flock, .flock, .flock, .lease])
        #expect(locks.map(\.owner) == [nil, 31445, 31445, 31511, 31512, 7])
        #expect(locks.map(\.isWaiting) == [false, false, false, true, true, false])
        #expect(locks.map(\.isShared) == [false, true, false, false, true, true])
        #expect(locks.map(\.number) == [1, 2, 3, 3, 3, 4])
        #expect(locks[1].first == 5 && locks[1].last == 14 && locks[0].last == nil)
        #expect(locks[1].file == Self.file && locks[5].file.deviceMinor == 0x1f)
    }

    @Test(arguments: [
        "", "1", "1:", "1: FLOCK", "x: FLOCK ADVISORY WRITE 1 fe:00:1 0 EOF", "1: FLOCK ADVISORY WRITE 1 fe:00 0 EOF",
        "1: WHAT ADVISORY WRITE 1 fe:00:1 0 EOF", "1: FLOCK ADVISORY WRITE 99999999999 fe:00:1 0 EOF",
        "1: FLOCK ADVISORY WRITE 1 fe:00:99999999999999999999 0 EOF", "1: -> -> ADVISORY WRITE 1 fe:00:1 0 EOF",
        "1: FLOCK ADVISORY WRITE 1 fe:00:1 x EOF", "\u{0}\u{1}: FLOCK",
    ])
    func linesThatAreNone(_ line: String) { #expect(FileLock.parse(Array(line.utf8)).isEmpty) }

    @Test func damagedListsAreHarmless() {
        var generator = SeededGenerator(state: 7)
        let whole = Array(
            "3: -> FLOCK  ADVISORY  WRITE 31511 fe:00:16261885 0 EOF\n1: POSIX ADVISORY READ 2 8:1:3 4 5\n".utf8)
        for _ in 0..<2000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            #expect(FileLock.parse(bytes).count <= 10)
        }
    }

    /// What is had stands with the descriptors; who waits, in the list of all.
    @Test func whoHasWhatAndWhoWaits() throws {
        let fixture = try ProcFixture()
        for (pid, name) in [(31445, "holder"), (31511, "waiter")] as [(Int32, String)] {
            try fixture.write("\(pid)/stat", Sample.stat(pid: pid, command: name))
            try fixture.link("\(pid)/fd/3", to: "/no/such/file")
            try fixture.write("\(pid)/fdinfo/3", "pos:\t0\nflags:\t02\n")
        }
        try fixture.link("31445/fd/4", to: "/no/such/file")
        for number in [3, 4] {
            try fixture.write(
                "31445/fdinfo/\(number)",
                """
                pos:\t0
                flags:\t02
                lock:\t1: FLOCK  ADVISORY  WRITE 31445 fe:00:16261885 0 EOF
                lock:\t2: OFDLCK ADVISORY  WRITE -1 fe:00:16261896 0 EOF

                """)
        }
        try fixture.write(
            "locks",
            """
            1: OFDLCK ADVISORY  WRITE -1 fe:00:16261896 0 EOF
            3: FLOCK  ADVISORY  WRITE 31445 fe:00:16261885 0 EOF
            3: -> FLOCK  ADVISORY  WRITE 31511 fe:00:16261885 0 EOF
            3: -> FLOCK  ADVISORY  WRITE 4000 fe:00:16261885 0 EOF

            """)
        let procfs = ProcFS(root: fixture.root)
        let holder = try procfs.fileLocks(of: try procfs.identity(of: 31445))
        // By whichever of the descriptors that lead to the same open file.
        #expect(holder.locks?.map(\.kind) == [.flock, .openFile] && holder.locks?.map(\.descriptor) == [3, 3])
        #expect(holder.locks?.map { $0.others.map(\.pid) } == [[31511], []])
        // The list of all counts by itself.
        #expect(holder.locks?.map(\.number) == [3, 1])
        #expect(holder.locks?.first?.path == Array("/no/such/file".utf8) && holder.gaps.isEmpty)
        let waiter = try procfs.fileLocks(of: try procfs.identity(of: 31511))
        #expect(waiter.locks?.map(\.isWaiting) == [true] && waiter.locks?.first?.others.map(\.pid) == [31445])
    }

    @Test func environments() throws {
        let fixture = try ProcFixture()
        try fixture.write("77/stat", Sample.stat(pid: 77, command: "api"))
        try fixture.write("77/environ", "A=1\0B=\0")
        try fixture.write("78/stat", Sample.stat(pid: 78, command: "kworker", flags: 0x0020_0000))
        let procfs = ProcFS(root: fixture.root)
        let own = try procfs.identity(of: 77)
        #expect(try procfs.environment(of: own).environmentBytes == Array("A=1\0B=\0".utf8))
        #expect(try procfs.environment(of: try procfs.identity(of: 78)).environmentBytes == [])
        let gone = ProcessIdentity(pid: 77, startTicks: own.startTicks + 1, commandBytes: own.commandBytes)
        #expect(throws: Failure.self) { try procfs.environment(of: gone) }
    }
}
