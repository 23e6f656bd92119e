import FoundationEssentials
import Glibc
import Testing

/// `nusu memory` against programs whose memory goes one way, and against the kernel's own figures.
extension LiveTests {
    @Suite(.serialized) struct MemoryTests {
        @Test(
            arguments: [
                ("fragmentation", "fragmentation", "heapFree"), ("finished-arenas", "arenas", "heapFree"),
                ("bounded-cache", "cache", "heapInUse"), ("true-leak", "leak", "heapLost"),
                ("mapped-file", "files", "filesClean"), ("shared-pair", "shared", "shared"),
                ("deep-stacks", "stacks", "stacks"), ("libc", "nothing", "libraryCode"),
            ])
        func verdicts(_ demo: String, _ verdict: String, _ largest: String) throws {
            let demo = try Demo("nusu-demo", [demo])
            let document = try memory(["\(demo.pid)"])
            #expect(document.verdict.kind == verdict, "\(document.verdict)")
            #expect(document.resident.parts.first?.kind == largest, "\(document.resident)")
            #expect(document.isSound)
            if let other = demo.otherPid {
                #expect(document.shared.first?.with.map(\.pid) == [Int(other)])
            }
            #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
        }

        /// What stays of one that forgets and one that does not, told by looking twice.
        @Test func growth() throws {
            let unbounded = try Demo("nusu-demo", ["unbounded-cache"])
            let grown = try memory(["\(unbounded.pid)", "--over", "1s"], status: 1)
            #expect(grown.verdict.kind == "cache")
            #expect(try #require(grown.verdict.grownBytes) > 500 << 10)
            #expect(grown.verdict.text.contains("session_cache"), "\(grown.verdict.text)")
            #expect(grown.isSound)
            let bounded = try Demo("nusu-demo", ["bounded-cache"])
            let steady = try memory(["\(bounded.pid)", "--over", "1s"], status: 0)
            #expect(steady.verdict.kind == "cache" && steady.verdict.grownBytes == nil, "\(steady.verdict)")
        }

        /// malloc_trim, called by the demo, gives back what was foretold.
        @Test(arguments: ["fragmentation", "finished-arenas", "true-leak", "mixed-free"])
        func trim(_ name: String) throws {
            let demo = try Demo("nusu-demo", [name])
            let before = try memory(["\(demo.pid)"])
            let held = try #require(ProcessSmaps.residentBytes(of: demo.pid))
            kill(demo.pid, SIGUSR1)
            try demo.awaitLine("trimmed")
            let left = try #require(ProcessSmaps.residentBytes(of: demo.pid))
            let returned = Int(held) - Int(left)
            let foretold = try #require(before.trimmableBytes)
            #expect(abs(returned - foretold) <= foretold / 10 + 64 << 10, "\(foretold) foretold, \(returned) returned")
            let after = try memory(["\(demo.pid)"])
            #expect(try #require(after.trimmableBytes) <= 64 << 10)
        }

        /// Programs of many kinds, stopped: every part counts, and nothing twice.
        @Test(arguments: StoppedProgram.all.filter(\.isInstalled))
        func partsAddUp(_ program: StoppedProgram) throws {
            let child = try program.start()
            kill(child.pid, SIGSTOP)
            #expect(comesTrue { ProcessView(pid: child.pid).isWholly("T") })
            let kernel = try #require(ProcessSmaps.residentBytes(of: child.pid))
            let document = try memory(["\(child.pid)"])
            #expect(document.resident.kernelBytes == Int(kernel))
            #expect(document.isSound)
            #expect(!document.resident.parts.contains { $0.kind == "changed" }, "\(document.resident)")
            #expect((document.heap != nil) == program.hasReadableHeap, "\(document.gaps)")
            kill(child.pid, SIGCONT)
        }

        @Test(arguments: ["fork", "copy", "stream"]) func everyMethod(_ method: String) throws {
            let demo = try Demo("nusu-demo", ["mixed-free"])
            kill(demo.pid, SIGSTOP)
            #expect(comesTrue { demo.view.isWholly("T") })
            let automatic = try memory(["\(demo.pid)"])
            let document = try memory(["\(demo.pid)", "--snapshot", method])
            #expect(document.resident.parts.map(\.bytes) == automatic.resident.parts.map(\.bytes))
            #expect(document.trimmableBytes == automatic.trimmableBytes)
            kill(demo.pid, SIGCONT)
            #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
        }

