import Glibc
import Testing

/// `nusu maps` on core files.
extension LiveTests.MapsTests {
    @Test(.enabled(if: installed("gcore") != nil, "gcore of gdb is not installed")) func core() throws {
        let child = try Child([
            "python3", "-c",
            "import time; x = [b'a' * 3000 for _ in range(900)]; print('ready', flush=True); time.sleep(100)",
        ])
        _ = try child.readLine()
        let folder = try Surroundings.temporaryFolder()
        let made = try run(["gcore", "-o", "\(folder)/core", "\(child.pid)"])
        guard made.status == 0 else { throw HarnessError("gcore: \(made.errors)") }
        let path = "\(folder)/core.\(child.pid)"
        try Self.check(core: path, try MapsDocument.of("\(child.pid)"))
        // Cut short at any place it is read as far as it goes, or refused in words.
        let bytes = try #require(Surroundings.readBytes(path))
        for count in [10, 64, 100, 5000, bytes.count / 2] {
            try Surroundings.write(Array(bytes[..<count]), "\(folder)/cut")
            let outcome = try run([Surroundings.nusu, "maps", "\(folder)/cut"])
            #expect([0, 69].contains(outcome.status), "\(count): \(outcome.status)")
        }
    }

    @Test(.enabled(if: kernelWritesCores, "core_pattern names another folder or a program"))
    func kernelCore() throws {
        let folder = try Surroundings.temporaryFolder()
        let child = try Child([
            "sh", "-c",
            "ulimit -c unlimited && cd \(folder) && exec python3 -c \"import time; x = [b'a' * 3000 for _ in range(900)]; print('ready', flush=True); time.sleep(100)\"",
        ])
        _ = try child.readLine()
        let live = try MapsDocument.of("\(child.pid)")
        kill(child.pid, SIGABRT)
        #expect(comesTrue { child.poll() == 128 + SIGABRT })
        let name = try #require(try run(["ls", folder]).text.split(separator: "\n").first, "no core was written")
        try Self.check(core: "\(folder)/\(name)", live)
    }

    /// Whether a core lies in the working folder of who died.
    static let kernelWritesCores: Bool = {
        let pattern = Surroundings.readFile("/proc/sys/kernel/core_pattern") ?? "|"
        return !pattern.hasPrefix("|") && !pattern.contains("/")
    }()

    static func check(core path: String, _ live: MapsDocument) throws {
        let document = try MapsDocument.of(path)
        #expect(document.total?.residentBytes == nil)
        for kind in ["mainHeap", "mainStack", "bss", "text"] {
            #expect(document.regions?.contains { $0.kind == kind } == true, "\(kind)")
        }
        let heap = live.regions?.first { $0.kind == "mainHeap" }
        #expect(document.regions?.first { $0.kind == "mainHeap" }?.lower == heap?.lower)
    }

    @Test("Blocks, in a core of gdb", .enabled(if: installed("gcore") != nil, "gcore of gdb is not installed"))
    func blocksOfCore() throws {
        let folder = try Surroundings.temporaryFolder()
        for name in ["interior", "mixed", "registers"] {
            let demo = try Demo("nusu-demo", [name])
            let made = try run(["gcore", "-o", "\(folder)/core", "\(demo.pid)"])
            guard made.status == 0 else { throw HarnessError("gcore: \(made.errors)") }
            try Self.check(blocksOf: "\(folder)/core.\(demo.pid)", demo.truth)
        }
        // What only the kernel keeps is not in a core: then it is not called lost in words.
        let demo = try Demo("nusu-demo", ["epoll"])
        _ = try run(["gcore", "-o", "\(folder)/core", "\(demo.pid)"])
        let path = "\(folder)/core.\(demo.pid)"
        let kept = "0x" + String(try #require(demo.truth.reachable.min()), radix: 16)
        let document = try MapsDocument.of(path, [kept])
        #expect(document.address?.block?.fate == "lost" && document.gaps.contains { $0.reason.contains("epoll") })
        let text = try run([Surroundings.nusu, "maps", path, kept]).text
        #expect(text.contains("to which nothing in the core leads.") && !text.contains("lost"), "\(text)")
        // Damaged, it is answered as far as it goes, or refused in words.
        let bytes = try #require(Surroundings.readBytes(path))
        for divisor in [2, 5, 20] {
            try Surroundings.write(Array(bytes[..<(bytes.count / divisor)]), "\(folder)/cut")
            let outcome = try run([Surroundings.nusu, "maps", "\(folder)/cut", kept])
            #expect([0, 69].contains(outcome.status), "\(divisor): \(outcome.status)")
        }
    }

    @Test(
        "Blocks and their types, in a core of the kernel",
        .enabled(if: kernelWritesCores, "core_pattern names another folder or a program"))
    func blocksOfKernelCore() throws {
        let folder = try Surroundings.temporaryFolder()
        for filter in ["0x33", "0x37"] {
            let script = "ulimit -c unlimited; echo \(filter) > /proc/self/coredump_filter; exec \"$0\" virtual"
            let child = try Child(
                ["sh", "-c", "cd \(folder) && \(script)", "\(Surroundings.products)/nusu-demo-cxx"],
                environment: ["SWIFT_BACKTRACE": "enable=no"])
            var address: String?
            while let line = try child.readLine(), line != "ready" {
                if line.hasPrefix("definite 0x") {
                    address = line.split(separator: " ").dropFirst().first.map(String.init)
                }
            }
            kill(child.pid, SIGABRT)
            #expect(comesTrue { child.poll() == 128 + SIGABRT })
            let name = try #require(try run(["ls", folder]).text.split(separator: "\n").first, "no core was written")
            let document = try MapsDocument.of("\(folder)/\(name)", [try #require(address)])
            let block = try #require(document.address?.block)
            #expect(block.start == address && block.fate == "lost")
            #expect((block.type != nil) == (filter == "0x37"), "\(filter): \(block.type ?? "no type")")
            #expect(document.gaps.contains { $0.remedy?.contains("0x37") == true } == (filter == "0x33"))
            #expect(try run(["rm", "\(folder)/\(name)"]).status == 0)
        }
    }

    private static func check(blocksOf path: String, _ truth: Demo.Truth) throws {
        let asked: [(Set<UInt64>, String)] = [
            (truth.definite, "lost"), (truth.indirect, "lost"), (truth.possible, "possible"),
            (truth.reachable, "reachable"),
        ]
        for (addresses, fate) in asked {
            guard let start = addresses.min() else { continue }
            let block = try MapsDocument.of(path, ["0x" + String(start + 8, radix: 16)]).address?.block
            #expect(block?.start == "0x" + String(start, radix: 16) && block?.fate == fate, "\(path) \(fate)")
        }
    }
}
