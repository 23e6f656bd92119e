import CLinux
import Glibc

/// What this machine allows: tests that cannot run say which of these is missing.
enum Surroundings {
    static var isRoot: Bool { geteuid() == 0 }

    /// The folder of the products, next to the test bundle.
    static let products: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        let path = String(decoding: buffer[..<max(0, count)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
    }()

    /// The program under test: the debug build, or what NUSU_BINARY names (the static release).
    static let nusu: String = getenv("NUSU_BINARY").map { String(cString: $0) } ?? "\(products)/nusu"

    /// The folder of the package, for sources that a test compiles.
    static let package: String = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }

    /// Whether a process may look into another one at all: some containers forbid ptrace.
    static let mayTrace: Bool = {
        guard let child = try? Child(["sleep", "60"]) else { return false }
        // PTRACE_SEIZE stops nothing; the child ends at once.
        return clinux_ptrace(0x4206, child.pid, 0, 0) == 0
    }()

    /// Whether processes with numbers of their own can be made.
    static let hasPidNamespaces: Bool = (try? run(["unshare", "--pid", "--fork", "true"]).status) == 0

    /// Memory that can be had without taking anybody's (man 5 proc_meminfo).
    static var availableBytes: Int {
        let lines = (readFile("/proc/meminfo") ?? "").split(separator: "\n")
        let words = lines.first { $0.hasPrefix("MemAvailable:") }?.split(separator: " ") ?? []
        return words.count > 1 ? (Int(words[1]) ?? 0) << 10 : 0
    }

    /// Whether the kernel gives huge pages to who asks for them.
    static let hasHugePages =
        readFile("/sys/kernel/mm/transparent_hugepage/enabled").map { !$0.contains("[never]") } ?? false

    static let hasCompiler = installed("cc") != nil

    /// Whether a compiled program can be linked statically.
    static let linksStatically = hasCompiler && access("/usr/lib/x86_64-linux-gnu/libc.a", R_OK) == 0

    /// Begins what has a name of the machine's: numbers of processes begin anew in every container.
    static let ownName = "nusu-test-\(getpid())-" + String(UInt32.random(in: .min ... .max), radix: 16)

    /// Holds all folders that tests make; removed when the tests end.
    private static let temporaryBase: String? = {
        guard let base = makeFolder("/tmp/nusu-tests.XXXXXX") else { return nil }
        atexit { if let base = Surroundings.temporaryBase { _ = try? run(["rm", "-rf", base]) } }
        return base
    }()

    private static func makeFolder(_ pattern: String) -> String? {
        var template = Array(pattern.utf8CString)
        guard mkdtemp(&template) != nil else { return nil }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(folder, 0o755)
        return folder
    }

    /// A new folder that every user can enter and read.
    static func temporaryFolder() throws -> String {
        guard let base = temporaryBase, let folder = makeFolder("\(base)/XXXXXX") else {
            throw HarnessError("no temporary folder")
        }
        return folder
    }

    /// Makes a program of a script's text.
    static func write(_ text: String, program path: String) throws {
        // Closed on exec: a process started meanwhile would hold it open for writing, and nobody could start it.
        guard let file = fopen(path, "we") else { throw HarnessError("cannot write \(path): \(errno)") }
        let isWhole = fputs(text, file) >= 0
        guard fclose(file) == 0, isWhole, chmod(path, 0o755) == 0 else { throw HarnessError("cannot write \(path)") }
    }

    static func write(_ bytes: [UInt8], _ path: String) throws {
        guard let file = fopen(path, "we") else { throw HarnessError("cannot write \(path): \(errno)") }
        let count = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, count == bytes.count else { throw HarnessError("cannot write \(path)") }
    }

    /// Whether somebody takes connections at that path: the file is made before that (SO_ACCEPTCON in `/proc/net/unix`).
    static func isListening(_ socket: String) -> Bool {
        let lines = (readFile("/proc/net/unix") ?? "").split(separator: "\n")
        return lines.contains { $0.hasSuffix(" " + socket) && $0.contains(" 00010000 ") }
    }

    /// The text of a small file, nil where there is none.
    static func readFile(_ path: String) -> String? { readBytes(path).map { String(decoding: $0, as: UTF8.self) } }

    static func readBytes(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }
}
