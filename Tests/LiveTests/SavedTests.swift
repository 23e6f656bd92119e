import FoundationEssentials
import Glibc
import Testing

/// `--save`, and saved snapshots in place of a process.
extension LiveTests {
    @Suite(.serialized) struct SavedTests {
        /// The same document from the process and from the file.
        @Test(
            arguments: [
                ("nusu-demo", "sizes"), ("nusu-demo", "interior"), ("nusu-demo", "streams"), ("nusu-demo", "rings"),
                ("nusu-demo", "globals"),
                ("nusu-demo-cxx", "shared"), ("nusu-demo-swift", "objects"),
            ])
        func sameAnswers(_ program: String, _ arguments: String) throws {
            let demo = try Demo(program, arguments.split(separator: " ").map(String.init))
            let file = try TemporaryFile("x.nusu")
            let all = ["--json", "--limit", "0", "--possible", "--addresses"]
            let live = try nusu(["leaks", "\(demo.pid)", "--confirm", "never", "--save", file.path] + all)
            let saved = try nusu(["leaks", file.path] + all)
            #expect(live.status == saved.status)
            for key in ["summary", "groups", "byType", "heap", "gaps", "target"] {
                #expect(try part(key, of: live) == part(key, of: saved), "\(key)")
            }
            let (used, usedSaved) = (
                try nusu(["heap", "\(demo.pid)", "--json"]), try nusu(["heap", file.path, "--json"])
            )
            for key in ["summary", "types"] { #expect(try part(key, of: used) == part(key, of: usedSaved), "\(key)") }
            let truth = demo.truth
            let address = try #require(
                truth.reachable.union(truth.definite).union(truth.ringMembers).union(truth.possible).min())
            let question = "0x" + String(address, radix: 16)
            let (why, whySaved) = (
                try nusu(["why", "\(demo.pid)", question, "--json"]), try nusu(["why", file.path, question, "--json"])
            )
            for key in ["paths", "alive", "lost", "holds"] {
                #expect(try part(key, of: why) == part(key, of: whySaved), "\(key)")
            }
            #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
        }

        @Test(arguments: ["copy", "fork", "stream"]) func everyMethod(_ method: String) throws {
            let demo = try Demo("nusu-demo", ["tree"])
            let file = try TemporaryFile("x.nusu")
            let live = try nusu(
                ["leaks", "\(demo.pid)", "--confirm", "never", "--snapshot", method, "--save", file.path, "--json"])
            #expect(live.status == 1)
            let saved = try nusu(["leaks", file.path, "--json"])
            #expect(try part("groups", of: live) == part("groups", of: saved))
            #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
        }

        /// Only its owner may read the file; an older one is replaced; nothing else is left behind.
        @Test func theFile() throws {
            let demo = try Demo("nusu-demo", ["tree"])
            let file = try TemporaryFile("x.nusu")
            for _ in 0..<2 {
                #expect(try nusu(["heap", "\(demo.pid)", "--save", file.path]).status == 0)
                var status = stat()
                #expect(stat(file.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
            }
            #expect(try file.neighbours() == ["x.nusu"])
        }

        /// With `-` the file is all that stands on stdout.
        @Test func throughPipe() throws {
            let demo = try Demo("nusu-demo", ["tree"])
            let outcome = try nusu(["leaks", "\(demo.pid)", "--confirm", "never", "--save", "-"])
            #expect(outcome.status == 1 && outcome.errors.isEmpty)
            let file = try TemporaryFile("x.nusu", outcome.output)
            #expect(try nusu(["leaks", file.path]).status == 1)
            #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
        }

        @Test func whatCannotBe() throws {
            let demo = try Demo("nusu-demo", ["tree"])
            let file = try TemporaryFile("x.nusu")
            let other = try TemporaryFile("other.nusu", Array("no such thing".utf8))
            #expect(try nusu(["leaks", "\(demo.pid)", "--save", "/nowhere/x.nusu"]).status == 66)
            #expect(try nusu(["leaks", file.path]).status == 66)
            #expect(try nusu(["leaks", other.path]).status == 69)
            #expect(try nusu(["leaks", "/dev/null"]).status == 69)
            #expect(try nusu(["why", "/", "0x10"]).status == 69)
            #expect(try nusu(["leaks", "\(demo.pid)", "--save", file.path]).status == 1)
            #expect(try nusu(["heap", file.path, "--over", "1s"]).status == 64)
            #expect(try nusu(["leaks", file.path, "--dry-run"]).status == 64)
            #expect(try nusu(["leaks", file.path, "--save", other.path]).status == 64)
            #expect(demo.view.harm.isEmpty, "\(demo.view.harm)")
        }

        /// A process that loses something between two snapshots, and one that is at rest.
        @Test func differences() throws {
            let (first, second) = (try TemporaryFile("a.nusu"), try TemporaryFile("b.nusu"))
            let demo = try Demo("nusu-demo", ["tree"])
            for file in [first, second] {
                #expect(try nusu(["leaks", "\(demo.pid)", "--confirm", "never", "--save", file.path]).status == 1)
            }
            #expect(try nusu(["diff", first.path, second.path]).status == 0)
            let other = try Demo("nusu-demo", ["rings"])
            let third = try TemporaryFile("c.nusu")
            #expect(try nusu(["leaks", "\(other.pid)", "--confirm", "never", "--save", third.path]).status == 1)
            #expect(try nusu(["diff", first.path, third.path]).status == 1)
            #expect(try nusu(["diff", first.path]).status == 64)
            #expect(try nusu(["diff", "\(demo.pid)", first.path]).status == 64)
            // What both have is known; what is new fails the build.
            let known = try nusu(["leaks", "\(demo.pid)", "--confirm", "never", "--baseline", first.path])
            #expect(known.status == 0, "\(known.text)")
            #expect(try nusu(["leaks", "\(other.pid)", "--confirm", "never", "--baseline", first.path]).status == 1)
        }

        private func nusu(_ arguments: [String]) throws -> Outcome { try run([Surroundings.nusu] + arguments) }

        /// A part of a document as canonical text, without what only the process can tell: the numbers that objects keep are
        /// contents of memory, which a file has none of.
        private func part(_ key: String, of outcome: Outcome) throws -> String {
            let document = try JSONDecoder().decode([String: Value].self, from: Data(outcome.output))
            let value = try #require(document[key], "\(outcome.text.prefix(300)) \(outcome.errors)")
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let owned: Set = key == "summary" ? ["descriptors"] : ["descriptorOwners"]
            return String(decoding: try encoder.encode(value.without(owned)), as: UTF8.self)
        }
    }
}

/// Any JSON value.
private indirect enum Value: Codable {
    case null
    case flag(Bool)
    case number(Double)
    case text(String)
    case list([Value])
    case object([String: Value])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .flag(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else if let value = try? container.decode([Value].self) {
            self = .list(value)
        } else {
            self = .object(try container.decode([String: Value].self))
        }
    }

    func without(_ keys: Set<String>) -> Value {
        switch self {
        case .list(let values): .list(values.map { $0.without(keys) })
        case .object(let values): .object(values.filter { !keys.contains($0.key) }.mapValues { $0.without(keys) })
        case .null, .flag, .number, .text: self
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .flag(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .list(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}
