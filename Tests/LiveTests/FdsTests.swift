import FoundationEssentials
import Glibc
import Testing

/// The parts of the nusu.fds/1 document that the tests read.
struct FdsDocument: Decodable {
    struct Process: Decodable { let pid: Int32 }

    struct Group: Decodable {
        let kind: String
        let what: String
        let count: Int
        let numbers: [Int32]
        let otherEnd: [Process]?
    }

    struct Descriptor: Decodable {
        let number: Int32
        let kind: String
        let target: String
        let isDeleted: Bool
    }

    struct Growth: Decodable {
        struct Change: Decodable {
            let what: String
            let before: Int
            let after: Int
            let opened: Int
        }

        let before: Int
        let after: Int
        let groups: [Change]
    }

    struct Streams: Decodable {
        struct Forgotten: Decodable {
            let number: Int32
            let isCommand: Bool
        }

        struct Owner: Decodable {
            let type: String
            let field: String
            let numbers: [Int32]
        }

        struct Lost: Decodable {
            let signature: String
            let numbers: [Int32]
            let owners: [Owner]
        }

        let total: Int
        let forgotten: [Forgotten]
        let lost: [Lost]
    }

    struct Gap: Decodable {
        let what: String
        let remedy: String?
    }

    let schema: String
    let total: Int?
    let limit: Int?
    let kinds: [String: Int]?
    let groups: [Group]?
    let descriptors: [Descriptor]?
    let growth: Growth?
    let streams: Streams?
    let gaps: [Gap]

    static func of(_ pid: pid_t, _ options: [String] = [], status: Int32 = 0) throws -> FdsDocument {
        try of([Surroundings.nusu, "fds", "\(pid)", "--json"] + options, status: status)
    }

    static func of(_ command: [String], status: Int32) throws -> FdsDocument {
        let outcome = try run(command)
        guard outcome.status == status else {
            throw HarnessError("\(command): \(outcome.status) \(outcome.text) \(outcome.errors)")
        }
        return try JSONDecoder().decode(FdsDocument.self, from: Data(outcome.output))
    }

    func count(_ kind: String, _ what: String) -> Int {
        (groups ?? []).filter { $0.kind == kind && $0.what.contains(what) }.reduce(0) { $0 + $1.count }
    }
}

extension LiveTests {
    @Suite(.serialized) struct FdsTests {
        /// All that the kernel lists is there, in one group each, and nothing else.
        private func compare(_ pid: pid_t) throws {
            let view = ProcessView(pid: pid)
            var links = view.links
            var fds = try FdsDocument.of(pid, ["--all"])
            // A server may have opened or closed something meanwhile.
            let isStill = try comesTrue {
                if view.links == links { return true }
                links = view.links
                fds = try FdsDocument.of(pid, ["--all"])
                return false
            }
            #expect(isStill)
            let listed = fds.descriptors ?? []
            #expect(fds.total == links.count)
            #expect(Set(listed.map(\.number)) == Set(links.keys))
            for descriptor in listed {
                let mark = descriptor.isDeleted || descriptor.kind == "memfd" ? " (deleted)" : ""
                #expect(descriptor.target + mark == links[descriptor.number])
            }
            #expect((fds.groups ?? []).flatMap(\.numbers).sorted() == links.keys.sorted())
            #expect((fds.kinds ?? [:]).values.reduce(0, +) == links.count)
        }

        @Test func fourKinds() throws {
            let demo = try Demo("nusu-demo", ["descriptors"])
            let fds = try FdsDocument.of(demo.pid)
            #expect(fds.schema == "nusu.fds/1")
            #expect(fds.count("file", "/data-*.log, deleted") == 50)
            // What the tests' own process leaves open is inherited, with other processes at the other ends.
            let own = (fds.groups ?? []).filter { $0.otherEnd?.map(\.pid) == [demo.pid] }
            #expect(own.filter { $0.kind == "socket" && $0.what == "unix pair" }.map(\.count) == [30])
            #expect(fds.count("eventfd", "") == 10)
            #expect(own.filter { $0.kind == "pipe" }.map(\.count) == [15, 15])
            // Its input and output are this process's.
            let ours = (fds.groups ?? []).filter { $0.otherEnd?.contains { $0.pid == getpid() } == true }
            #expect(Set(ours.flatMap(\.numbers)).isSuperset(of: [0, 1]))
            try compare(demo.pid)
        }

