import FoundationEssentials
import Glibc
import Testing

/// The parts of the nusu.maps/1 document that the tests read.
struct MapsDocument: Decodable {
    struct Region: Decodable {
        let start: String
        let end: String
        let kind: String
        let name: String
        let module: String?
        let thread: Int32?
        let residentBytes: UInt64?
        let swappedBytes: UInt64?

        var lower: UInt64 { UInt64(start.dropFirst(2), radix: 16) ?? 0 }
        var upper: UInt64 { UInt64(end.dropFirst(2), radix: 16) ?? 0 }
    }
    struct Total: Decodable {
        let residentBytes: UInt64?
        let changedWhileReadingBytes: Int64?
        let reservedBytes: UInt64?
    }
    struct Page: Decodable {
        let state: String
    }
    struct Block: Decodable {
        let start: String
        let bytes: UInt64
        let type: String?
        let fate: String
        let freeList: String?
    }
    struct Answer: Decodable {
        let mapped: Bool
        let block: Block?
        let region: Region?
        let section: String?
        let symbol: String?
        let symbolOffset: UInt64?
        let page: Page?
    }
    struct Gap: Decodable {
        let what: String
        let reason: String
        let remedy: String?
    }
    struct Plan: Decodable {
        let pauseSeconds: Double
        let snapshot: Snapshot?
    }
    struct Snapshot: Decodable { let method: String }

    let schema: String
    let regions: [Region]?
    /// Not in a plan.
    let total: Total?
    let address: Answer?
    let snapshot: Snapshot?
    let plan: Plan?
    let writableAndExecutable: [String]?
    let gaps: [Gap]

    static func of(_ target: String, _ arguments: [String] = []) throws -> MapsDocument {
        let outcome = try run([Surroundings.nusu, "maps", target, "--json"] + arguments)
        guard outcome.status == 0 else { throw HarnessError("nusu maps: \(outcome.text)") }
        return try JSONDecoder().decode(MapsDocument.self, from: Data(outcome.output))
    }
}

extension LiveTests {
    @Suite(.serialized) struct MapsTests {
        /// Rss and Swap of each mapping by its first address, straight from the kernel's text.
        static func smaps(_ pid: pid_t) -> [UInt64: (upper: UInt64, resident: UInt64, swapped: UInt64)] {
            var result: [UInt64: (upper: UInt64, resident: UInt64, swapped: UInt64)] = [:]
            var lower: UInt64 = 0
            for line in (Surroundings.readFile("/proc/\(pid)/smaps") ?? "").split(separator: "\n") {
                let words = line.split(separator: " ")
                if words[0] == "Rss:" { result[lower]?.resident = (UInt64(words[1]) ?? 0) * 1024 }
                if words[0] == "Swap:" { result[lower]?.swapped = (UInt64(words[1]) ?? 0) * 1024 }
                let ends = words[0].split(separator: "-")
                guard ends.count == 2, let first = UInt64(ends[0], radix: 16), let last = UInt64(ends[1], radix: 16)
                else { continue }
                lower = first
                result[first] = (last, 0, 0)
            }
            return result
        }

        /// Stops a process and compares the parts of each mapping with the kernel's count of it.
        static func compare(_ pid: pid_t, _ what: String) throws {
            kill(pid, SIGSTOP)
            defer { kill(pid, SIGCONT) }
            #expect(comesTrue { ProcessView(pid: pid).isWholly("T") }, "\(what)")
            let before = smaps(pid)
            let document = try MapsDocument.of("\(pid)")
            let after = smaps(pid)
            #expect(before.mapValues(\.resident) == after.mapValues(\.resident), "\(what): looking changed it")
            let regions = try #require(document.regions)
            var resident: [UInt64: UInt64] = [:]
            var covered: UInt64 = 0
            let starts = before.keys.sorted()
            for region in regions {
                let start = starts.last { $0 <= region.lower } ?? 0
                resident[start, default: 0] += region.residentBytes ?? 0
                covered += region.upper - region.lower
                #expect(region.upper <= before[start]?.upper ?? 0, "\(what)")
            }
            #expect(resident == before.mapValues(\.resident), "\(what)")
            #expect(covered == before.reduce(0) { $0 + ($1.value.upper - $1.key) }, "\(what)")
            #expect(document.total?.residentBytes == before.values.reduce(0) { $0 + $1.resident }, "\(what)")
            #expect(document.total?.changedWhileReadingBytes == 0, "\(what)")
            #expect(regions.contains { $0.kind == "text" } && regions.contains { $0.kind == "mainStack" }, "\(what)")
        }

