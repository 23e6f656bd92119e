import Glibc
import Testing

extension LiveTests {
    /// Whom a process waits for through sockets and locks in memory.
    @Suite(.serialized) struct WaitTests {
        private func text(_ pid: pid_t) throws -> String { try run([Surroundings.nusu, "show", "\(pid)"]).text }

        @Test func deadlockThroughSockets() throws {
            let demo = try Demo("nusu-demo", ["socket-deadlock"])
            let child = try #require(demo.otherPid)
            let shown = try ShowDocument.of(demo.pid) { $0.isDeadlock }
            #expect(shown.isDeadlock && Set(shown.circle) == [demo.pid, child])
            #expect(try text(demo.pid).contains("deadlock of 2 processes"))
        }

        @Test(arguments: [[], ["tcp"]]) func answerOfAServer(_ transport: [String]) throws {
            let demo = try Demo("nusu-demo", ["served"] + transport)
            let server = try #require(demo.otherPid)
            let shown = try ShowDocument.of(demo.pid) { $0.waits.first?.socket?.isAccepted == true }
            let wait = try #require(shown.waits.first)
            #expect(wait.call == "read" && wait.awaited == [server] && !shown.isDeadlock)
            #expect(wait.socket?.purpose == "receive" && wait.socket?.isAccepted == true)
            let name = try #require(wait.socket?.name)
            #expect(wait.socket?.transport == (transport.isEmpty ? "unixStream" : "tcp"))
            #expect(name.hasPrefix(transport.isEmpty ? "@" : "127.0.0.1:"))
            #expect(wait.reason.contains("an answer from nusu-demo(\(server))"))
            // And that one's reason.
            #expect(shown.waits.last?.pid == server && shown.waits.last?.call == "pause")
        }

        @Test(arguments: [[], ["tcp"]]) func clientThatNobodyAccepts(_ transport: [String]) throws {
            let demo = try Demo("nusu-demo", ["unaccepted"] + transport)
            let server = try #require(demo.otherPid)
            let wait = try #require(try ShowDocument.of(demo.pid) { $0.waits.first?.socket != nil }.waits.first)
            #expect(wait.awaited == [server] && wait.socket?.isAccepted == false)
            #expect(wait.reason.contains("for nusu-demo(\(server)) to accept its connection"))
        }

        @Test(arguments: [[], ["pi"], ["robust"], ["rw-read"], ["rw-write"]])
        func lockOfAnotherProcess(_ kind: [String]) throws {
            let demo = try Demo("nusu-demo", ["held"] + kind)
            let child = try #require(demo.otherPid)
            let shown = try ShowDocument.of(demo.pid) { $0.waits.first?.lock?.kind == "owned" }
            let wait = try #require(shown.waits.first)
            #expect(wait.call == "futex" && wait.awaited == [child] && wait.awaitedThreads == [child])
            #expect(wait.lock?.isShared == true && !shown.isDeadlock)
            #expect(shown.waits.last?.pid == child && shown.waits.last?.call?.hasSuffix("nanosleep") == true)
        }

        @Test func mutexWhoseOwnerHasEnded() throws {
            let demo = try Demo("nusu-demo", ["abandoned"])
            let owner = try #require(demo.otherPid)
            let wait = try #require(
                try ShowDocument.of(demo.pid) { $0.waits.first?.lock?.missingOwner != nil }.waits.first)
            #expect(wait.awaited.isEmpty && wait.lock?.missingOwner == owner)
            #expect(wait.reason.contains("whose owner, thread \(owner), is not there any more"))
        }

        @Test func deadlockOfThreads() throws {
            let demo = try Demo("nusu-demo", ["thread-deadlock"])
            let shown = try ShowDocument.of(demo.pid) { $0.isDeadlock }
            let threads = demo.view.threads.filter { $0 != demo.pid }
            #expect(shown.isDeadlock && shown.circle == [demo.pid, demo.pid])
            #expect(Set(shown.circleThreads) == Set(threads))
            // The main thread is not among them.
            #expect(shown.waits.map(\.tid) == [demo.pid])
            #expect(try text(demo.pid).contains("wait for each other"))
        }

