import FoundationEssentials
import Glibc
import Testing

extension LiveTests {
    /// What `nusu show` says when it is asked for one thing.
    @Suite struct ShowPartTests {
        private struct Document: Decodable {
            struct Variable: Decodable {
                let name: String
                let value: String?
            }
            struct Lock: Decodable {
                let kind: String
                let isWaiting, isShared: Bool
                let firstByte: UInt64
                let lastByte: UInt64?
                let descriptor: Int32?
                let path: String?
                let heldBy, waitedForBy: [pid_t]?
            }
            let arguments: [String]?
            let environment: [Variable]?
            let fileLocks: [Lock]?
        }

        private func document(_ pid: pid_t, _ words: String...) throws -> Document {
            let outcome = try run([Surroundings.nusu, "show", "\(pid)", "--json"] + words)
            #expect(outcome.status == 0, "\(outcome.errors)")
            return try JSONDecoder().decode(Document.self, from: Data(outcome.text.utf8))
        }

        private func text(_ pid: pid_t, _ words: String...) throws -> String {
            let outcome = try run([Surroundings.nusu, "show", "\(pid)"] + words)
            #expect(outcome.status == 0, "\(outcome.errors)")
            return outcome.text
        }

        @Test func theCommandLineAndTheEnvironment() throws {
            let child = try Child(
                ["sh", "-c", "sleep 100; exit", "two words", "*"], environment: ["NUSU_WORD": "누수 \u{1b}[2J="])
            #expect(
                comesTrue { ProcessView(pid: child.pid).state == "S" && !ProcessView(pid: child.pid).children.isEmpty })
            #expect(try text(child.pid, "--command").contains("\nsh -c 'sleep 100; exit' 'two words' '*'\n"))
            #expect(try document(child.pid).arguments == ["sh", "-c", "sleep 100; exit", "two words", "*"])
            let shown = try text(child.pid, "--environment")
            #expect(shown.contains("\nNUSU_WORD=누수 \\x1b[2J=\n") && !shown.contains("\u{1b}"))
            let variables = try #require(try document(child.pid, "--environment").environment)
            #expect(variables.first { $0.name == "NUSU_WORD" }?.value == "누수 \u{1b}[2J=")
            // Shown only when asked for.
            #expect(try document(child.pid).environment == nil)
            #expect(try !text(child.pid).contains("NUSU_WORD"))
            let both = try run([Surroundings.nusu, "show", "\(child.pid)", "--locks", "--calls"])
            #expect(both.status == 64)
        }

        @Test func locksOfFilesWithWhoeverElse() throws {
            let path = try Surroundings.temporaryFolder() + "/lock"
            let script = """
                import fcntl, sys, time
                file = open(sys.argv[1], 'w+')
                if sys.argv[2] == 'has':
                    fcntl.flock(file, fcntl.LOCK_SH)
                    fcntl.lockf(file, fcntl.LOCK_EX, 10, 5)
                    print('ready', flush=True)
                    time.sleep(100)
                fcntl.flock(file, fcntl.LOCK_EX)
                """
            let holder = try Child(["python3", "-c", script, path, "has"])
            #expect(try holder.readLine() == "ready")
            let waiter = try Child(["python3", "-c", script, path, "waits"])
            #expect(
                try comesTrue {
                    try document(waiter.pid, "--locks").fileLocks?.first { $0.isWaiting }?.heldBy == [holder.pid]
                })
            let waits = try #require(try document(waiter.pid, "--locks").fileLocks?.first)
            #expect(waits.kind == "FLOCK" && !waits.isShared && waits.path == path && waits.waitedForBy == nil)
            let held = try #require(try document(holder.pid, "--locks").fileLocks)
            #expect(held.count == 2 && held.allSatisfy { !$0.isWaiting && $0.path == path && $0.descriptor != nil })
            let shared = held.first { $0.kind == "FLOCK" }
            #expect(shared?.isShared == true && shared?.waitedForBy == [waiter.pid] && shared?.lastByte == nil)
            let part = held.first { $0.kind == "POSIX" }
            #expect(part?.isShared == false && part?.firstByte == 5 && part?.lastByte == 14)
            #expect(try text(waiter.pid, "--locks").contains("waits for one that python3(\(holder.pid)) has."))
        }

        @Test func whichCallEachThreadIsIn() throws {
            let script = """
                import threading, time
                lock = threading.Lock(); lock.acquire()
                threading.Thread(target=lock.acquire, daemon=True).start()
                print('ready', flush=True)
                time.sleep(100)
                """
            let child = try Child(["python3", "-c", script])
            #expect(try child.readLine() == "ready")
            let isShown = try comesTrue {
                let shown = try text(child.pid, "--calls")
                return shown.contains("python3 (\(child.pid)) has 2 threads: 1 in clock_nanosleep, 1 in futex.")
                    && ProcessView(pid: child.pid).threads.allSatisfy { shown.contains("\n  \($0)") }
            }
            #expect(isShown)
            #expect(!ProcessView(pid: child.pid).isTraced)
        }
    }
}
