import Glibc
import Kernel
import Model
import Testing

/// A helper that crashes, hangs or writes nonsense costs its answer and nothing else.
struct HelperProcessTests {
    /// Runs a shell script as the helper: on its input, not in a file of its own. A file that was just written cannot be
    /// started as long as some process that another test has begun to start still has it open.
    private func ask(
        _ script: String, _ descriptors: [Int32] = [], seconds: Double = 60, limitBytes: Int = 1 << 16,
        memory: (any MemoryReader)? = nil, memoryBytes: Int = 0
    ) -> [UInt8]? {
        HelperProcess.ask(
            "/bin/sh", descriptors, input: Array("\(script)\n".utf8), memory: memory,
            within: .init(seconds: seconds, answerBytes: limitBytes, memoryBytes: memoryBytes))
    }

    @Test func answers() {
        func echo(_ input: String) -> [UInt8]? {
            HelperProcess.ask(
                "/bin/cat", [], input: Array(input.utf8), within: .init(seconds: 60, answerBytes: 1 << 20))
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
        #expect(HelperProcess.ask("/nowhere", [], input: [], within: .init(seconds: 1, answerBytes: 1)) == nil)
    }

    @Test func hangs() {
        let start = ContinuousClock.now
        // Not `sleep`: other tests count children of that name.
        #expect(ask("exec tail -f /dev/null", seconds: 0.2) == nil)
        // Its output has ended, it has not.
        #expect(ask("echo answer; exec >&-; exec tail -f /dev/null", seconds: 0.2) == nil)
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    /// It may ask for memory, so much of it in all, and gets what can be read.
    @Test func memory() throws {
        struct Letters: MemoryReader {
            func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
                let count = address < 0x11a ? min(buffer.count, Int(0x11a - address)) : 0
                for number in 0..<count { buffer[number] = UInt8(ascii: "a") + UInt8(address - 0x100) + UInt8(number) }
                return count
            }
        }
        func request(_ address: UInt8, _ count: UInt8) -> String {
            func octal(_ byte: UInt8) -> String { "\\0" + String(byte, radix: 8) }
            let low = octal(address) + octal(1) + String(repeating: octal(0), count: 6)
            return "printf '%b' '\(low)\(octal(count))\(String(repeating: octal(0), count: 7))' >&3"
        }
        let read = "dd bs=64 count=1 <&3 2>/dev/null"
        let letters = ask(
            [request(2, 4), read, request(0x18, 9), read].joined(separator: "; "), memory: Letters(), memoryBytes: 13)
        #expect(letters == Array("cdefyz".utf8))
        // Beyond the limit, and what is no request: no answer, and what it says counts all the same.
        let script = [request(0, 4), read, request(0, 4), read, "echo"].joined(separator: "; ")
        #expect(ask(script, memory: Letters(), memoryBytes: 7) == Array("abcd\n".utf8))
        #expect(ask("printf 123 >&3; \(read); echo", memory: Letters(), memoryBytes: 64) == [10])
        // Files stand behind the socket.
        let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        #expect(ask("readlink /proc/self/fd/4", [file], memory: Letters()) == Array("/dev/null\n".utf8))
    }
}