        @Test(
            "Parts equal smaps on stopped programs",
            arguments: [
                ["sleep", "100"], ["bash", "-c", "read x"], ["busybox", "sleep", "100"],
                ["perl", "-e", "my @a = map { 'x' x 1000 } 1..2000; sleep 100"],
                [
                    "python3", "-c",
                    "import json, time; x = ['a' * 3000 for _ in range(3000)]; print('ready', flush=True); time.sleep(100)",
                ],
                [
                    "python3", "-c",
                    "import threading, time\nfor i in range(6): threading.Thread(target=lambda: ([bytes(3000) for _ in range(900)], time.sleep(99)), daemon=True).start()\nprint('ready', flush=True)\ntime.sleep(100)",
                ],
                ["redis-server", "--port", "0", "--save", ""], ["nusu-demo-swift", "objects"],
                ["sh", "-c", "read x"],
            ])
        func realPrograms(arguments: [String]) throws {
            var arguments = arguments
            if arguments[0].hasPrefix("nusu-demo") {
                arguments[0] = "\(Surroundings.products)/\(arguments[0])"
            } else if installed(arguments[0]) == nil {
                return
            }
            // It ends where it listens nowhere.
            if arguments[0] == "redis-server" {
                arguments += ["--unixsocket", "\(try Surroundings.temporaryFolder())/socket"]
            }
            let child = try Child(arguments)
            // The first that is called so may be a script that looks for it.
            if arguments[0] == "python3" { #expect(try child.readLine() == "ready") }
            #expect(ProcessView(pid: child.pid).becomesQuiet(), "\(arguments[0])")
            try Self.compare(child.pid, arguments[0])
        }

        @Test(.enabled(if: PostgresServer.isInstalled, "PostgreSQL with pgbench is not installed"))
        func postgres() throws {
            let server = try PostgresServer()
            try Self.compare(server.pid, "postgres")
        }

        @Test(.enabled(if: NginxServer.isInstalled, "nginx is not installed")) func nginx() throws {
            let server = try NginxServer(workers: 1)
            let worker = try #require(server.workers.first)
            #expect(ProcessView(pid: worker).becomesQuiet())
            try Self.compare(worker, "nginx")
            // Master and worker share a page that neither names.
            let shared = try MapsDocument.of("\(worker)").regions?.filter { $0.kind == "sharedMemory" } ?? []
            #expect(!shared.isEmpty)
        }

        @Test("Threads, arenas and memory that is writable and executable") func kinds() throws {
            let child = try Child([
                "python3", "-c",
                """
                import ctypes, mmap, threading, time
                libc = ctypes.CDLL(None)
                libc.malloc.restype = ctypes.c_void_p
                done = threading.Barrier(4)
                def work():
                    for _ in range(100): libc.memset(ctypes.c_void_p(libc.malloc(3000)), 1, 3000)
                    done.wait(); time.sleep(100)
                threads = [threading.Thread(target=work, daemon=True) for _ in range(3)]
                for thread in threads: thread.start()
                big = libc.malloc(8 << 20); libc.memset(ctypes.c_void_p(big), 1, 8 << 20)
                code = mmap.mmap(-1, 65536, prot=7, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); code[0] = 1
                shared = mmap.mmap(-1, 65536); shared[0] = 1
                done.wait()
                print(big, flush=True)
                time.sleep(100)
                """,
            ])
            let big = UInt64(try #require(try child.readLine())) ?? 0
            // Where a thread stands is known while it sleeps.
            #expect(comesTrue { ProcessView(pid: child.pid).isWholly("S") })
            let document = try MapsDocument.of("\(child.pid)")
            let regions = try #require(document.regions)
            #expect(regions.count { $0.kind == "threadStack" } == 3)
            #expect(Set(regions.filter { $0.kind == "threadStack" }.compactMap(\.thread)).count == 3)
            #expect(regions.count { $0.kind == "guardPages" } == 3)
            let arenas = Set(regions.filter { $0.kind == "threadArena" }.map { $0.lower >> 26 })
            #expect(arenas.count == 3)
            let block = try #require(regions.first { $0.lower <= big && big < $0.upper })
            #expect(block.kind == "mappedBlock" && block.lower == big - 16)
            #expect(document.writableAndExecutable?.count == 1)
            #expect(regions.contains { $0.kind == "generatedCode" } && regions.contains { $0.kind == "sharedMemory" })
            let text = try run([Surroundings.nusu, "maps", "\(child.pid)"]).text
            #expect(text.contains("1 is both writable and executable (!)") && text.contains("3 thread stacks"))
            #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 26)
        }

        @Test(
            .enabled(
                if: Surroundings.isRoot && Surroundings.hasPidNamespaces, "pid namespaces need root and unshare"))
        func threadsOfContainer() throws {
            let script = """
                import threading, time
                for _ in range(2): threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
                print("there", flush=True); time.sleep(100)
                """
            let outer = try Child(["unshare", "--pid", "--fork", "--kill-child", "python3", "-c", script])
            #expect(try outer.readLine() == "there")
            let child = try #require(ProcessView(pid: outer.pid).children.first)
            // Where a thread stands is known while it sleeps.
            #expect(comesTrue { ProcessView(pid: child).isWholly("S") })
            let regions = try #require(try MapsDocument.of("\(child)").regions)
            let stacks = regions.filter { $0.kind == "threadStack" }
            #expect(stacks.count == 2 && Set(stacks.compactMap(\.thread)).count == 2)
            #expect(regions.contains { $0.kind == "threadLocal" && $0.thread == child })
        }

        @Test(.enabled(if: Surroundings.hasCompiler, "no C compiler")) func addresses() throws {
            let folder = try Surroundings.temporaryFolder()
            let source = """
                #include <stdio.h>
                #include <unistd.h>
                int initialised[64] = {1}; int zeroed[4096]; const int constant[64] = {2};
                int function(int x) { return x * 3; }
                int main(void) {
                    zeroed[5] = function(2); int local = 1;
                    printf("%p %p %p %p %p %p\\n", (void *)&initialised[1], (void *)&zeroed[5], (void *)&constant[3],
                        (void *)((char *)function + 1), (void *)&local, (void *)((char *)zeroed + 12288));
                    fflush(stdout); pause();
                }
                """
            try Surroundings.write(Array(source.utf8), "\(folder)/a.c")
            let made = try run(["cc", "-O0", "-o", "\(folder)/a", "\(folder)/a.c"])
            guard made.status == 0 else { throw HarnessError("cc: \(made.errors)") }
            let child = try Child(["\(folder)/a"])
            let places = try #require(try child.readLine()).split(separator: " ").map(String.init)
            let wanted: [(kind: String, section: String?, symbol: String?, offset: UInt64)] = [
                ("data", ".data", "initialised", 4), ("bss", ".bss", "zeroed", 20),
                ("rodata", ".rodata", "constant", 12), ("text", ".text", "function", 1), ("mainStack", nil, nil, 0),
                ("bss", ".bss", "zeroed", 12288),
            ]
            for (place, expected) in zip(places, wanted) {
                let answer = try #require(try MapsDocument.of("\(child.pid)", [place]).address)
                #expect(answer.region?.kind == expected.kind, "\(place)")
                #expect(answer.section == expected.section && answer.symbol == expected.symbol, "\(place)")
                if expected.symbol != nil { #expect(answer.symbolOffset == expected.offset) }
            }
            #expect(try MapsDocument.of("\(child.pid)", [places[4]]).address?.page?.state == "resident")
            #expect(try MapsDocument.of("\(child.pid)", [places[5]]).address?.page?.state == "untouched")
            #expect(try MapsDocument.of("\(child.pid)", ["0x1000"]).address?.mapped == false)
            // The file is gone: its headers still lie in memory.
            unlink("\(folder)/a")
            #expect(try MapsDocument.of("\(child.pid)", [places[1]]).address?.region?.kind == "bss")
        }

        @Test(
            .enabled(if: Surroundings.isRoot && installed("setpriv") != nil, "changing the user needs root and setpriv")
        )
        func withoutRights() throws {
            let child = try Child(["sleep", "100"])
            #expect(ProcessView(pid: child.pid).becomesQuiet())
            let folder = try Surroundings.temporaryFolder()
            _ = try run(["cp", Surroundings.nusu, "\(folder)/nusu"])
            let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            let outcome = try run(nobody + ["\(folder)/nusu", "maps", "\(child.pid)", "--json"])
            #expect(outcome.status == 2)
            let document = try JSONDecoder().decode(MapsDocument.self, from: Data(outcome.output))
            #expect(document.regions == nil && (document.total?.residentBytes ?? 0) > 0)
            #expect(document.gaps.contains { $0.remedy == "sudo nusu maps \(child.pid)" })
            let asked = try run(nobody + ["\(folder)/nusu", "maps", "\(child.pid)", "0x1000"])
            #expect(asked.status == 77)
        }

        /// What ordinary users may run too.
        static let python = "/usr/bin/python3"

        @Test(
            .enabled(
                if: Surroundings.isRoot && installed("setpriv") != nil && access(python, X_OK) == 0,
                "needs root, setpriv and /usr/bin/python3"))
        func unseenSharers() throws {
            let folder = try Surroundings.temporaryFolder()
            _ = try run(["cp", Surroundings.nusu, "\(folder)/nusu"])
            let nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            let child = try Child(
                nobody + [
                    Self.python, "-c",
                    "import mmap, time; x = mmap.mmap(-1, 4096); x[0] = 1; print('ready', flush=True); time.sleep(100)",
                ])
            _ = try child.readLine()
            // This test's own process is one whose maps nobody may not see.
            let outcome = try run(nobody + ["\(folder)/nusu", "maps", "\(child.pid)", "--json"])
            let document = try JSONDecoder().decode(MapsDocument.self, from: Data(outcome.output))
            let gap = try #require(document.gaps.first { $0.what == "all who share memory" })
            #expect(gap.reason.hasSuffix(" may not be read: that needs their own users, or CAP_SYS_PTRACE"))
            #expect(gap.remedy == "run nusu as root: sudo nusu maps \(child.pid)")
            // Of an address that is not shared it says nothing.
            let asked = nobody + ["\(folder)/nusu", "maps", "\(child.pid)", "--json"]
            for (kind, isSaid) in [("sharedMemory", true), ("mainStack", false)] {
                let region = try #require(document.regions?.first { $0.kind == kind })
                let answer = try run(asked + [region.start])
                let gaps = try JSONDecoder().decode(MapsDocument.self, from: Data(answer.output)).gaps
                #expect(gaps.contains { $0.what == gap.what } == isSaid, "\(kind)")
            }
        }

        @Test("A library's parts are one library, whatever the loader maps between them") func libraries() throws {
            let demo = try Demo("nusu-demo-swift", ["objects"])
            let regions = try #require(try MapsDocument.of("\(demo.pid)").regions)
            let core = regions.filter { $0.module?.hasSuffix("/libswiftCore.so") == true }
            #expect(core.contains { $0.kind == "relro" } && core.contains { $0.kind == "data" })
            let libraries = Set(regions.compactMap(\.module)).count - 1
            let text = try run([Surroundings.nusu, "maps", "\(demo.pid)"]).text
            #expect(text.contains("\(libraries) libraries: code") && text.contains("\(libraries) libraries: data"))
        }

        // MARK: - Growth

        @Test("Nothing grew: status 0") func quiet() throws {
            let child = try Child(["sleep", "100"])
            #expect(ProcessView(pid: child.pid).becomesQuiet())
            let outcome = try run([Surroundings.nusu, "maps", "\(child.pid)", "--over", "0.1s"])
            #expect(outcome.status == 0 && outcome.text.contains("nothing grew by 64.0 KiB or more"), "\(outcome.text)")
        }

        @Test("Growth, and 10,000 mappings in time") func growth() throws {
            let child = try Child([
                "python3", "-c",
                """
                import mmap, time
                keep = []
                for i in range(10000):
                    keep.append(mmap.mmap(-1, 8192, prot=1 if i % 2 else 3, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
                print("ready", flush=True)
                while True:
                    keep.append(bytearray(300000)); time.sleep(0.1)
                """,
            ])
            _ = try child.readLine()
            let outcome = try run([Surroundings.nusu, "maps", "\(child.pid)", "--over", "0.5s"])
            #expect(outcome.status == 1)
            #expect(outcome.text.contains("grew in") && outcome.text.contains("+"))
            let look = try run([Surroundings.nusu, "maps", "\(child.pid)"])
            #expect(!look.text.isEmpty && look.processorSeconds < 5, "\(look.processorSeconds)")
        }
    }
}
