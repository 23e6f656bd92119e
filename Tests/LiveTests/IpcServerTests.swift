import Glibc
import Testing

extension LiveTests {
    /// Programs that people run, and how they are connected.
    @Suite(.serialized) struct IpcServerTests {
        private func text(_ words: [String]) throws -> String {
            let outcome = try run([Surroundings.nusu, "ipc"] + words)
            guard outcome.status == 0 else { throw HarnessError("\(words): \(outcome.status) \(outcome.errors)") }
            return outcome.text
        }

        @Test(.enabled(if: PostgresServer.isInstalled, "PostgreSQL with pgbench is not installed"))
        func postgres() throws {
            let server = try PostgresServer()
            let client = try Child(server.psql + ["-c", "select pg_sleep(100)"])
            var link: IpcDocument.Channel?
            // The server itself has it until it has forked.
            _ = try comesTrue {
                link = try IpcDocument.of(["\(client.pid)"]).channels.first {
                    $0.kind == "unix" && $0.name == "\(server.folder)/.s.PGSQL.5432" && $0.pids.count == 2
                }
                return link.map { !$0.pids.contains(server.pid) } ?? false
            }
            let backend = try #require(link?.pids.first { $0 != client.pid })
            // The server and all its children share its buffers; the child that served the question whether it is up may
            // not have ended yet, and others come and go.
            var family: Set<pid_t> = []
            var memory: [IpcDocument.Channel] = []
            var shown = ""
            let isStill = try comesTrue {
                family = Set([server.pid] + server.view.children)
                memory = try IpcDocument.of(["\(backend)"]).channels.filter { $0.kind == "shared-memory" }
                shown = try text(["\(server.pid)"])
                return family == Set([server.pid] + server.view.children) && server.view.zombies.isEmpty
            }
            #expect(isStill)
            #expect(memory.contains { family.isSubset(of: $0.pids) && $0.size ?? 0 > 1 << 20 })
            #expect(shown.contains("postgres(\(server.pid)) and \(family.count - 1) children"), "\(shown)")
            // Through its backend; through whoever started both, and has their output, it is as near.
            let chains = try IpcDocument.of(["\(client.pid)", "\(server.pid)"]).chains
            #expect(chains?.contains { $0.map(\.to) == [backend, server.pid] } == true, "\(chains ?? [])")
        }

        @Test(.enabled(if: NginxServer.isInstalled, "nginx is not installed")) func nginx() throws {
            let server = try NginxServer(workers: 3)
            let client = try Child([
                "python3", "-c",
                """
                import socket, time
                links = [socket.socket(socket.AF_UNIX) for _ in range(12)]
                for link in links: link.connect("\(server.socket)")
                print("ready", flush=True); time.sleep(100)
                """,
            ])
            #expect(try client.readLine() == "ready")
            var shown = ""
            let isTaken = try comesTrue {
                shown = try text(["\(client.pid)"])
                return shown.contains("12 open")
            }
            #expect(isTaken, "\(shown)")
            #expect(shown.contains("python3(\(client.pid)) <=unix "), "\(shown)")
            // The master speaks with each of its workers through a pair of sockets.
            let document = try IpcDocument.of(["\(server.pid)"])
            for worker in server.workers {
                let pairs = document.joining([server.pid, worker]).filter { $0.kind == "unix" }
                #expect(!pairs.isEmpty, "worker \(worker)")
            }
        }

        @Test(.enabled(if: installed("redis-server") != nil && installed("python3") != nil, "redis is not installed"))
        func redis() throws {
            let folder = try Surroundings.temporaryFolder()
            chmod(folder, 0o777)
            let server = try Child([
                "redis-server", "--port", "0", "--unixsocket", "\(folder)/socket", "--dir", folder, "--save", "",
            ])
            let isUp = comesTrue { Surroundings.isListening("\(folder)/socket") }
            try #require(isUp)
            let client = try Child([
                "python3", "-c",
                """
                import socket, time
                links = []
                for _ in range(5):
                    link = socket.socket(socket.AF_UNIX); link.connect("\(folder)/socket"); links.append(link)
                    link.sendall(b"PING\\r\\n"); assert link.recv(7) == b"+PONG\\r\\n"
                print("ready", flush=True); time.sleep(100)
                """,
            ])
            #expect(try client.readLine() == "ready")
            let document = try IpcDocument.of(["\(client.pid)", "\(server.pid)"])
            #expect(document.chains?.map { $0.map(\.to) } == [[server.pid]])
            let links = document.channels
            #expect(links.count == 5 && links.allSatisfy { $0.name == "\(folder)/socket" && $0.sure && $0.isAccepted })
            #expect(links.allSatisfy { $0.waiting == 0 && $0.state == "idle" })
        }

        @Test(.enabled(if: installed("python3") != nil, "python3 is not installed"))
        func terminal() throws {
            let emulator = try Child([
                "python3", "-c",
                """
                import fcntl, os, pty, struct, time
                pid, master = pty.fork()
                if pid == 0: os.execvp("sleep", ["sleep", "100"])
                # TIOCGPTN
                number = struct.unpack("I", fcntl.ioctl(master, 0x80045430, bytes(4)))[0]
                print(pid, number, flush=True); time.sleep(100)
                """,
            ])
            let words = try #require(try emulator.readLine()).split(separator: " ")
            let inner = try #require(pid_t(words[0]))
            defer { kill(inner, SIGKILL) }
            _ = comesTrue { ProcessView(pid: inner).status("Name") == "sleep" }
            let shown = try text(["\(inner)"])
            #expect(shown.contains("python3(\(emulator.pid)) <=pty pts/\(words[1])=> sleep(\(inner))"), "\(shown)")
        }

        @Test(
            .enabled(
                if: installed("dbus-daemon") != nil && installed("dbus-monitor") != nil, "dbus is not installed"))
        func bus() throws {
            let folder = try Surroundings.temporaryFolder()
            let daemon = try Child(
                [
                    "dbus-daemon", "--session", "--nofork", "--print-address", "--address=unix:path=\(folder)/bus",
                ], capturesErrors: true)
            let address = try #require(try daemon.readLine())
            let monitors = try (0..<3).map { _ in try Child(["dbus-monitor", "--address", address]) }
            var shown = ""
            let isUp = try comesTrue {
                shown = try text(["\(daemon.pid)"])
                return shown.contains("3 open")
            }
            #expect(isUp, "\(shown)")
            #expect(shown.contains("dbus-monitor(\(monitors[0].pid)) x3 <=unix "), "\(shown)")
            #expect(shown.contains("bus=> dbus-daemon(\(daemon.pid))"), "\(shown)")
        }
    }
}