        @Test func threadThatWaitsForItself() throws {
            let demo = try Demo("nusu-demo", ["joining"])
            let shown = try ShowDocument.of(demo.pid) { $0.isDeadlock }
            let thread = try #require(demo.view.threads.first { $0 != demo.pid })
            #expect(shown.circleThreads == [thread])
            #expect(shown.waits.first?.lock?.kind == "thread" && shown.waits.first?.awaitedThreads == [thread])
        }

        private func python(_ program: String) throws -> Child {
            let child = try Child(["python3", "-c", program], capturesErrors: true)
            guard try child.readLine() == "ready" else { throw HarnessError("python3 did not start") }
            return child
        }

        @Test(.enabled(if: installed("python3") != nil, "python3 is not installed"))
        func whatHasNoOwner() throws {
            // A semaphore between threads: there is nobody to name, and nobody is.
            let semaphore = try python(
                """
                import threading; s = threading.Semaphore(0); print("ready", flush=True); s.acquire()
                """)
            let wait = try #require(
                try ShowDocument.of(semaphore.pid) { $0.waits.first?.call == "futex" }.waits.first)
            #expect(wait.call == "futex" && wait.awaited.isEmpty && wait.lock?.kind == "anonymous")
        }

        @Test(.enabled(if: installed("python3") != nil, "python3 is not installed"))
        func listenersAndSeveralDescriptors() throws {
            let listener = try python(
                """
                import socket; s = socket.create_server(("127.0.0.1", 0)); print("ready", flush=True); s.accept()
                """)
            var wait = try #require(try ShowDocument.of(listener.pid) { $0.waits.first?.socket != nil }.waits.first)
            #expect(wait.socket?.purpose == "accept" && wait.awaited.isEmpty)
            #expect(wait.reason.contains("for a client on tcp 127.0.0.1:"))
            // Through epoll of one it is the same wait; of several it says how many.
            let one = try python(
                """
                import socket, select; s = socket.create_server(("127.0.0.1", 0)); p = select.epoll(); p.register(s)
                print("ready", flush=True); p.poll()
                """)
            wait = try #require(try ShowDocument.of(one.pid) { $0.waits.first?.socket != nil }.waits.first)
            #expect(wait.call?.hasPrefix("epoll") == true && wait.socket?.purpose == "accept" && !wait.hasTimeout)
            let several = try python(
                """
                import socket, select, sys; s = [socket.socket(type=socket.SOCK_DGRAM) for _ in "ab"]
                print("ready", flush=True); select.select(s + [sys.stdin], [], [], 100)
                """)
            wait = try #require(
                try ShowDocument.of(several.pid) { $0.waits.first?.reason.contains("sockets") == true }.waits.first)
            #expect(wait.reason.contains("for 2 sockets and 1 pipe, or a time is over") && wait.hasTimeout)
        }

        /// A container counts its processes, and has sockets, of its own.
        @Test(.enabled(if: Surroundings.hasPidNamespaces, "no namespaces can be made"))
        func withinNamespaces() throws {
            let held = try Demo(
                "/usr/bin/unshare", ["--pid", "--fork", "--kill-child", "\(Surroundings.products)/nusu-demo", "held"])
            var inner = try #require(held.view.children.first)
            var wait = try #require(try ShowDocument.of(inner) { $0.waits.first?.lock?.kind == "owned" }.waits.first)
            #expect(wait.awaited == ProcessView(pid: inner).children && wait.lock?.isShared == true)
            let served = try Demo(
                "/usr/bin/unshare", ["--net", "--fork", "--kill-child", "\(Surroundings.products)/nusu-demo", "served"])
            inner = try #require(served.view.children.first)
            wait = try #require(try ShowDocument.of(inner) { $0.waits.first?.socket?.name != nil }.waits.first)
            #expect(wait.awaited == ProcessView(pid: inner).children && wait.socket?.name?.hasPrefix("@") == true)
        }

        /// A session waits for a row that another one has locked: its own process waits for a latch, and says no more.
        @Test(.enabled(if: PostgresServer.isInstalled, "PostgreSQL with pgbench is not installed"))
        func sessionOfADatabase() throws {
            let server = try PostgresServer()
            let made = try run(server.psql + ["-qc", "create table t (a int); insert into t values (1)"])
            guard made.status == 0 else { throw HarnessError("psql: \(made.errors)") }
            let holder = try Child(server.psql + ["-q"])
            holder.write("begin; update t set a = 2; select 'locked';\n")
            while let line = try holder.readLine(), !line.contains("locked") {}
            let waiter = try Child(server.psql + ["-qc", "update t set a = 3"])
            var backend: pid_t?
            let question = "select pid from pg_stat_activity where wait_event_type = 'Lock'"
            _ = try comesTrue {
                backend = pid_t(try run(server.psql + ["-Atc", question]).text.filter(\.isNumber))
                return backend != nil
            }
            let shown = try ShowDocument.of(waiter.pid) { $0.waits.count == 2 }
            #expect(shown.waits.map(\.pid) == [waiter.pid, try #require(backend)])
            #expect(shown.waits.first?.socket?.name == "\(server.folder)/.s.PGSQL.5432")
            #expect(shown.waits.first?.reason.contains("an answer from postgres") == true)
            let latch = try #require(shown.waits.last)
            #expect(latch.call == "epoll_wait" && latch.awaited.isEmpty && !shown.isDeadlock)
            // The postmaster waits for clients: in one listening socket, or several.
            #expect(try ShowDocument.of(server.pid) { !$0.waits.isEmpty }.waits.first?.awaited.isEmpty == true)
        }

        @Test(.enabled(if: installed("python3") != nil, "python3 is not installed"))
        func bothEndsInOneProcess() throws {
            // Only it could write, perhaps from a handler of a signal: no deadlock is claimed.
            let child = try python(
                """
                import socket; a, b = socket.socketpair(); print("ready", flush=True); a.recv(1)
                """)
            let shown = try ShowDocument.of(child.pid) { $0.waits.first?.socket != nil }
            #expect(!shown.isDeadlock && shown.waits.first?.reason.contains("only it has open") == true)
        }

        @Test(.enabled(if: installed("python3") != nil, "python3 is not installed"))
        func fullSocketAndQueueOfAListener() throws {
            let full = try python(
                """
                import os, socket, time; a, b = socket.socketpair()
                if os.fork() == 0: a.close(); time.sleep(100)
                b.close(); print("ready", flush=True); a.sendall(b"x" * (1 << 24))
                """)
            defer { for child in ProcessView(pid: full.pid).children { kill(child, SIGKILL) } }
            var wait = try #require(
                try ShowDocument.of(full.pid) { $0.waits.first?.socket?.purpose == "send" }.waits.first)
            #expect(wait.awaited == ProcessView(pid: full.pid).children && wait.reason.contains("lie unread"))
            let queue = try python(
                """
                import os, socket; l = socket.socket(socket.AF_UNIX); l.bind("\\0\(Surroundings.ownName)-full"); l.listen(0)
                name = l.getsockname(); c = [socket.socket(socket.AF_UNIX) for _ in range(8)]
                if os.fork() == 0:
                    import time
                    while True: time.sleep(9)
                print("ready", flush=True); l.close(); [s.connect(name) for s in c]
                """)
            defer { for child in ProcessView(pid: queue.pid).children { kill(child, SIGKILL) } }
            let child = try #require(ProcessView(pid: queue.pid).children.first)
            wait = try #require(
                try ShowDocument.of(queue.pid) { $0.waits.first?.call == "connect" }.waits.first)
            #expect(wait.call == "connect" && wait.awaited == [child] && wait.socket?.isAccepted == false)
        }
    }
}
