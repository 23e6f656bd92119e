import FoundationEssentials
import Glibc
import Testing

extension LiveTests {
    /// What `nusu top` says without a screen.
    @Suite struct TopTests {
        private struct Document: Decodable {
            struct Process: Decodable {
                struct Children: Decodable {
                    struct Name: Decodable {
                        let command: String
                        let count: Int
                    }
                    let cpuPercent: Double
                    let count: Int?
                    let names: [Name]
                }
                let pid: pid_t
                let command: String
                let cpuPercent: Double?
                let residentBytes: Int
                let readBytesPerSecond: Double?
                let shortLivedChildren: Children?
            }
            struct Machine: Decodable {
                struct Memory: Decodable { let totalBytes, availableBytes: Int }
                struct Core: Decodable {
                    let number: Int
                    let busyPercent: Double
                }
                let cores: [Core]
                let memory: Memory?
            }
            struct Gap: Decodable { let what, reason: String }
            struct Thread: Decodable {
                let pid, thread: pid_t
                let command: String
                let cpuPercent: Double?
                let residentBytes: Int?
            }
            let schema: String
            let threads: [Thread]?
            let intervalSeconds: Double?
            let machine: Machine
            let processes: [Process]
            let gaps: [Gap]
        }

        private func documents(_ words: String...) throws -> [Document] {
            let outcome = try run([Surroundings.nusu, "top", "--json"] + words)
            #expect(outcome.status == 0, "\(outcome.errors)")
            return try outcome.text.split(separator: "\n").map {
                try JSONDecoder().decode(Document.self, from: Data($0.utf8))
            }
        }

        @Test func oneScreenAsText() throws {
            let outcome = try run([Surroundings.nusu, "top", "--once"])
            #expect(outcome.status == 0)
            let lines = outcome.text.split(separator: "\n", omittingEmptySubsequences: false)
            #expect(lines.count <= 26)
            #expect(lines.allSatisfy { $0.count <= 100 })
            #expect(lines[0].contains("processes, "))
            #expect(outcome.text.contains("%CPU"))
            #expect(!outcome.text.contains("\u{1b}"))
        }

        @Test func oneDocument() throws {
            let sleepers = try Sleepers(2)
            let document = try #require(try documents("--once").first)
            #expect(document.schema == "nusu.top/1")
            #expect(document.intervalSeconds ?? 0 >= 0.4)
            #expect(Set(sleepers.pids).isSubset(of: Set(document.processes.map(\.pid))))
            #expect(document.machine.cores.count == sysconf(Int32(_SC_NPROCESSORS_ONLN)))
            let memory = try #require(document.machine.memory)
            #expect(memory.totalBytes > memory.availableBytes && memory.availableBytes > 0)
        }

        /// Each thread that the kernel lists, and no other; what they do adds up to what their process does.
        @Test func threadsAreRowsOfTheirOwn() throws {
            let demo = try Demo("nusu-demo", ["churn", "3"])
            let document = try #require(try documents("--once", "--threads", "--where", "pid==\(demo.pid)").first)
            let threads = try #require(document.threads)
            #expect(threads.map(\.thread).sorted() == demo.view.threads.sorted() && threads.count == 4)
            #expect(threads.allSatisfy { $0.pid == demo.pid && $0.residentBytes == nil })
            #expect(document.processes.map(\.pid) == [demo.pid])
            let whole = document.processes.first?.cpuPercent ?? 0
            let sum = threads.reduce(0) { $0 + ($1.cpuPercent ?? 0) }
            #expect(whole > 0 && abs(sum - whole) < 30, "\(sum) of \(whole)")
            // Not asked for, they are not known.
            let plain = try #require(try documents("--once", "--where", "pid==\(demo.pid)").first)
            #expect(plain.threads == nil)
        }

        /// Threads that come and go while they are looked at, and a process that becomes another program meanwhile.
        @Test func threadsThatComeAndGo() throws {
            let demo = try Demo("nusu-demo", ["coming"])
            let child = try Child(["python3", "-c", Self.execs, Self.execs])
            for _ in 0..<4 {
                let document = try #require(
                    try documents(
                        "--once", "--threads", "--interval", "200ms", "--where",
                        "pid==\(demo.pid) || pid==\(child.pid)"
                    ).first)
                let threads = try #require(document.threads)
                #expect(Set(threads.map(\.thread)).count == threads.count)
                #expect(threads.allSatisfy { [demo.pid, child.pid].contains($0.pid) })
                #expect(threads.allSatisfy { ($0.cpuPercent ?? 0) < 400 })
            }
            #expect(demo.poll() == nil)
        }

        /// A thread that is not the main one takes its number and goes on as the program, again and again.
        private static let execs = """
            import os, sys, threading, time
            for _ in range(20): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
            def become(): os.execv(sys.executable, [sys.executable, '-c', sys.argv[1], sys.argv[1]])
            threading.Timer(0.05, become).start()
            time.sleep(60)
            """

        @Test func conditionsAndColumns() throws {
            let sleepers = try Sleepers(1)
            let pid = sleepers.pids[0]
            let document = try #require(
                try documents("--once", "--where", "pid==\(pid)", "-o", "pid,readrate").first)
            #expect(document.processes.map(\.pid) == [pid])
            #expect(document.processes.first?.readBytesPerSecond == 0)
            let wrong = try run([Surroundings.nusu, "top", "--once", "--where", "pid=="])
            #expect(wrong.status == 64)
        }

        /// A shell that starts programs of some milliseconds, one after the other, and waits for each: hardly a look sees one, and
        /// together they take what a processor has.
        @Test func shortLivedProcessesAreTheirParents() throws {
            let child = try Child([
                "sh", "-c", "while :; do sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done'; done",
            ])
            #expect(
                try comesTrue {
                    guard let document = try documents("--once", "--where", "pid==\(child.pid)").first,
                        let children = document.processes.first?.shortLivedChildren, children.cpuPercent > 5
                    else { return false }
                    // Only a part of them can be told by name, and only by the kernel's own records.
                    let isTold = !document.gaps.contains { $0.what.contains("short-lived") }
                    return !isTold || children.count ?? 0 > 3 && children.names.contains { $0.command == "sh" }
                })
        }

        @Test func withoutATerminalItSaysWhatToDo() throws {
            let outcome = try run([Surroundings.nusu, "top"])
            #expect(outcome.status == 64)
            #expect(outcome.errors.contains("--once"))
        }
    }
}
