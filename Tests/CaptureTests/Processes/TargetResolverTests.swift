import Model
import Testing

@testable import Capture

@Suite("Targets") struct TargetResolverTests {
    private let fixture: ProcFixture
    private let procfs: ProcFS
    private let resolver: TargetResolver

    init() throws {
        fixture = try ProcFixture()
        procfs = ProcFS(root: fixture.root + "/proc", systemRoot: fixture.root)
        resolver = TargetResolver(procfs: procfs, own: 500)
        try fixture.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nvapor:x:1000:1000::/:/bin/sh\n")
        try fixture.write("proc/uptime", "1000.50 10.0\n")
    }

    private func add(
        _ pid: Int32, _ command: String, _ arguments: [String] = [], state: String = "S", parent: Int32 = 1,
        flags: UInt32 = 0, start: UInt64 = 5000, extra: String = ""
    ) throws {
        let stat = Sample.stat(
            pid: pid, command: command, state: state, parent: parent, flags: flags, start: start)
        try fixture.write("proc/\(pid)/stat", stat)
        try fixture.write("proc/\(pid)/status", Sample.status(pid: pid))
        try fixture.write("proc/\(pid)/cmdline", arguments.map { $0 + "\0" }.joined())
        try fixture.write("proc/\(pid)/cgroup", extra)
    }

    private func kind(_ text: String) -> Failure.Kind? {
        do {
            _ = try resolver.resolve(text)
            return nil
        } catch {
            return error.kind
        }
    }

    private func pid(_ text: String, _ preference: TargetResolver.Preference? = nil) throws -> Int32? {
        if case .one(let identity) = try resolver.resolve(text, preferring: preference) { return identity.pid }
        return nil
    }

    @Test("Digits are a PID, and a thread's number means its process") func digits() throws {
        try add(77, "api")
        try fixture.write("proc/79/status", Sample.status(pid: 79, tgid: 77))
        #expect(try pid("77") == 77)
        #expect(try pid("79") == 77)
        for text in ["78", "0", "99999999999999999999"] { #expect(kind(text) == .noTarget) }
    }

    @Test("A name is literal: the kernel's 15 bytes, or the last part of argv[0]") func names() throws {
        try add(77, "a-very-long-nam", ["/usr/bin/a-very-long-name-indeed", "-x"])
        try add(78, "python3", ["worker: pool"])
        try add(79, "we[ird", [])
        try add(500, "nusu", ["nusu"])
        #expect(try pid("a-very-long-nam") == 77)
        #expect(try pid("a-very-long-name-indeed") == 77)
        #expect(try pid("worker: pool") == 78)
        #expect(try pid("we[ird") == 79)
        for text in ["a-very", "we.*", "nusu", "usr"] { #expect(kind(text) == .noTarget) }
    }

    @Test("Several of a name are listed in order of their start, unless one is asked for") func several() throws {
        try add(90, "api", ["api", "serve"], parent: 77, start: 60)
        try add(77, "api", ["api", "serve"], start: 50)
        try add(91, "api", ["api", "serve"], parent: 77, start: 70)
        try add(92, "api", state: "Z", start: 80)
        guard case .several(let candidates, let what) = try resolver.resolve("api") else {
            Issue.record("one of three")
            return
        }
        #expect(candidates.map(\.identity.pid) == [77, 90, 91])
        #expect(candidates.first?.userName == "vapor")
        #expect(what == "3 processes are called api: 77 and 2 that it forked")
        #expect(try pid("api", .oldest) == 77)
        #expect(try pid("api", .newest) == 91)
    }

    @Test("A port means who holds its listening socket, of either family") func ports() throws {
        try add(77, "api")
        try add(78, "other")
        try fixture.link("proc/77/fd/3", to: "socket:[4711]")
        try fixture.link("proc/78/fd/3", to: "socket:[4712]")
        let header = "  sl  local_address                         remote_address st\n"
        let line = "   0: 00000000000000000000000000000000:1F90 00000000:0000 "
        try fixture.write(
            "proc/self/net/tcp6",
            header + line + "01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 100 0 0 10 0\n"
                + line + "0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0\n")
        #expect(try pid(":8080") == 77)
        #expect(kind(":8081") == .noTarget)
        for text in [":0", ":", ":65536", ":http"] { #expect(kind(text) == .usage) }
    }

    @Test("A port whose holder may not be looked at names the missing right") func hiddenPort() throws {
        try fixture.write("proc/77/stat", Sample.stat(pid: 77, command: "api"))
        try fixture.write(
            "proc/self/net/tcp", "   0: 00000000:1F90 00000000:0000 0A 0:0 00:0 00000000  1000        0 4711 1\n")
        #expect(kind(":8080") == .notPermitted)
    }

    @Test("A container is its process number 1, whatever started before it joined") func containers() throws {
        let identifier = "3f9c2ab1" + String(repeating: "0", count: 56)
        try add(70, "joined", start: 10, extra: "0::/kube/cri-containerd-\(identifier).scope\n")
        try fixture.write("proc/70/status", Sample.status(pid: 70).replacing("NSpid:\t70\t1", with: "NSpid:\t70\t44"))
        try add(77, "api", start: 20, extra: "0::/kube/cri-containerd-\(identifier).scope\n")
        try add(80, "else", extra: "0::/system.slice/docker-aaaa2ab1\(String(repeating: "0", count: 56)).scope\n")
        #expect(try pid("container:3f9c") == 77)
        #expect(try pid("container:aaaa2ab1") == 80)
        #expect(kind("container:ffff") == .noTarget)
        #expect(kind("container:3") == .usage)
    }

    @Test("Files and nusu itself are refused with a reason") func refused() throws {
        #expect(kind("/tmp/core.1") == .unsupported)
        #expect(kind("monday.nusu") == .unsupported)
        #expect(kind("self") == .usage)
        #expect(kind("") == .usage)
    }

    @Test("What has no memory: kernel threads, zombies, nusu, and a PID that was reused") func withoutMemory() throws {
        func kind(_ identity: ProcessIdentity) -> Failure.Kind? {
            do {
                try resolver.checkMemory(of: identity)
                return nil
            } catch {
                return error.kind
            }
        }
        try add(2, "kthreadd", flags: 0x0020_0000)
        try add(77, "api")
        try add(78, "done", state: "Z")
        try add(500, "nusu")
        func identity(_ pid: Int32, _ start: UInt64 = 5000) -> ProcessIdentity {
            ProcessIdentity(pid: pid, startTicks: start, commandBytes: [])
        }
        #expect(kind(identity(77)) == nil)
        #expect(kind(identity(2)) == .unsupported)
        #expect(kind(identity(78)) == .noTarget)
        #expect(kind(identity(500)) == .usage)
        #expect(kind(identity(77, 4999)) == .noTarget)
    }
}
