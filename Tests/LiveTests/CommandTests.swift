import FoundationEssentials
import Glibc
import Testing

/// `nusu leaks -- COMMAND`: the command runs as it would alone, and is looked at when it exits.
extension LiveTests {
    @Suite(.serialized) struct CommandTests {
        private func leaks(_ command: [String], options: [String] = []) throws -> Outcome {
            try run([Surroundings.nusu, "leaks", "--json", "--addresses", "--limit", "0"] + options + ["--"] + command)
        }

        /// The command's own lines, and the document behind them.
        private func parts(_ outcome: Outcome) throws -> (lines: [Substring], document: LeakDocument) {
            let lines = outcome.text.split(separator: "\n")
            let last = try #require(lines.last, "\(outcome.errors)")
            return (lines.dropLast(), try JSONDecoder().decode(LeakDocument.self, from: Data(last.utf8)))
        }

        private func demo(_ name: String) -> [String] { ["\(Surroundings.products)/nusu-demo", name, "--exit"] }

        @Test(arguments: ["rings", "list", "tree", "arenas", "overwrite"])
        func lost(_ name: String) throws {
            let outcome = try leaks(demo(name))
            #expect(outcome.status == 1)
            let (lines, document) = try parts(outcome)
            var truth: [Substring: Set<UInt64>] = [:]
            for words in lines.map({ $0.split(separator: " ") }) where words.count > 1 {
                if let address = UInt64(words[1].dropFirst(2), radix: 16) {
                    truth[words[0], default: []].insert(address)
                }
            }
            let leaders = Set(document.leaders("definite").keys).union(document.leaders("cycle").keys)
            #expect(leaders.isDisjoint(with: truth["reachable"] ?? []))
            #expect(leaders.isDisjoint(with: truth["indirect"] ?? []))
            #expect(leaders.isSuperset(of: truth["definite"] ?? []))
            #expect(document.isSound && document.snapshot.exact)
            let all = ["definite", "indirect", "cycle"].reduce(0) { $0 + (truth[$1]?.count ?? 0) }
            #expect(document.summary.definite.blocks + document.summary.indirect.blocks == all)
        }

        /// Other threads do not get to their ends by themselves: what their stacks hold is in use.
        @Test(arguments: ["reachable", "stacks", "thread-local", "globals"])
        func inUse(_ name: String) throws {
            let (lines, document) = try parts(leaks(demo(name)))
            let reachable = lines.filter { $0.hasPrefix("reachable ") }.compactMap {
                UInt64($0.split(separator: " ")[1].dropFirst(2), radix: 16)
            }
            #expect(!reachable.isEmpty)
            let leaders = Set(document.leaders("definite").keys).union(document.leaders("cycle").keys)
            #expect(leaders.isDisjoint(with: reachable))
        }

        @Test func status() throws {
            #expect(try leaks(["echo"]).status == 0)
            #expect(try leaks(["sh", "-c", "exit 4"]).status == 4)
            #expect(try leaks(["sh", "-c", "kill -TERM $$"]).status == 128 + SIGTERM)
            #expect(try leaks(["./no-such-program"]).status == 64)
            #expect(try leaks(demo("rings"), options: ["--dry-run"]).status == 64)
            #expect(try run([Surroundings.nusu, "leaks"]).status == 64)
            // What it starts, and what it becomes.
            #expect(try leaks(["sh", "-c", "sh -c 'exit 3'; exec sh -c 'exit 5'"]).status == 5)
        }

        /// An execve ends all other threads, as an exit does: it must not wait for nusu.
        @Test(.enabled(if: installed("python3") != nil, "python3 is not installed"))
        func execFromSeveralThreads() throws {
            let script = """
                import os, threading, time
                for _ in range(5): threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
                os.execvp("echo", ["echo", "another program"])
                """
            let outcome = try leaks(["python3", "-c", script])
            #expect(outcome.status == 0)
            #expect(outcome.text.hasPrefix("another program\n{"))
        }

        @Test func saved() throws {
            let file = "\(try Surroundings.temporaryFolder())/end.nusu"
            let (_, atExit) = try parts(leaks(demo("rings"), options: ["--save", file]))
            let later = try LeakRun(file).document()
            #expect(later.groups.map(\.signature) == atExit.groups.map(\.signature))
            #expect(later.summary.cycles.count == 50)
            #expect(try leaks(demo("rings"), options: ["--save", "-"]).status == 64)
        }

        @Test func inputAndOutputPassThrough() throws {
            let child = try Child([Surroundings.nusu, "leaks", "--", "cat"], capturesErrors: true)
            child.write("one\ntwo\n")
            #expect(try child.readLine() == "one")
            #expect(try child.readLine() == "two")
            child.closeInput()
            let outcome = try child.finish(withinSeconds: 300)
            #expect(outcome.status == 0 && outcome.errors.isEmpty)
            #expect(outcome.text.contains("looked at its exit (status 0, 1 thread)"))
        }

        @Test func signalsGoOn() throws {
            let child = try Child([Surroundings.nusu, "leaks", "--", "cat"])
            let command = try commandPid(of: child.pid)
            // Before it has started up there is nothing to look at.
            child.write("up\n")
            #expect(try child.readLine() == "up")
            kill(child.pid, SIGTERM)
            #expect(try child.finish(withinSeconds: 300).status == 128 + SIGTERM)
            #expect(kill(command, 0) != 0)
        }

        @Test func killedNusuLeavesItRunning() throws {
            let child = try Child([Surroundings.nusu, "leaks", "--", "cat"])
            let command = try commandPid(of: child.pid)
            child.end()
            #expect(comesTrue { ProcessView(pid: command).harm.isEmpty })
            child.write("still here\n")
            #expect(try child.readLine() == "still here")
            child.closeInput()
        }

        /// The process that nusu has started, once it runs its program.
        private func commandPid(of nusu: pid_t) throws -> pid_t {
            var command: pid_t?
            _ = comesTrue {
                // A thread of its own has made it.
                command = ProcessView(pid: nusu).children.first { ProcessView(pid: $0).status("Name") == "cat" }
                return command != nil
            }
            if let command { return command }
            throw HarnessError("nusu has started nothing")
        }
    }
}
