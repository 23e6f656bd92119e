import FoundationEssentials
import Glibc
import Testing

/// The parts of the nusu.overview/1 document that the tests read.
private struct OverviewDocument: Decodable {
    struct Trend: Decodable { let course: String }
    struct Limit: Decodable {
        let limitBytes: UInt64?
        let usageBytes: UInt64?
        let share: Double?
    }
    struct Memory: Decodable {
        let residentBytes: UInt64?
        let resident: Trend?
        let limit: Limit?
    }
    struct Count: Decodable {
        let count: Int?
        let limit: Int?
        let trend: Trend?
    }
    struct Doing: Decodable {
        let reason: String?
        let isDeadlock: Bool
        let cores: Double?
    }
    struct Runtime: Decodable {
        let allocators: [String]
        let languages: [String]
        let reading: String
    }
    struct Permission: Decodable {
        let isGranted: Bool
        let pauseSeconds: Double?
        let remedy: String?
    }

    let schema: String
    let memory: Memory
    let descriptors: Count
    let threads: Count
    let doing: Doing
    let runtime: Runtime?
    let permission: Permission
    let next: String

    static func of(_ pid: pid_t, _ options: [String] = ["--for", "0.3s"]) throws -> OverviewDocument {
        let outcome = try run([Surroundings.nusu, "\(pid)", "--json"] + options)
        guard outcome.status == 0 else { throw HarnessError("nusu \(pid): \(outcome.status) \(outcome.errors)") }
        return try JSONDecoder().decode(OverviewDocument.self, from: Data(outcome.output))
    }
}

extension LiveTests {
    /// `nusu TARGET`.
    @Suite(.serialized) struct OverviewTests {
        @Test("The figures are the kernel's, and nothing was touched")
        func steady() throws {
            let demo = try Demo("nusu-demo", ["arenas"])
            let before = Surroundings.readFile("/proc/\(demo.pid)/statm")
            let document = try OverviewDocument.of(demo.pid)
            #expect(document.schema == "nusu.overview/1")
            #expect(Surroundings.readFile("/proc/\(demo.pid)/statm") == before)
            let pages = before?.split(separator: " ").dropFirst().first.flatMap { UInt64($0) }
            #expect(document.memory.residentBytes == pages.map { $0 * 4096 })
            #expect(document.threads.count == demo.view.threads.count)
            let open = try run(["ls", "/proc/\(demo.pid)/fd"]).text.split(separator: "\n").count
            #expect(document.descriptors.count == open)
            #expect(document.runtime?.allocators.first?.hasPrefix("glibc 2.") == true)
            #expect(document.runtime?.reading == "full")
            #expect(document.permission.isGranted)
            #expect(document.permission.pauseSeconds ?? 1 < 0.25)
            #expect(document.next == "nusu leaks \(demo.pid)")
            #expect(demo.view.harm.isEmpty)
        }

        @Test("What grows says so in its first line, and leads to nusu memory")
        func grows() throws {
            let demo = try Demo("nusu-demo", ["unbounded-cache"])
            let outcome = try run([Surroundings.nusu, "\(demo.pid)", "--for", "1.5s"])
            #expect(outcome.text.split(separator: "\n").first?.contains(" grows ") == true, "\(outcome.text)")
            #expect(try OverviewDocument.of(demo.pid, ["--for", "1.5s"]).next == "nusu memory \(demo.pid)")
        }

        @Test(
            "A limit comes first when it is near",
            .enabled(if: ControlGroup.mayMake("memory"), "no memory control group of version 1 can be made here"))
        func limit() throws {
            let group = try ControlGroup("memory")
            defer { group.remove() }
            let program = try SnapshotProgram("large", "\(40 << 20)", within: group.entry)
            let used = try #require(group.read("memory.usage_in_bytes").flatMap { Int($0) })
            try group.set("memory.limit_in_bytes", used + used / 12)
            let document = try OverviewDocument.of(program.pid)
            #expect(document.memory.limit?.share ?? 0 > 0.8)
            let text = try run([Surroundings.nusu, "\(program.pid)", "--for", "0"]).text
            #expect(text.contains("% of its memory limit"), "\(text)")
            #expect(document.next == "nusu memory \(program.pid)")
        }

