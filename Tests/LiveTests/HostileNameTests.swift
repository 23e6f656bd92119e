import FoundationEssentials
import Glibc
import Testing

extension LiveTests {
    /// What a program calls itself, its file, its folder and its arguments reaches no terminal raw, whichever verb prints it.
    @Suite(.serialized) struct HostileNameTests {
        /// Colours, a forged line, the end of `stat`'s name, a change of the window's title, and text turned round.
        private static let names = ["\u{1b}[31m) R 1\n9", "x\r\u{9b}31m\u{202e}", "a\nPid:\t1", "\u{1b}]0;t\u{7}"]

        private static let verbs: [(words: [String], isTarget: Bool)] = [
            (["ps", "-f", "-p"], true), (["ps", "-Lf", "-p"], true),
            (["ps", "-o", "pid,comm,exe,args,wchan", "-p"], true),
            (["tree"], true), (["tree"], false), (["find", "-a", "nusu-hostile"], false),
            (["find", "-l", "nusu-hostile"], false), (["show", "--explain", "--threads"], true), (["signal"], true),
            (["kill", "--dry-run", "--tree"], true), (["kill", "-0"], true), (["leaks"], true), (["heap"], true),
            (["ipc"], true), (["ipc", "--all"], false), (["ipc", "--wide"], false), (["ipc", "--dot"], false),
        ]

        @Test(arguments: names) func nothingRaw(_ name: String) throws {
            let folder = try Surroundings.temporaryFolder() + "/\(name)"
            mkdir(folder, 0o755)
            let path = "\(folder)/\(name)"
            _ = try run(["cp", "\(Surroundings.products)/nusu-demo", path])
            let demo = try Demo(path, ["overwrite", name + "nusu-hostile"])
            // The kernel gives the first bytes of the file's name as the process's.
            #expect(demo.view.status("Name") != nil)
            for verb in Self.verbs {
                for options in [[], ["--json"]] {
                    // These are texts only.
                    if options == ["--json"],
                        verb.words.contains(where: { ["-a", "-l", "--explain", "--dot"].contains($0) })
                    {
                        continue
                    }
                    let words = verb.words + (verb.isTarget ? ["\(demo.pid)"] : []) + options
                    let outcome = try run([Surroundings.nusu] + words)
                    #expect([0, 1].contains(outcome.status), "\(words): \(outcome.errors)")
                    #expect(!outcome.output.isEmpty, "\(words)")
                    check(outcome.output + Array(outcome.errors.utf8), words)
                    if options == ["--json"] {
                        #expect(throws: Never.self, "\(words)") {
                            _ = try JSONDecoder().decode(Ignored.self, from: Data(outcome.output))
                        }
                    } else if words.first == "ps" || words.first == "find" {
                        // One line for each process or thread, and the title.
                        #expect(outcome.text.split(separator: "\n").count <= 2, "\(words): \(outcome.text)")
                    }
                }
            }
        }

        /// Any document.
        private struct Ignored: Decodable { let schema: String }

        private func check(_ bytes: [UInt8], _ words: [String]) {
            let text = String(decoding: bytes, as: UTF8.self)
            for scalar in text.unicodeScalars {
                let isControl = scalar.value < 0x20 && scalar != "\n" || (0x7f...0x9f).contains(scalar.value)
                let turnsText = (0x202a...0x202e).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
                guard !isControl, !turnsText else {
                    Issue.record("U+\(String(scalar.value, radix: 16)) in the output of \(words)")
                    return
                }
            }
        }
    }
}