        /// A process at work: parts come and go between the readings, and still add up.
        @Test(arguments: ["churn 4", "unbounded-cache", "coming"]) func atWork(_ arguments: String) throws {
            let demo = try Demo("nusu-demo", arguments.split(separator: " ").map(String.init))
            for _ in 0..<3 { #expect(try memory(["\(demo.pid)"]).isSound) }
            #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
        }

        @Test(.enabled(if: Surroundings.hasHugePages, "this kernel gives no huge pages"))
        func hugePages() throws {
            let demo = try Demo("nusu-demo", ["huge-pages"])
            let resident = try memory(["\(demo.pid)"]).resident
            #expect(resident.hugePageBytes == 16 << 20)
            #expect(resident.hugePageWasteBytes == 16 << 20 - 8 * 4096)
        }

        /// Without the right to trace, the parts that need none are shown; what is no process is refused.
        @Test func refusals() throws {
            #expect(try run([Surroundings.nusu, "memory", "/tmp/x.nusu"]).status == 64)
            #expect(try run([Surroundings.nusu, "memory", "self"]).status == 64)
            #expect(try run([Surroundings.nusu, "memory", "999999999"]).status == 66)
            let demo = try Demo("nusu-demo", ["true-leak"])
            let dear = try memory(["\(demo.pid)", "--max-pause", "0.000001"])
            #expect(dear.heap == nil && dear.trimmableBytes == nil && dear.isSound)
            #expect(dear.gaps.contains { $0.what == "what the heap consists of" }, "\(dear.gaps)")
            let plan = try run([Surroundings.nusu, "memory", "\(demo.pid)", "--dry-run"])
            #expect(plan.status == 0 && plan.text.contains("Nothing was touched"))
        }

        /// Without any right: the sums that the kernel tells everybody, and what would show the rest.
        @Test(
            .enabled(if: Surroundings.isRoot && installed("setpriv") != nil, "changing the user needs root and setpriv")
        )
        func withoutRights() throws {
            let folder = try Surroundings.temporaryFolder()
            _ = try run(["cp", Surroundings.nusu, "\(folder)/nusu"])
            let demo = try Demo("nusu-demo", ["true-leak"])
            let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "\(folder)/nusu"]
            let outcome = try run(nobody + ["memory", "\(demo.pid)", "--json"])
            #expect(outcome.status == 2)
            let document = try JSONDecoder().decode(Outline.self, from: Data(outcome.text.utf8))
            #expect(document.resident.parts.map(\.kind) == ["anonymous", "files", "shared"])
            #expect(document.resident.parts.reduce(0) { $0 + $1.bytes } == document.resident.kernelBytes)
            #expect(document.verdict.kind == nil && document.trimmableBytes == nil)
            let text = try run(nobody + ["memory", "\(demo.pid)"]).text
            #expect(text.hasPrefix("Not divided: ") && text.contains("sudo nusu memory \(demo.pid)"), "\(text)")
        }

        private struct Outline: Decodable {
            struct Resident: Decodable {
                let kernelBytes: Int
                let parts: [MemoryDocument.Part]
            }
            struct Verdict: Decodable { let kind: String? }
            let resident: Resident
            let verdict: Verdict
            let trimmableBytes: Int?
        }

        private func memory(_ options: [String], status: Int32 = 0) throws -> MemoryDocument {
            let outcome = try run([Surroundings.nusu, "memory", "--json"] + options)
            #expect(outcome.status == status, "\(outcome.text.prefix(600)) \(outcome.errors)")
            return try JSONDecoder().decode(MemoryDocument.self, from: Data(outcome.output))
        }
    }
}

/// A program that is ready to be stopped.
struct StoppedProgram: Sendable, CustomTestStringConvertible {
    let name: String
    /// `%` stands for a new folder.
    let arguments: [String]
    /// What it prints when it is ready.
    var line: String?
    /// The socket in that folder that it makes when it is ready.
    var socket: String?
    /// Goes into `conf` in that folder.
    var configuration: String?
    var hasReadableHeap = true

    var testDescription: String { name }
    var isInstalled: Bool { arguments[0].contains("/") || installed(arguments[0]) != nil }

