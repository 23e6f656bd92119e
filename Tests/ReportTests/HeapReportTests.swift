import Model
import Testing

@testable import Analysis
@testable import Report

@Suite("Report of what is alive") struct HeapReportTests {
    private let terminal = TextStyle(isTerminal: true, width: 100, color: false)
    private let pipe = TextStyle(isTerminal: false, width: nil, color: false)

    @Test("Types and owners on a terminal, in 25 lines") func text() {
        let text = Fixture.alive().text(.init(), terminal)
        expectSnapshot(text, "heap.txt")
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 26)
    }

    @Test("Limits: all of them, and only what matters") func limits() {
        let all = Fixture.alive().text(.init(limit: 0), pipe)
        #expect(all.split(separator: "\n").filter { $0.contains("block of ") }.count >= 12)
        #expect(!all.contains("more type"))
        let few = Fixture.alive().text(.init(limit: 1), pipe)
        #expect(few.contains("and 14 more types"))
        let large = Fixture.alive().text(.init(minBytes: 1 << 20), pipe)
        #expect(large.contains("and 13 more types"))
        #expect(large.contains("below --min-bytes"))
    }

    @Test("The JSON document") func json() {
        expectSnapshot(Fixture.alive().json(.init(limit: 4)), "heap.json")
    }

    @Test("What grew, and who holds it") func grown() {
        let report = Fixture.grown()
        #expect(report.growth?.grew == true)
        expectSnapshot(report.text(.init(), terminal), "heap-grown.txt")
        expectSnapshot(report.json(.init(limit: 1)), "heap-grown.json")
    }

    @Test("Nothing grew; and when not all was seen never that word alone") func steady() {
        var report = Fixture.alive()
        report.growth = HeapGrowth(from: report.findings, to: report.findings, seconds: 2, leastBytes: 1)
        #expect(report.growth?.grew == false)
        #expect(report.text(.init(), pipe).hasPrefix("Nothing grew in 2 s: "))
        report.findings.gaps = [Gap(what: "an arena", reason: "malloc was at work in it", remedy: "try again")]
        let text = report.text(.init(), pipe)
        #expect(text.hasPrefix("Found nothing that grew, as far as could be seen in 2 s: "))
        #expect(text.contains("not seen: an arena"))
    }

    @Test("Growth counts from the limit on, and types that are new") func least() {
        func findings(_ types: [(String, UInt64)]) -> HeapFindings {
            var result = Fixture.alive().findings
            result.types = types.map { .init(name: $0.0, isNamed: true, tally: Tally(blocks: 1, bytes: $0.1)) }
            return result
        }
        let growth = HeapGrowth(
            from: findings([("A", 100), ("B", 100), ("C", 500)]),
            to: findings([("A", 199), ("B", 200), ("C", 1), ("D", 1000)]), seconds: 1, leastBytes: 100)
        #expect(growth.types.map(\.name) == ["D", "B"])
        #expect(growth.types.map(\.bytes) == [1000, 100])
    }

    @Test("An empty heap") func empty() {
        var report = Fixture.alive()
        report.findings.alive = Tally()
        report.findings.types = []
        report.findings.owners = []
        #expect(report.text(.init(), terminal).hasPrefix("In use: 0 bytes in 0 blocks."))
    }
}

@Suite("Names of symbols") struct SymbolTextTests {
    @Test(
        "Readable names",
        arguments: [
            ("cache", "cache"), ("_ZN3net5poolsE", "net::pools"), ("_ZL5items", "items"), ("_Zgarbage", "_Zgarbage"),
            ("$s3api12SessionStoreC6sharedACvpZ", "api.SessionStore.shared"), ("$sgarbage", "$sgarbage"), ("", ""),
        ])
    func readable(_ mangled: String, _ readable: String) {
        #expect(SymbolText.readable(mangled) == readable)
    }

    @Test("Names without bound never reach a demangler, and control characters never a terminal") func hostile() {
        let long = "_Z" + String(repeating: "PK", count: 500_000) + "c"
        #expect(SymbolText.readable(long) == long)
        let deep = "$s" + String(repeating: "Sg", count: 1000)
        _ = SymbolText.readable(deep)
        let symbol = Symbol(name: "a\u{1b}b", module: "x\n", offset: 3, isFunction: false)
        #expect(SymbolText.place(symbol) == "a\\x1bb+3 in x\\n")
    }
}
