import Model
import Testing

@testable import Capture

@Suite("Reading by what signals are decided") struct ProcessSignalsTests {
    /// A process of two threads in the shape of Linux 6.18's /proc.
    private func fixture() throws -> ProcFixture {
        let fixture = try ProcFixture()
        for folder in ["77", "77/task/77", "77/task/78"] {
            let pid: Int32 = folder.hasSuffix("78") ? 78 : 77
            try fixture.write("\(folder)/stat", Sample.stat(pid: pid, command: "a) R 1\n", parent: 70))
            try fixture.write("\(folder)/status", Sample.status(pid: pid, tgid: 77))
        }
        try fixture.write("70/stat", Sample.stat(pid: 70, command: "bash"))
        try fixture.write("77/fd/3", "")
        return fixture
    }

    @Test("Masks of all threads") func threads() throws {
        let fixture = try fixture()
        try fixture.write(
            "77/task/78/status",
            Sample.status(pid: 78, tgid: 77).replacing("SigBlk:\t0000000000010000", with: "SigBlk:\t0000000000000001"))
        let signals = try ProcFS(root: fixture.root).signals(of: 77)
        #expect(signals.threads.map(\.number) == [77, 78])
        #expect(signals.threads.map(\.blocked.bits) == [0x10000, 1])
        #expect(signals.pending.bits == 0x100)
        #expect(signals.ignored.bits == 0x1000)
        #expect(signals.caught.bits == 0x1_8000_4202)
        #expect(signals.parent == 70)
        #expect(signals.namespacePids == [77, 1])
        #expect(signals.gaps.isEmpty)
        // Its parent is in another session.
        #expect(signals.isGroupOrphaned == true)
    }

    @Test("Signals read through a descriptor") func descriptor() throws {
        let fixture = try fixture()
        try fixture.link("77/fd/4", to: "anon_inode:[signalfd]")
        try fixture.write(
            "77/fdinfo/4", "pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t1\nsigmask:\t0000000000000002\n")
        #expect(try ProcFS(root: fixture.root).signals(of: 77).readThroughDescriptor.bits == 2)
    }

    @Test("A main thread that has ended is no zombie while others run") func leader() throws {
        let fixture = try fixture()
        try fixture.write("77/task/77/stat", Sample.stat(pid: 77, command: "api", state: "Z"))
        let signals = try ProcFS(root: fixture.root).signals(of: 77)
        #expect(!signals.hasEnded)
        #expect(signals.threads.map(\.number) == [78])
        try fixture.write("77/task/78/stat", Sample.stat(pid: 78, command: "api", state: "Z"))
        #expect(try ProcFS(root: fixture.root).signals(of: 77).hasEnded)
    }

    @Test("What may not be read is a gap") func gap() throws {
        let fixture = try ProcFixture()
        for folder in ["77", "77/task/77"] {
            try fixture.write("\(folder)/stat", Sample.stat(pid: 77, command: "api"))
            try fixture.write("\(folder)/status", Sample.status(pid: 77))
        }
        #expect(try ProcFS(root: fixture.root).signals(of: 77).gaps.count == 1)
    }
}
