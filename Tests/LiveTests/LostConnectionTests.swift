import Glibc
import Testing

/// Descriptors whose numbers lost objects keep, in a program that says which they are: all of them are found, by class and
/// field, and none that only looks like it.
extension LiveTests {
    @Suite(.serialized, .enabled(if: Surroundings.mayTrace, "ptrace is not allowed here"))
    struct LostConnectionTests {
        private static let swift: Set<String> = [
            "nusu_demo_swift.Connection.fd 5", "nusu_demo_swift.Reader.source 3",
            "nusu_demo_swift.Link.clientSocket 2", "nusu_demo_swift.Channel.descriptor 2",
        ]
        private static let cxx: Set<String> = [
            "app::Connection.m_fd 4", "app::Ends.fds[i] 4", "app::Link.sock_ 4",
        ]

        private func owners(_ document: FdsDocument) -> Set<String> {
            var numbers: [String: Set<Int32>] = [:]
            for owner in (document.streams?.lost ?? []).flatMap(\.owners) {
                numbers["\(owner.type).\(owner.field)", default: []].formUnion(owner.numbers)
            }
            return Set(numbers.map { "\($0.key) \($0.value.count)" })
        }

        @Test(arguments: [("nusu-demo-swift", swift), ("nusu-demo-cxx", cxx)])
        func known(_ program: String, _ fields: Set<String>) throws {
            let demo = try Demo(program, ["connections"])
            let owned = try #require(demo.descriptors["owned"])
            #expect(owned.count == 12 && demo.descriptors["held"]?.count ?? 0 >= 14)
            let fds = try FdsDocument.of(demo.pid, ["--lost"], status: 1)
            #expect(Set((fds.streams?.lost ?? []).flatMap(\.numbers)) == owned)
            #expect(owners(fds) == fields)
            #expect(fds.gaps.isEmpty, "every lost block has a type: \(fds.gaps.map(\.what))")
            let text = try run([Surroundings.nusu, "fds", "\(demo.pid)", "--lost"]).text
            #expect(text.contains("can no longer close 12 of its "))
            #expect(
                text.contains("owned by a lost \(program == "nusu-demo-swift" ? "Connection.fd" : "app::Link.sock_")"))

            let leaks = try LeakRun("\(demo.pid)")
            let differences = differences(try leaks.document(), from: demo.truth, morePossible: true)
            #expect(differences.isEmpty, "\(differences)")
            let report = try run([Surroundings.nusu, "leaks", "\(demo.pid)"]).text
            #expect(report.contains("lost memory owns 12 descriptors (nusu fds \(demo.pid) --lost)"))
            #expect(report.contains("descriptors: unix pair = itself, by "), "\(report)")
            // Whatever the bytes behind the virtual table look like.
            let connections = try leaks.document().groups.filter { $0.type == "app::Connection" }
            #expect(connections.map(\.count) == (program == "nusu-demo-cxx" ? [9] : []))
            #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
        }

        /// A file has none of the numbers: not known, not none.
        @Test func saved() throws {
            let demo = try Demo("nusu-demo-swift", ["connections"])
            let file = try TemporaryFile("x.nusu")
            let live = try run([Surroundings.nusu, "leaks", "\(demo.pid)", "--json", "--save", file.path]).text
            #expect(live.contains(#""descriptors":12,"#) && !live.contains(#""descriptorOwners":null"#))
            let saved = try run([Surroundings.nusu, "leaks", file.path, "--json"]).text
            #expect(saved.contains(#""descriptors":null,"#) && !saved.contains(#""descriptorOwners":["#))
        }

        /// At its end a program has its descriptors still.
        @Test func command() throws {
            let program = "\(Surroundings.products)/nusu-demo-cxx"
            let outcome = try run([Surroundings.nusu, "leaks", "--", program, "connections", "--exit"])
            #expect(outcome.text.contains("owns 4 descriptors: unix pair"), "\(outcome.text)")
        }

        /// Without debug information nothing is claimed, and what was not looked at is said.
        @Test func withoutNames() throws {
            let stripped = try Surroundings.temporaryFolder() + "/stripped"
            #expect(try run(["strip", "-o", stripped, "\(Surroundings.products)/nusu-demo-cxx"]).status == 0)
            let demo = try Demo(stripped, ["connections"])
            let fds = try FdsDocument.of(demo.pid, ["--lost"], status: 2)
            #expect(fds.streams?.lost.isEmpty == true)
            #expect(fds.gaps.first?.what == "numbers in lost objects of app::Connection and 3 other C++ classes")
        }

        /// A connection to a server is named by its address.
        @Test(.enabled(if: installed("python3") != nil, "python3 is not installed")) func connection() throws {
            let server = try Child([
                "python3", "-c",
                """
                import socket, sys
                server = socket.create_server(("127.0.0.1", 0))
                print(server.getsockname()[1], flush=True)
                taken = server.accept()
                print("taken", flush=True)
                sys.stdin.read()
                """,
            ])
            let port = try #require(try server.readLine())
            let demo = try Demo("nusu-demo-swift", ["connections", port])
            #expect(try server.readLine() == "taken")
            let text = try run([Surroundings.nusu, "leaks", "\(demo.pid)", "--limit", "0"]).text
            let number = try #require(text.firstRange(of: "owns descriptor ")).upperBound
            #expect(text[number...].prefix { $0.isNumber }.isEmpty == false)
            #expect(text.contains(": tcp to 127.0.0.1:\(port) = python3(\(server.pid)), by Client.sockFD"), "\(text)")
        }
    }
}
