import Glibc
import Testing

/// Real programs under load: no failed request, no zombie, no false status. NUSU_SOAK=1 takes 100 snapshots, not 5.
extension LiveTests {
    @Suite(.serialized) struct ServerTests {
        static let rounds = getenv("NUSU_SOAK") == nil ? 5 : 100

        /// Looks at `pid` again and again, by every method in turn.
        func look(at pid: pid_t, rounds: Int = rounds) throws {
            let methods = ["auto", "fork", "copy", "auto", "stream"]
            for round in 0..<rounds {
                let run = try attempt(pid, methods[round % methods.count])
                #expect([0, 1, 2].contains(run.outcome.status), "\(run.outcome.text.prefix(500))")
                let document = try run.document()
                #expect(document.isSound)
                #expect(document.heap.allocator == "glibc")
                #expect(document.heap.blocks > 10)
                #expect(ProcessView(pid: pid).harm.isEmpty, "\(ProcessView(pid: pid).harm)")
            }
        }

        /// A thread that waits for a disk cannot be stopped, and nusu then lets the process go and says so: on a machine whose
        /// disk is busy that is no failure, and the next attempt finds it running.
        private func attempt(_ pid: pid_t, _ method: String) throws -> LeakRun {
            for _ in 0..<3 {
                let run = try LeakRun("\(pid)", ["--snapshot", method])
                guard run.outcome.status == 69, run.outcome.text.contains("did not stop within") else { return run }
                #expect(ProcessView(pid: pid).harm.isEmpty)
                usleep(300_000)
            }
            return try LeakRun("\(pid)", ["--snapshot", method])
        }

        /// A client in Python that asks until its input ends and then prints `asked FAILED`.
        static func client(_ body: String) throws -> Child {
            let program = """
                import sys, socket, select
                asked = failed = 0
                \(body)
                while not select.select([sys.stdin], [], [], 0)[0]:
                    try:
                        if not ask(): failed += 1
                    except Exception as problem:
                        failed += 1
                        print(problem, file=sys.stderr)
                    asked += 1
                    if asked == 20: print("started", flush=True)
                print(asked, failed, flush=True)
                """
            let child = try Child(["python3", "-c", program])
            guard try child.readLine() == "started" else { throw HarnessError("the client failed") }
            return child
        }

        func finish(_ client: Child) throws {
            client.closeInput()
            let words =
                try client.finish(withinSeconds: 300).text.split(separator: "\n").last?.split(separator: " ") ?? []
            #expect(words.count == 2 && words.last == "0", "asked and failed: \(words)")
        }

        @Test(.enabled(if: installed("python3") != nil, "python3 is not installed"))
        func python() throws {
            let program = """
                import time, threading
                kept = {}
                def work():
                    for step in range(10**9):
                        kept[step % 5000] = [str(step)] * 3
                        if step % 100 == 0: time.sleep(0.001)
                threading.Thread(target=work, daemon=True).start()
                print("ready", flush=True)
                while True:
                    time.sleep(0.01)
                """
            let target = try Child(["python3", "-c", program])
            #expect(try target.readLine() == "ready")
            try look(at: target.pid)
            #expect(target.poll() == nil)
        }

        @Test(.enabled(if: installed("perl") != nil, "perl is not installed"))
        func perl() throws {
            let program = """
                $| = 1; print "ready\\n"; my %kept; my $step = 0;
                while (1) { $kept{$step % 5000} = [$step, "text $step"]; $step++; select(undef, undef, undef, 0.0001); }
                """
            let target = try Child(["perl", "-e", program])
            #expect(try target.readLine() == "ready")
            try look(at: target.pid)
            #expect(target.poll() == nil)
        }

        @Test(.enabled(if: installed("memcached") != nil && installed("python3") != nil, "memcached is not installed"))
        func memcached() throws {
            let folder = try Surroundings.temporaryFolder()
            chmod(folder, 0o777)
            let socket = "\(folder)/socket"
            let user = Surroundings.isRoot ? ["-u", "nobody"] : []
            let server = try Child(["memcached", "-s", socket, "-a", "777"] + user)
            guard comesTrue({ Surroundings.isListening(socket) }) else {
                throw HarnessError("nobody listens at \(socket)")
            }
            let client = try Self.client(
                """
                link = socket.socket(socket.AF_UNIX); link.connect("\(socket)"); stream = link.makefile("rwb")
                def ask():
                    key = b"key%d" % (asked % 1000)
                    stream.write(b"set %s 0 0 100\\r\\n%s\\r\\nget %s\\r\\n" % (key, b"x" * 100, key)); stream.flush()
                    lines = [stream.readline() for _ in range(4)]
                    return lines[0] == b"STORED\\r\\n" and lines[3] == b"END\\r\\n"
                """)
            try look(at: server.pid)
            try finish(client)
        }

        @Test(.enabled(if: NginxServer.isInstalled, "nginx is not installed")) func nginx() throws {
            let server = try NginxServer(workers: 1)
            let client = try Self.client(
                """
                def ask():
                    link = socket.socket(socket.AF_UNIX); link.connect("\(server.socket)")
                    link.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
                    answer = b""
                    while True:
                        part = link.recv(4096)
                        if not part: break
                        answer += part
                    link.close()
                    return b"200 OK" in answer and answer.endswith(b"a page of text")
                """)
            let worker = try #require(server.workers.first)
            try look(at: worker)
            try look(at: server.pid, rounds: 2)
            try finish(client)
        }

        @Test(.enabled(if: PostgresServer.isInstalled, "PostgreSQL with pgbench is not installed"))
        func postgres() throws {
            let programs = try #require(PostgresServer.programs)
            let server = try PostgresServer()
            let reach = server.reach
            let filled = try run(["\(programs)/pgbench", "-i", "-q"] + reach)
            guard filled.status == 0 else { throw HarnessError("pgbench -i: \(filled.errors)") }
            let load = try Child(["\(programs)/pgbench", "-c", "2", "-T", "600"] + reach, capturesErrors: true)
            // One of the backends that serve the load, and the parent of all. Other children of the server come and go, and
            // so does the one that pgbench asks first, and not for what it loads the others with.
            var backends: [pid_t] = []
            let question = """
                select pid from pg_stat_activity
                where application_name = 'pgbench' and query ~ '^(BEGIN|UPDATE|INSERT|END|SELECT abalance)'
                """
            let isLoaded = try comesTrue {
                backends = try run(server.psql + ["-Atc", question]).text.split(separator: "\n").compactMap {
                    pid_t($0)
                }
                return backends.count == 2
            }
            try #require(isLoaded)
            try look(at: backends[0], rounds: max(1, Self.rounds * 3 / 5))
            try look(at: server.pid, rounds: max(1, Self.rounds * 2 / 5))
            // What pgbench's own clock sends it when its time is over: it lasts as long as the looks do.
            kill(load.pid, SIGALRM)
            let outcome = try load.finish(withinSeconds: 300)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.text.contains("number of failed transactions: 0"), "\(outcome.text)")
        }
    }
}