        @Test("Languages and allocators, by the files alone")
        func runtimes() throws {
            let swift = try Child(["\(Surroundings.products)/nusu-demo-swift", "memory"])
            while try swift.readLine() != "ready" {}
            #expect(try OverviewDocument.of(swift.pid).runtime?.languages.contains("Swift") == true)
            if installed("python3") != nil {
                let python = try Child(["python3", "-c", "print('ready', flush=True); input()"])
                #expect(try python.readLine() == "ready")
                #expect(try OverviewDocument.of(python.pid).runtime?.languages == ["Python"])
            }
            if installed("redis-server") != nil {
                // It ends where it listens nowhere.
                let socket = "\(try Surroundings.temporaryFolder())/socket"
                let redis = try Child(["redis-server", "--port", "0", "--save", "", "--unixsocket", socket])
                try #require(comesTrue { Surroundings.isListening(socket) })
                let document = try OverviewDocument.of(redis.pid)
                #expect(document.runtime?.allocators.first == "jemalloc" && document.runtime?.reading != "full")
            }
        }

        @Test("A deadlock, a zombie, a thread of the kernel")
        func states() throws {
            let demo = try Demo("nusu-demo", ["deadlock"])
            _ = try ShowDocument.of(demo.pid) { $0.isDeadlock }
            let document = try OverviewDocument.of(demo.pid)
            #expect(document.doing.isDeadlock && document.next == "nusu show \(demo.pid)")
            if let kernel = try? run(["pgrep", "-o", "kthreadd"]).text.split(separator: "\n").first {
                let text = try run([Surroundings.nusu, String(kernel), "--for", "0"]).text
                #expect(text.contains("is a thread of the kernel"))
            }
            let parent = try Child(["sh", "-c", "sh -c 'echo $$; exit 3' & exec sleep 60"])
            let child = try #require(try parent.readLine().flatMap { pid_t($0) })
            #expect(comesTrue { ProcessView(pid: child).state == "Z" })
            let text = try run([Surroundings.nusu, "\(child)", "--for", "0"]).text
            #expect(text.contains("has ended: a zombie"), "\(text)")
        }

        @Test(
            "Without the right: what all may see, and how to get the rest",
            .enabled(if: Surroundings.isRoot && installed("setpriv") != nil, "changing the user needs root and setpriv")
        )
        func unprivileged() throws {
            let demo = try Demo("nusu-demo", ["arenas"])
            let folder = try Surroundings.temporaryFolder()
            #expect(try run(["cp", Surroundings.nusu, folder]).status == 0)
            let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            let outcome = try run(nobody + ["\(folder)/nusu", "\(demo.pid)", "--for", "0.2s"])
            #expect(outcome.status == 0)
            #expect(outcome.text.contains("look into its memory: no"), "\(outcome.text)")
            #expect(outcome.text.contains("  do  ") && outcome.text.contains(" resident"))
        }

        @Test("A word that is neither verb nor process, a file, nonsense")
        func wrongWords() throws {
            let unknown = try run([Surroundings.nusu, "leask"])
            #expect(unknown.status == 66 && unknown.errors.contains("no process called 'leask', and no verb"))
            let verb = try run([Surroundings.nusu, "leask", "12"])
            #expect(verb.status == 64 && verb.errors.contains("there is no verb 'leask'"))
            #expect(try run([Surroundings.nusu, "./a.nusu"]).status == 64)
            #expect(try run([Surroundings.nusu, "1", "--for", "x"]).status == 64)
            #expect(try run([Surroundings.nusu, "999999999", "--json"]).status == 66)
        }
    }
}
