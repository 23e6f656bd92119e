import Glibc
import Synchronization

/// What a kernel said of processes of known properties, recorded on that kernel by `Tests/Kernels/record`, in the shape of
/// /proc in a temporary folder.
final class RecordedKernel: Sendable {
    static let versions = ["5.10", "6.1", "6.12", "7.2"]

    let version: String
    let files: ProcFixture
    /// PIDs by the parts that the processes play.
    private let roles: [String: Int32]

    var root: String { files.root }

    /// Unpacked once for all tests; the folders go when the tests end.
    private static let unpacked = Mutex<[String: RecordedKernel]>([:])

    static func of(_ version: String) throws -> RecordedKernel {
        try unpacked.withLock { unpacked in
            if let kernel = unpacked[version] { return kernel }
            if unpacked.isEmpty { atexit { RecordedKernel.unpacked.withLock { $0 = [:] } } }
            let kernel = try RecordedKernel(version)
            unpacked[version] = kernel
            return kernel
        }
    }

    private init(_ version: String) throws {
        self.version = version
        files = try ProcFixture()
        let folder = #filePath.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/Fixtures"
        var roles: [String: Int32] = [:]
        for line in try Self.lines("\(folder)/linux-\(version).roles") {
            let words = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
            if words.count == 2 { roles[words[0]] = Int32(words[1]) }
        }
        self.roles = roles
        var path = ""
        var bytes: [UInt8] = []
        func finish() throws { if !path.isEmpty { try files.write(path, bytes) } }
        for line in try Self.lines("\(folder)/linux-\(version).proc") {
            switch line.first {
            case UInt8(ascii: "\t"): bytes += Self.unescaped(line.dropFirst())
            case UInt8(ascii: "="):
                try finish()
                (path, bytes) = (String(decoding: line.dropFirst(2), as: UTF8.self), [])
            case UInt8(ascii: "@"):
                let words = line.dropFirst(2).split(separator: UInt8(ascii: " "), maxSplits: 1)
                guard words.count == 2 else { throw FixtureError(code: EINVAL) }
                // Without the newline that the reader of lines of files adds.
                let target = String(decoding: Self.unescaped(words[1]).dropLast(), as: UTF8.self)
                try files.link(String(decoding: words[0], as: UTF8.self), to: target)
            default: throw FixtureError(code: EINVAL)
            }
        }
        try finish()
    }

    func pid(_ role: String) throws -> Int32 {
        guard let pid = roles[role] else { throw FixtureError(code: ESRCH) }
        return pid
    }

    private static func lines(_ path: String) throws -> [ArraySlice<UInt8>] {
        guard let file = fopen(path, "r") else { throw FixtureError(code: errno) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return bytes.split(separator: UInt8(ascii: "\n"))
    }

    /// What `Tests/Kernels/pack.c` has written, with the newline that ends the line unless it says that there was none.
    private static func unescaped(_ line: ArraySlice<UInt8>) -> [UInt8] {
        guard line.contains(UInt8(ascii: "\\")) else { return line + [UInt8(ascii: "\n")] }
        var result: [UInt8] = []
        var rest = line
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\"), let kind = rest.popFirst() else {
                result.append(byte)
                continue
            }
            switch kind {
            case UInt8(ascii: "c"): return result
            case UInt8(ascii: "x"):
                let digits = String(decoding: rest.prefix(2), as: UTF8.self)
                rest = rest.dropFirst(2)
                result.append(UInt8(digits, radix: 16) ?? 0)
            default: result.append(kind)
            }
        }
        return result + [UInt8(ascii: "\n")]
    }
}
