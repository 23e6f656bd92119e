import Glibc
import Kernel
import Testing

/// A helper that crashes, hangs or writes nonsense costs its answer and nothing else.
struct HelperProcessTests {
    /// Runs a shell script as the helper.
    private func ask(
        _ script: String, _ descriptors: [Int32] = [], input: String = "", seconds: Double = 5,
        limitBytes: Int = 1 << 16
    ) throws -> [UInt8]? {
        var template = Array("/tmp/nusu-helper.XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        defer { unlink(template) }
        let text = "#!/bin/sh\n\(script)\n"
        #expect(write(descriptor, text, text.utf8.count) == text.utf8.count)
        #expect(fchmod(descriptor, 0o700) == 0)
        close(descriptor)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return HelperProcess.ask(
            path, descriptors, input: Array(input.utf8), withinSeconds: seconds, limitBytes: limitBytes)
    }

    @Test func answers() throws {
        #expect(try ask("cat", input: "question\n") == Array("question\n".utf8))
        // More than a pipe holds, in both directions.
        let long = String(repeating: "0123456789abcde\n", count: 60_000)
        #expect(try ask("cat", input: long, limitBytes: 1 << 20)?.count == long.utf8.count)
    }

    /// It gets the files it is given as 3 and up, and nothing else of nusu's.
    @Test func descriptors() throws {
        let files = [open("/dev/null", O_RDONLY | O_CLOEXEC), open("/etc/passwd", O_RDONLY | O_CLOEXEC)]
        defer { files.forEach { close($0) } }
        let first = try #require(try ask("head -c 4 <&4; readlink /proc/self/fd/3", files))
        #expect(String(decoding: first, as: UTF8.self) == "root/dev/null\n")
        let list = try #require(try ask("ls /proc/$$/fd", files))
        // 10 and up are the shell's own script.
        let numbers = String(decoding: list, as: UTF8.self).split(separator: "\n").compactMap { Int($0) }
        #expect(numbers.filter { $0 < 10 }.sorted() == [0, 1, 2, 3, 4])
        #expect(try ask("env | grep -vE '^(PWD|_|SHLVL|OLDPWD)=' || true") == [])
    }

    @Test func failures() throws {
        #expect(try ask("kill -SEGV $$") == nil)
        #expect(try ask("echo half; exit 3") == nil)
        #expect(try ask("yes", limitBytes: 4096) == nil)
        #expect(HelperProcess.ask("/nowhere", [], input: [], withinSeconds: 1, limitBytes: 1) == nil)
    }

    @Test func hangs() throws {
        let start = ContinuousClock.now
        #expect(try ask("exec sleep 100", seconds: 0.2) == nil)
        #expect(ContinuousClock.now - start < .seconds(20))
    }
}
