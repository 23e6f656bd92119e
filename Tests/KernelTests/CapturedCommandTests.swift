import Glibc
import Testing

@testable import Kernel

@Suite struct CapturedCommandTests {
    private func finish(
        _ script: String, isWanted: () -> Bool = { true }, line: (String) -> Void = { _ in }
    ) throws -> CapturedCommand.Outcome {
        try CapturedCommand("/bin/sh", ["sh", "-c", script]).finish(isWanted: isWanted, line: line)
    }

    @Test func keepsOutputAndEnding() throws {
        let outcome = try finish("echo out; echo 'said so' >&2; exit 3")
        #expect(outcome.output == Array("out\n".utf8))
        #expect(CapturedCommand.lines(outcome.errors) == ["said so"])
        #expect(outcome.ending == .exited(code: 3) && !outcome.isCut)
        #expect(try finish("kill -TERM $$").ending == .killed(signal: SIGTERM))
        #expect(throws: (any Error).self) { _ = try CapturedCommand("/nowhere/nusu", ["nusu"]) }
    }

    /// stderr is a terminal of its own, stdin is empty, and the session is not the caller's: no key reaches it.
    @Test func hasATerminalForItsProgressAndNoInput() throws {
        let outcome = try finish("test -t 2 && echo terminal; test -t 1 || echo none; wc -c; ps -o sid= -p $$; echo $$")
        let lines = String(decoding: outcome.output, as: UTF8.self).split { $0 == "\n" || $0 == " " }
        #expect(lines == ["terminal", "none", "0"] + lines.suffix(2))
        #expect(lines[3] == lines[4])
    }

    @Test func tellsItsLastLineAsItChanges() throws {
        var template = Array("/tmp/nusu-test-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer {
            for name in ["first", "second"] { unlink("\(folder)/\(name)") }
            rmdir(folder)
        }
        // It goes on when what it has written was told.
        func step(_ name: String) -> String {
            #"printf '\r\033[K"# + "\(name)' >&2; until [ -e \(folder)/\(name) ]; do sleep 0.01; done; "
        }
        var told: [String] = []
        let outcome = try finish(
            step("first") + step("second") + #"printf '\r\033[Knote\n' >&2"#,
            line: { line in
                told.append(line)
                if ["first", "second"].contains(line) { close(open("\(folder)/\(line)", O_CREAT | O_WRONLY, 0o600)) }
            })
        #expect(told.contains("first") && told.contains("second"))
        #expect(CapturedCommand.lines(outcome.errors) == ["note"])
    }

    @Test func asksItToEndWhenNobodyWaits() throws {
        var hasBegun = false
        let outcome = try finish(
            "trap 'echo stopped; exit 5' INT; echo begun >&2; while :; do sleep 0.01; done",
            isWanted: { !hasBegun }, line: { if $0.contains("begun") { hasBegun = true } })
        #expect(String(decoding: outcome.output, as: UTF8.self) == "stopped\n")
        // Not by force, which would come some seconds later.
        #expect(outcome.ending == .exited(code: 5))
    }

    @Test func outputWithoutAnEndIsCut() throws {
        let outcome = try finish("head -c 9000000 /dev/zero; head -c 100000 /dev/zero >&2")
        #expect(outcome.output.count == 8 << 20 && outcome.isCut)
        #expect(outcome.errors.count == 1 << 16)
        #expect(outcome.ending == .exited(code: 0))
    }
}
