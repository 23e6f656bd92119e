import Glibc
import Kernel
import Testing

/// A helper that crashes, hangs or writes nonsense costs its answer and nothing else.
struct HelperProcessTests {
    /// Runs a shell script as the helper: on its input, not in a file of its own. A file that was just written cannot be
    /// started as long as some process that another test has begun to start still has it open.
    private func ask(
        _ script: String, _ descriptors: [Int32] = [], seconds: Double = 5, limitBytes: Int = 1 << 16
    ) -> [UInt8]? {
        HelperProcess.ask(
            "/bin/sh", descriptors, input: Array("\(script)\n".utf8), withinSeconds: seconds, limitBytes: limitBytes)
    }

    @Test func answers() {
        func echo(_ input: String) -> [UInt8]? {
            HelperProcess.ask("/bin/cat", [], input: Array(input.utf8), withinSeconds: 5, limitBytes: 1 << 20)
        }
        #expect(echo("question\n") == Array("question\n".utf8))
        // More than a pipe holds, in both directions.
        let long = String(repeating: "0123456789abcde\n", count: 60_000)
        #expect(echo(long)?.count == long.utf8.count)
    }

    /// It gets the files it is given as 3 and up, and nothing else of nusu's.
    @Test func descriptors() throws {
        let files = [open("/dev/null", O_RDONLY | O_CLOEXEC), open("/etc/passwd", O_RDONLY | O_CLOEXEC)]
        defer { files.forEach { close($0) } }
        let first = try #require(ask("head -c 4 <&4; readlink /proc/self/fd/3", files))
        #expect(String(decoding: first, as: UTF8.self) == "root/dev/null\n")
        let list = try #require(ask("ls /proc/$$/fd", files))
        let numbers = String(decoding: list, as: UTF8.self).split(separator: "\n").compactMap { Int($0) }
        #expect(numbers.sorted() == [0, 1, 2, 3, 4])
        #expect(ask("env | grep -vE '^(PWD|_|SHLVL|OLDPWD)=' || true") == [])
    }

    @Test func failures() {
        #expect(ask("kill -SEGV $$") == nil)
        #expect(ask("echo half; exit 3") == nil)
        #expect(ask("yes", limitBytes: 4096) == nil)
        #expect(HelperProcess.ask("/nowhere", [], input: [], withinSeconds: 1, limitBytes: 1) == nil)
    }

    @Test func hangs() {
        let start = ContinuousClock.now
        // Not `sleep`: other tests count children of that name.
        #expect(ask("exec tail -f /dev/null", seconds: 0.2) == nil)
        #expect(ContinuousClock.now - start < .seconds(20))
    }
}