        /// What `ipc` joins, from both sides.
        @Test(arguments: ["pipe", "fifo", "stream", "tcp", "pty"]) func otherEnds(_ kind: String) throws {
            let demo = try Demo("nusu-demo", ["channels", kind])
            let child = try #require(demo.otherPid)
            let ends = try #require(demo.channels.first).dropFirst().map {
                $0.split(separator: ":").compactMap { Int32($0) }
            }
            for (pid, other) in [(demo.pid, child), (child, demo.pid)] {
                let number = try #require(ends.first { $0.first == pid }?.last)
                let groups = try FdsDocument.of(pid).groups ?? []
                let group = try #require(groups.first { $0.numbers.contains(number) })
                #expect(group.otherEnd?.map(\.pid) == [other], "\(group)")
                let line = try run([Surroundings.nusu, "fds", "\(pid)", "--all"]).text.split(separator: "\n")
                    .first { $0.contains(" nusu-demo(\(other))") }
                #expect(line != nil)
                if kind == "pty", pid == demo.pid {
                    #expect(line?.contains("the master of pts/") == true, "\(line ?? "")")
                }
            }
        }

        @Test func openedAndNotClosed() throws {
            let demo = try Demo("nusu-demo", ["unclosed"])
            let fds = try FdsDocument.of(demo.pid, ["--over", "0.5s"], status: 1)
            let grown = try #require(fds.growth?.groups.first)
            #expect(grown.what == "/dev/zero")
            #expect(grown.after - grown.before >= 3 && grown.opened >= grown.after - grown.before)
            kill(demo.pid, SIGSTOP)
            #expect(comesTrue { demo.view.isWholly("T") })
            #expect(try FdsDocument.of(demo.pid, ["--over", "0.1s"]).growth?.groups.isEmpty == true)
        }

        @Test(.enabled(if: Surroundings.mayTrace, "ptrace is not allowed here"))
        func filesThatNobodyCanClose() throws {
            let demo = try Demo("nusu-demo", ["streams"])
            let fds = try FdsDocument.of(demo.pid, ["--lost"], status: 1)
            let links = demo.view.links
            func numbers(_ name: String) -> Set<Int32> {
                Set(links.filter { $0.value.contains("/\(name)-") }.keys)
            }
            let streams = try #require(fds.streams)
            #expect(streams.total == 14)
            #expect(Set(streams.forgotten.filter { !$0.isCommand }.map(\.number)) == numbers("forgotten"))
            #expect(streams.forgotten.filter(\.isCommand).count == 1)
            #expect(numbers("forgotten").count == 6)
            #expect(streams.lost.map { Set($0.numbers) } == [numbers("lost")])
            #expect(demo.view.harm.isEmpty)
            // The same group by the same name, in the report of leaks.
            let leaks = try run([Surroundings.nusu, "leaks", "\(demo.pid)"])
            #expect(leaks.status == 1)
            #expect(leaks.text.contains("owns 5 descriptors: /tmp/"))
            #expect(leaks.text.contains(streams.lost.first?.signature ?? "-"))
            let run = try LeakRun("\(demo.pid)")
            #expect(differences(try run.document(), from: demo.truth).isEmpty)
        }

        @Test(.enabled(if: Surroundings.mayTrace, "ptrace is not allowed here"))
        func nothingToClose() throws {
            let demo = try Demo("nusu-demo", ["descriptors"])
            #expect(try FdsDocument.of(demo.pid, ["--lost"]).streams?.forgotten.isEmpty == true)
            #expect(try run([Surroundings.nusu, "fds", "\(demo.pid)", "--lost", "--dry-run"]).status == 0)
            #expect(try run([Surroundings.nusu, "fds", "\(demo.pid)", "--dry-run"]).status == 64)
            #expect(try run([Surroundings.nusu, "fds", "\(demo.pid)", "--lost", "--over", "1s"]).status == 64)
        }