    static let all: [StoppedProgram] = [
        StoppedProgram(
            name: "python3",
            arguments: [
                "python3", "-c",
                "x=[str(n) for n in range(200000)]; del x[::2]; print('ready',flush=True); input()",
            ], line: "ready"),
        StoppedProgram(
            name: "perl", arguments: ["perl", "-e", "$|=1; @x=(1..100000); print \"ready\\n\"; <STDIN>"], line: "ready"),
        StoppedProgram(
            name: "awk",
            arguments: ["awk", "BEGIN{for(i=0;i<50000;i++)x[i]=i; print \"ready\"; fflush(); getline}"], line: "ready"),
        StoppedProgram(name: "bash", arguments: ["bash", "-c", "echo ready; read x"], line: "ready"),
        StoppedProgram(name: "sleep", arguments: ["sleep", "60"]),
        StoppedProgram(name: "cat", arguments: ["cat"]),
        StoppedProgram(name: "sort", arguments: ["sort"]),
        StoppedProgram(
            name: "redis-server", arguments: ["redis-server", "--port", "0", "--unixsocket", "%/s", "--save", ""],
            socket: "s", hasReadableHeap: false),
        StoppedProgram(name: "memcached", arguments: ["memcached", "-u", "root", "-s", "%/s"], socket: "s"),
        StoppedProgram(
            name: "nginx", arguments: ["nginx", "-p", "%", "-e", "%/error", "-c", "%/conf"], socket: "s",
            configuration: """
                daemon off; master_process off; pid %/pid; error_log %/error; events {}
                http { access_log off; client_body_temp_path %/1; proxy_temp_path %/2; fastcgi_temp_path %/3;
                uwsgi_temp_path %/4; scgi_temp_path %/5; server { listen unix:%/s; } }
                """),
        StoppedProgram(
            name: "node", arguments: ["node", "-e", "console.log('ready'); setTimeout(()=>{}, 60000)"], line: "ready"),
        demo("arenas"), demo("churn", "4"), demo("sparse"), demo("hostile"), demo("foreign-sbrk"), demo("mappings"),
        demo("noncontiguous"),
        StoppedProgram(
            name: "swift", arguments: ["\(Surroundings.products)/nusu-demo-swift", "objects"], line: "ready"),
    ]

    private static func demo(_ words: String...) -> StoppedProgram {
        StoppedProgram(
            name: words[0], arguments: ["\(Surroundings.products)/nusu-demo"] + words, line: "ready")
    }

    func start() throws -> Child {
        let folder = try Surroundings.temporaryFolder()
        if let configuration {
            try Surroundings.write(Array(configuration.replacing("%", with: folder).utf8), "\(folder)/conf")
        }
        let child = try Child(arguments.map { $0.replacing("%", with: folder) }, capturesErrors: true)
        if let line {
            while let next = try child.readLine(), next != line {}
        } else if let socket {
            _ = comesTrue { Surroundings.isListening("\(folder)/\(socket)") || child.poll() != nil }
        }
        // To get from there to where it waits, or does what it does for ever.
        if line == nil { _ = ProcessView(pid: child.pid).becomesQuiet() } else { try child.settle() }
        guard child.poll() == nil else { throw HarnessError("\(name) ended before it was ready") }
        return child
    }
}

/// The kernel's figures, read by the test itself.
enum ProcessSmaps {
    /// The sum of Rss over smaps, in bytes.
    static func residentBytes(of pid: pid_t) -> UInt64? {
        guard let text = Surroundings.readFile("/proc/\(pid)/smaps") else { return nil }
        return text.split(separator: "\n").filter { $0.hasPrefix("Rss:") }
            .compactMap { UInt64($0.dropFirst(4).filter(\.isNumber)) }.reduce(0, +) << 10
    }
}

/// The parts of the nusu.memory/1 document that the tests read.
struct MemoryDocument: Decodable {
    struct Part: Decodable {
        let kind: String
        let bytes: Int
    }

    struct Resident: Decodable {
        let kernelBytes: Int
        let parts: [Part]
        let swapBytes: Int
        let hugePageBytes: Int
        let hugePageWasteBytes: Int?
    }

    struct Verdict: Decodable {
        let kind: String
        let text: String
        let grownBytes: Int?
    }

    struct Shared: Decodable {
        struct Other: Decodable {
            let pid: Int
        }
        let residentBytes: Int
        let with: [Other]
    }

    struct Heap: Decodable {
        struct Arena: Decodable {
            let main: Bool
            let threads: Int
        }
        let arenas: [Arena]
        let pinnedBytes: Int
    }

    struct Gap: Decodable {
        let what: String
        let reason: String
    }

    let resident: Resident
    let trimmableBytes: Int?
    let verdict: Verdict
    let shared: [Shared]
    let heap: Heap?
    let gaps: [Gap]

    /// The parts add up, and none but the difference between readings is below 0.
    var isSound: Bool {
        resident.parts.reduce(0) { $0 + $1.bytes } == resident.kernelBytes
            && resident.parts.allSatisfy { $0.bytes > 0 || $0.kind == "changed" }
    }
}
