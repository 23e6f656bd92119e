import Glibc
import Testing

/// Built by `make server`, which takes minutes.
private let swiftServer =
    getenv("NUSU_TEST_SERVER").map { String(cString: $0) }
    ?? "\(Surroundings.package)/.build/server/release/nusu-test-server"

/// A SwiftNIO server (Tests/Server) under load that leaves one retain cycle behind per request: each is found, counted and
/// named, and nothing else is.
extension LiveTests {
    @Suite(.serialized, .enabled(if: access(swiftServer, X_OK) == 0, "not built: make server"))
    struct SwiftServerTests {
        private static let jemalloc = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"
        private static let seed = "RequestContext.onFinish -> closure.capture -> RequestContext"
        private static let looksUnderLoad = getenv("NUSU_SOAK") == nil ? 3 : 20

        @Test func seeded() throws { try serve(isSeeded: true) }

        @Test func clean() throws { try serve(isSeeded: false) }

        @Test(.enabled(if: access(jemalloc, R_OK) == 0, "libjemalloc.so.2 is not installed"), arguments: [true, false])
        func withoutHeap(isSeeded: Bool) throws {
            try serve(isSeeded: isSeeded, environment: ["LD_PRELOAD": Self.jemalloc])
        }

        private func serve(isSeeded: Bool, environment: [String: String] = [:]) throws {
            let environment = environment.merging(isSeeded ? ["SEEDED": "1"] : [:]) { $1 }
            let server = try Child([swiftServer], environment: environment)
            let port = try #require(server.readLine()?.split(separator: " ").last.map(String.init))
            let atRest = Self.descriptors(of: server.pid)
            let client = try Self.client(port)
            for _ in 0..<Self.looksUnderLoad {
                // Requests that end between the two snapshots are set aside as possibly lost.
                let document = try CycleDocument.read(LeakRun("\(server.pid)"))
                expectOnlySeed(document.groups.filter { $0.kind != "possible" }, isSeeded)
            }
            client.closeInput()
            let words = try client.finish(withinSeconds: 300).text.split(separator: " ")
            let asked = try #require(words.first.flatMap { Int($0) })
            #expect(words.last == "0\n" && asked > 100, "asked and failed: \(words)")

            // The connections are closed: once the loops have seen it, whatever is left of a request is lost.
            #expect(comesTrue { Self.descriptors(of: server.pid) <= atRest })
            #expect(comesTrue { ProcessView(pid: server.pid).isWholly("S") })
            let run = try LeakRun("\(server.pid)")
            let document = try CycleDocument.read(run)
            expectOnlySeed(document.groups, isSeeded)
            let count = document.groups.reduce(0) { $0 + $1.count }
            if environment["LD_PRELOAD"] == nil || !isSeeded {
                #expect(count == (isSeeded ? asked : 0))
            } else {
                // A lower bound: what this allocator has freed can look like an object in use, and keep a ring alive.
                #expect(count <= asked && count >= asked - asked / 100, "\(count) of \(asked)")
            }
            #expect(
                run.outcome.status == (isSeeded ? 1 : environment["LD_PRELOAD"] == nil ? 0 : 2), "\(run.outcome.errors)"
            )
            #expect(ProcessView(pid: server.pid).harm.isEmpty)
            #expect(server.poll() == nil)
        }

        private static func descriptors(of pid: pid_t) -> Int {
            (try? run(["ls", "/proc/\(pid)/fd"]).text.split(separator: "\n").count) ?? 0
        }

        private func expectOnlySeed(_ groups: [CycleDocument.Group], _ isSeeded: Bool) {
            // What hangs below differs in size from request to request, so that there are several groups.
            #expect(groups.isEmpty || isSeeded)
            for group in groups {
                let path = group.cycle.map { steps in
                    CyclePath(
                        steps.map { .init(type: $0.type.replacing("nusu_test_server.", with: ""), field: $0.field) })
                }
                #expect(path == CyclePath(Self.seed), "\(group.kind) \(group.type ?? "") \(path?.description ?? "")")
                #expect(group.certainty == "certain")
                #expect(
                    group.breakAt == "[weak self] in the closure stored in nusu_test_server.RequestContext.onFinish")
            }
        }

        /// Asks over a few connections until its input ends, and then prints how often it asked and how often that failed.
        private static func client(_ port: String) throws -> Child {
            let program = """
                import socket, sys, select, time
                links = [socket.create_connection(("127.0.0.1", \(port))) for _ in range(8)]
                streams = [link.makefile("rwb") for link in links]
                asked = failed = 0
                while not select.select([sys.stdin], [], [], 0)[0]:
                    for stream in streams:
                        stream.write(b"POST /item/%d HTTP/1.1\\r\\nhost: x\\r\\ncontent-length: 4\\r\\n\\r\\nbody" % asked)
                        stream.flush()
                        asked += 1
                    for stream in streams:
                        length = 0
                        ok = stream.readline().startswith(b"HTTP/1.1 200")
                        while (line := stream.readline().strip()):
                            if line.lower().startswith(b"content-length:"): length = int(line.split(b":")[1])
                        if not ok or len(stream.read(length)) != length: failed += 1
                    # So many that looks take seconds: the answer is the same for fewer.
                    time.sleep(0.005 if asked < 20000 else 0.5)
                    if asked == 80: print("started", flush=True)
                for link in links: link.close()
                print(asked, failed, flush=True)
                """
            let child = try Child(["python3", "-c", program])
            guard try child.readLine() == "started" else { throw HarnessError("the client failed") }
            return child
        }
    }
}