        /// Whoever may not look still learns how many there are.
        @Test(
            .enabled(if: Surroundings.isRoot && installed("setpriv") != nil, "changing the user needs root and setpriv")
        )
        func otherUser() throws {
            let demo = try Demo("nusu-demo", ["descriptors"])
            let copy = "\(try Surroundings.temporaryFolder())/nusu"
            _ = try run(["cp", Surroundings.nusu, copy])
            let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            let fds = try FdsDocument.of(nobody + [copy, "fds", "\(demo.pid)", "--json"], status: 2)
            #expect(fds.groups == nil && fds.kinds == nil)
            #expect(fds.limit != nil)
            // Linux 6.2 and later tell the number.
            #expect(fds.total == nil || fds.total == demo.view.links.count)
            #expect(fds.gaps.first?.remedy == "sudo nusu fds \(demo.pid)")
        }

        @Test func unusualTargets() throws {
            let parent = try Demo("nusu-demo", ["zombie"])
            let zombie = try #require(parent.otherPid)
            #expect(try FdsDocument.of(zombie).total == 0)
            #expect(try run([Surroundings.nusu, "fds", "4000000000"]).status == 66)
            #expect(try run([Surroundings.nusu, "fds", "self"]).status == 0)
        }

        @Test(.enabled(if: installed("python3") != nil, "python3 is not installed"))
        func python() throws {
            let child = try Child([
                "python3", "-c",
                """
                import os, select, signal, socket, sys, time
                server = socket.create_server(("127.0.0.1", 0))
                clients = [socket.create_connection(server.getsockname()) for _ in range(20)]
                taken = [server.accept()[0] for _ in range(20)]
                waiter = select.epoll(); [waiter.register(one, 1) for one in taken]
                memory = os.memfd_create("a thing")
                fifo = "/tmp/\(Surroundings.ownName)-fds"; os.mkfifo(fifo); end = os.open(fifo, os.O_RDWR); os.unlink(fifo)
                for one in clients[:18]: one.close()
                print(server.getsockname()[1], flush=True)
                time.sleep(100)
                """,
            ])
            let port = try #require(try child.readLine())
            try compare(child.pid)
            let fds = try FdsDocument.of(child.pid)
            #expect(fds.count("socket", "tcp to 127.0.0.1:\(port)") == 2)
            #expect(fds.count("socket", "tcp clients at port \(port)") == 20)
            #expect(fds.count("socket", "tcp listening at 127.0.0.1:\(port)") == 1)
            #expect(fds.kinds?["memfd"] == 1 && fds.kinds?["epoll"] == 1 && fds.kinds?["fifo"] == 1)
            let text = try run([Surroundings.nusu, "fds", "\(child.pid)"]).text
            #expect(text.contains("18 connections that the other end has closed"))
            #expect(text.contains("watches"))
        }

        @Test(.enabled(if: PostgresServer.isInstalled, "PostgreSQL with pgbench is not installed"))
        func postgres() throws {
            let server = try PostgresServer()
            let client = try Child(server.psql + ["-c", "select pg_sleep(100)"])
            let name = "unix to \(server.folder)/.s.PGSQL.5432"
            var link: FdsDocument.Group?
            // The server itself has it until it has forked.
            _ = try comesTrue {
                link = try FdsDocument.of(client.pid).groups?.first { $0.what == name }
                return link?.otherEnd?.count == 1 && link?.otherEnd?.first?.pid != server.pid
            }
            let backend = try #require(link?.otherEnd?.first?.pid)
            #expect(server.pid == ProcessView(pid: backend).status("PPid").flatMap { pid_t($0) })
            for pid in [server.pid, backend] { try compare(pid) }
            #expect(try FdsDocument.of(backend).count("socket", "unix clients at") == 1)
        }
    }
}
