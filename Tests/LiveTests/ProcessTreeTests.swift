import FoundationEssentials
import Glibc
import Testing

/// `nusu tree` beside pstree(1), and `nusu find` beside pgrep(1).
extension LiveTests {
    @Suite(.serialized) struct ProcessTreeTests {
        struct Document: Decodable {
            struct Process: Decodable {
                let pid: Int32
                let ppid: Int32
                let command: String
                let children: [Int32]
                let concern: String?
            }
            let processes: [Process]
        }

        private func tree(_ words: [String]) throws -> [Int32: Document.Process] {
            let run = try run([Surroundings.nusu, "tree", "--json"] + words)
            #expect(run.status == 0)
            let document = try JSONDecoder().decode(Document.self, from: Data(run.output))
            return Dictionary(document.processes.map { ($0.pid, $0) }) { first, _ in first }
        }

        @Test(
            "The same children as pstree's, of 200 processes",
            .enabled(if: installed("pstree") != nil, "pstree is not installed"))
        func sameChildren() throws {
            let sleepers = try Sleepers(200)
            let text = try run(["pstree", "-p", "-T", "-l", "\(getpid())"]).text
            let numbers = Set(text.split { !$0.isNumber }.compactMap { Int32($0) })
            let tree = try tree(["\(getpid())"])
            #expect(Set(sleepers.pids).isSubset(of: numbers))
            #expect(Set(sleepers.pids).isSubset(of: tree[getpid()]?.children ?? []))
            #expect(sleepers.pids.allSatisfy { tree[$0]?.ppid == getpid() && tree[$0]?.command == "sleep" })
            // Its ancestors are there too, up to a process without a parent.
            var next = getpid()
            while next != 0, let process = tree[next] { next = process.ppid }
            #expect(next == 0)
            let folded = try run([Surroundings.nusu, "tree", "\(getpid())"]).text
            #expect(folded.contains("200 x sleep"))
            #expect(folded.split(separator: "\n").count <= 25)
        }

        @Test("A zombie is said first, with who must wait for it") func zombie() throws {
            let demo = try Demo("nusu-demo", ["zombie"])
            let zombie = try #require(demo.otherPid)
            #expect(try tree(["\(demo.pid)"])[zombie]?.concern == "zombie")
            let text = try run([Surroundings.nusu, "tree", "\(demo.pid)"]).text
            let first = try #require(text.split(separator: "\n").first)
            #expect(first.contains("1 zombie (!)"))
            #expect(text.contains("\(demo.pid) must reap it"))
        }

        @Test(
            "Many zombies are one line, and all of them when asked for",
            .enabled(if: installed("python3") != nil, "python3 is not installed"))
        func zombies() throws {
            let program = """
                import os, sys
                for _ in range(60):
                    if os.fork() == 0: os._exit(0)
                print('ready', flush=True); sys.stdin.read()
                """
            let parent = try Child(["python3", "-c", program])
            #expect(try parent.readLine() == "ready")
            let children = ProcessView(pid: parent.pid).children
            #expect(comesTrue { children.allSatisfy { ProcessView(pid: $0).state == "Z" } })
            let text = try run([Surroundings.nusu, "tree", "\(parent.pid)"]).text
            #expect(text.contains("60 x python3 <defunct>") && text.contains("\(parent.pid) must reap them"), "\(text)")
            #expect(text.split(separator: "\n").first?.contains("60 zombies (!)") == true)
            #expect(text.split(separator: "\n").count <= 25)
            let all = try run([Surroundings.nusu, "tree", "\(parent.pid)", "--all"]).text
            #expect(children.count == 60 && children.allSatisfy { all.contains("\($0) python3 <defunct>") })
        }

        @Test("No such target: 66; several: 64") func status() throws {
            #expect(try run([Surroundings.nusu, "tree", "nusu-no-such-name"]).status == 66)
            let sleepers = try Sleepers(2)
            #expect(sleepers.pids.count == 2)
            #expect(try run([Surroundings.nusu, "tree", "sleep"]).status == 64)
        }

        @Test(
            "The same processes as pgrep's", .enabled(if: installed("pgrep") != nil, "pgrep is not installed"),
            arguments: [
                ["sleep"], ["-x", "sleep"], ["-f", "sleep 60[0-9]"], ["-f", "-x", "sleep 600"],
                ["-c", "-f", "sleep 60"],
                ["-a", "-x", "sleep"], ["-l", "-x", "sleep"], ["-n", "-x", "sleep"], ["-o", "-x", "sleep"],
                ["-u", "0", "-x", "sleep"], ["-u", "nobody", "-x", "sleep"], ["-x", "nusu-no-such"],
                ["-i", "-x", "SLEEP"],
            ])
        func sameMatches(_ words: [String]) throws {
            let sleepers = try Sleepers(words == ["sleep"] ? 200 : 10)
            // Other tests' processes have the same name: only children of this one count.
            let words = ["-P", "\(getpid())"] + words
            let theirs = try run(["pgrep"] + words)
            let ours = try run([Surroundings.nusu, "find"] + words)
            #expect(theirs.text == ours.text)
            #expect(theirs.status == ours.status)
            #expect(sleepers.pids.count >= 10)
        }

        @Test("A search finds neither itself nor who runs it") func neverItself() throws {
            let pattern = "nusu-search-pattern-\(getpid())"
            let shell = try run(["sh", "-c", "\(Surroundings.nusu) find \(pattern); echo $?"])
            #expect(shell.text == "1\n")
            #expect(shell.errors.contains("15 characters"))
            let all = try run(["sh", "-c", "\(Surroundings.nusu) find --ancestors -c \(pattern); :"])
            #expect(all.text != "0\n")
            #expect(try run([Surroundings.nusu, "find", "("]).status == 64)
            #expect(try run([Surroundings.nusu, "find"]).status == 64)
        }
    }
}
