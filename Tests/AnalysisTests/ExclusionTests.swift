import Model
import Testing

@testable import Analysis

@Suite("What patterns leave out")
struct ExclusionTests {
    private static func pattern(_ text: String) throws -> ExcludePattern {
        try ExcludePattern(text, source: "--exclude")
    }

    private static func options(_ patterns: String...) throws -> LeakAnalysis.Options {
        var options = LeakAnalysis.Options(addressLimit: .max)
        options.exclude = try patterns.map(pattern)
        return options
    }

    @Test("A type's name, whole, as printed, or behind its last dots; a star for any text")
    func types() throws {
        func fits(_ text: String, _ name: String) throws -> Bool { try Self.pattern(text).fits(type: name) }
        #expect(try fits("main.Session", "main.Session"))
        #expect(try fits("Session", "main.Session"))
        #expect(try fits("Store.Session", "main.Store.Session"))
        #expect(try fits("Node", "list::Node"))
        #expect(try fits("type:Session", "main.Session"))
        #expect(try fits("type: Session", "main.Session"))
        #expect(try fits("S*n", "main.Session"))
        #expect(try fits("*", "main.Session"))
        #expect(try fits("*e*s*s*", "main.Session"))
        #expect(try fits("[UInt8]", "Swift._ContiguousArrayStorage<Swift.UInt8>"))
        #expect(try fits("104 bytes", "104 bytes"))
        #expect(try fits("std::vector<*>", "std::vector<a.b>"))
        #expect(try !fits("ession", "main.Session"))
        #expect(try !fits("Sess", "main.Session"))
        #expect(try fits("B*", "main.Box<main.Bar>"))
        #expect(try !fits("Ba*", "main.Box<main.Bar>"))
        #expect(try !fits("cycle:Session", "main.Session"))
        #expect(try !fits("*a*a*a*a*a*a*a*b", String(repeating: "a", count: 2000)))
    }

    @Test("A file's lines: comments and blank ones say nothing, others keep their number")
    func file() throws {
        let text = "# known\r\n\n  type:Session  \n\t\n[String: Node]\n"
        let patterns = try ExcludePattern.patterns(ofFile: text, name: ".nusuignore")
        #expect(patterns.map(\.text) == ["type:Session", "[String: Node]"])
        #expect(patterns.map(\.source) == [".nusuignore:3", ".nusuignore:5"])
    }

    @Test(
        "A line that cannot mean anything is an error with its number",
        arguments: ["typ:Session", "type:", "type:  ", "signature:12", "signature:ABCDEF", "signature:a*b*c*"])
    func badLine(_ line: String) throws {
        let failure = #expect(throws: Failure.self) {
            try ExcludePattern.patterns(ofFile: "ok\n\n\(line)\n", name: ".nusuignore")
        }
        #expect(failure?.kind == .usage)
        #expect(failure?.what.hasPrefix(".nusuignore:3: ") == true)
    }

    @Test("What a named block holds goes with it, but not what another one holds too")
    func shared() throws {
        var heap = FixtureHeap()
        let (named, other) = (heap.block(104), heap.block(40))
        let (alone, shared) = (heap.block(24), heap.block(56))
        heap.memory.write(alone, at: named)
        heap.memory.write(shared, at: named + 8)
        heap.memory.write(shared, at: other)
        let findings = try #require(heap.findings(Self.options("104 bytes", "nothing like it")))
        #expect(findings.groups.map(\.addresses) == [[other]])
        #expect(findings.groups.first?.held == Tally(blocks: 1, bytes: 56))
        #expect(findings.excluded.entries.map(\.tally) == [Tally(blocks: 2, bytes: 128)])
        #expect(findings.excluded.unused.map(\.text) == ["nothing like it"])
        #expect(findings.byType.map(\.type) == ["56 bytes", "40 bytes"])
    }

    @Test("A named block below a leader leaves the leader's numbers, with what only it holds")
    func below() throws {
        var heap = FixtureHeap()
        let (leader, named, alone) = (heap.block(40), heap.block(104), heap.block(24))
        heap.memory.write(named, at: leader)
        heap.memory.write(alone, at: named)
        let findings = try #require(heap.findings(Self.options("104 bytes")))
        #expect(findings.definite.blocks == 1 && findings.indirect.blocks == 0)
        #expect(findings.groups.first?.held == Tally())
        #expect(findings.excluded.total == Tally(blocks: 2, bytes: 128))
    }

    @Test("A ring is named by its text, a type on it, or its signature", arguments: 0..<3)
    func ring(_ way: Int) throws {
        var swift = SwiftFixture()
        let owner = swift.type("Owner", [.init(name: "pet", type: "yXlSg")])
        let pet = swift.type("Pet", [.init(name: "owner", type: "yXlSg"), .init(name: "toy", type: "yXlSg")])
        let toy = swift.type("Toy", [])
        let (first, second, third) = (swift.object(owner), swift.object(pet), swift.object(toy))
        swift.heap.memory.write(second, at: first + 16)
        swift.heap.memory.write(first, at: second + 16)
        swift.heap.memory.write(third, at: second + 24)
        let group = try #require(swift.findings()?.groups.first)
        #expect(group.shortRingText == "Owner.pet -> Pet.owner -> Owner")
        let pattern = ["Owner.pet -> *", "Pet", "signature:\(group.signature)"][way]
        let findings = try #require(swift.findings(Self.options("cycle:Pet", pattern)))
        #expect(findings.groups.isEmpty && findings.lost.blocks == 0 && findings.cycleCount == 0)
        #expect(findings.excluded.entries.map(\.pattern.text) == [pattern])
        #expect(findings.excluded.total.blocks == 3)
        #expect(findings.excluded.unused.map(\.text) == ["cycle:Pet"])
    }

    @Test("A block counts for the first pattern that has it")
    func first() throws {
        var heap = FixtureHeap()
        _ = heap.block(104)
        let findings = try #require(heap.findings(Self.options("104*", "type:104 bytes")))
        #expect(findings.excluded.entries.map(\.tally.blocks) == [1, 0])
        #expect(findings.excluded.unused.isEmpty)
    }
}
