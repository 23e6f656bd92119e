import Model
import Testing

@testable import Capture

@Suite("What is read of a process for a part of it") struct PortraitTests {
    private static func fixture() throws -> (ProcFixture, ProcessIdentity) {
        let fixture = try ProcFixture()
        try fixture.write("77/stat", Sample.stat(pid: 77, command: "api"))
        try fixture.write("77/status", Sample.status(pid: 77))
        try fixture.write("77/cmdline", "/app/api\0--port\08080\0")
        // What a thread is in stands in three files; there is no other.
        for (number, channel, call) in [
            (77, "ep_poll", "232 0x4 0x7ffd0 0x20 0xffffffff 0x0 0x8 0x7ffc8 0x7f3c1"), (78, "0", "running\n"),
            (79, "futex_wait_queue", "202 0x7f3c0 0x80 0x0 0x0 0x0 0xffffffff 0x7f3b8 0x7f3c1"),
            (80, "hostile\u{1b}[31m", "no call at all"),
        ] {
            try fixture.write("77/task/\(number)/stat", Sample.stat(pid: Int32(number), command: "worker"))
            try fixture.write("77/task/\(number)/wchan", channel)
            try fixture.write("77/task/\(number)/syscall", call)
        }
        return (fixture, try ProcFS(root: fixture.root).identity(of: 77))
    }

    @Test func calls() throws {
        let (fixture, process) = try Self.fixture()
        let portrait = try ProcFS(root: fixture.root).portrait(of: process, own: 1, scope: .calls)
        #expect(portrait.threads.map(\.number) == [77, 78, 79, 80])
        #expect(portrait.threads.map(\.call) == ["epoll_wait", nil, "futex", nil])
        #expect(portrait.threads.map(\.channel) == ["ep_poll", nil, "futex_wait_queue", "hostile\u{1b}[31m"])
        #expect(portrait.gaps.allSatisfy { !$0.what.contains("open files") }, "\(portrait.gaps)")
    }

    @Test func theRecordAlone() throws {
        let (fixture, process) = try Self.fixture()
        let portrait = try ProcFS(root: fixture.root).portrait(of: process, own: 1, scope: .record)
        #expect(portrait.threads.isEmpty && portrait.waits.isEmpty && portrait.gaps.isEmpty)
        #expect(portrait.record.argumentBytes == Array("/app/api\0--port\08080\0".utf8))
    }

    @Test func whoIsAnotherByNowIsNotShown() throws {
        let (fixture, process) = try Self.fixture()
        try fixture.write("77/stat", Sample.stat(pid: 77, command: "api", start: 5001))
        for scope in [PortraitScope.whole, .calls, .record] {
            #expect(throws: Failure.self) {
                try ProcFS(root: fixture.root).portrait(of: process, own: 1, scope: scope)
            }
        }
    }
}
