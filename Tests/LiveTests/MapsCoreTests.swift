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
}
