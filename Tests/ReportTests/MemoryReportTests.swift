import Model
import Testing

@testable import Analysis
@testable import Report

@Suite("Report of where memory goes") struct MemoryReportTests {
    private let terminal = TextStyle(isTerminal: true, width: 100, color: false)
    private let pipe = TextStyle(isTerminal: false, width: nil, color: false)

    @Test("The screen, in 25 lines of 100 columns") func text() {
        let text = Fixture.fragmented().text(pipe)
        expectSnapshot(Fixture.fragmented().text(terminal), "memory.txt")
        #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count <= 25)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 }, "\(text)")
        #expect(!text.contains("\u{1b}"))
    }

    @Test("The JSON document") func json() { expectSnapshot(Fixture.fragmented().json(), "memory.json") }

    @Test("Every verdict, on every screen: a headline with a number, no line too long, not more than 25 lines")
    func verdicts() {
        for kind in MemoryVerdict.Kind.allCases {
            var report = Fixture.fragmented()
            report.verdict = MemoryVerdict(kind: kind, bytes: kind == .nothing ? 0 : 240_000_000)
            for grown in [nil, 5_000_000 as UInt64] where grown == nil || kind != .nothing {
                report.verdict = MemoryVerdict(kind: kind, bytes: report.verdict.bytes, grownBytes: grown)
                report.growth = MemoryReport.Growth(seconds: 60, before: report.findings, after: report.findings)
                let lines = report.text(terminal).split(separator: "\n", omittingEmptySubsequences: false)
                #expect(lines.count <= 26, "\(lines)")
                #expect(lines[0].contains(where: \.isNumber) && lines[0].hasSuffix("."), "\(lines[0])")
                #expect(lines.allSatisfy { $0.count <= 100 })
                #expect(lines[0].hasPrefix(grown == nil || kind == .leak ? "" : "Growing"), "\(lines[0])")
            }
        }
    }

    @Test("Where not all was seen, nothing is said of no leak") func unseen() {
        var report = Fixture.fragmented()
        report.findings.parts.removeAll { $0.kind == .heapLost }
        #expect(report.headline.contains(", not leaked"))
        report.findings.sawHeap = false
        #expect(!report.headline.contains("leaked"))
    }

    @Test("Without a heap the other parts stand alone, and the reason beside them") func withoutHeap() {
        let findings = Fixture.memory([(.anonymous, 900), (.libraryCode, 80), (.heapUnread, 20)]) {
            $0.sawHeap = false
            $0.gaps = [
                Gap(
                    what: "what the heap consists of", reason: "it allocates with jemalloc", remedy: "run it on glibc's"
                )
            ]
        }
        var report = Fixture.memoryReport(findings, MemoryVerdict(kind: .nothing, bytes: 0))
        report.look = nil
        let text = report.text(pipe)
        #expect(text.hasPrefix("Not divided: 92.0 MiB of 100 MiB may be the heap, which could not be read."))
        #expect(text.contains("not seen: what the heap consists of: it allocates with jemalloc; run it on glibc's"))
        #expect(report.json().contains("\"snapshot\":null"))
        #expect(report.json().contains("\"trimmableBytes\":null"))
    }

    @Test("What changed between the readings has a line of its own") func changed() {
        let findings = Fixture.memory([(.heapInUse, 900), (.changed, -3)])
        let text = Fixture.memoryReport(findings, MemoryVerdict(kind: .nothing, bytes: 0)).text(pipe)
        let line = text.split(separator: "\n").first { $0.contains("changed while reading") }
        #expect(line?.hasSuffix(" -0.3 MiB") == true, "\(text)")
    }

    @Test("The owner that grew is named, whatever its address is now") func growingOwner() {
        let before = Fixture.fragmented().findings
        var after = before
        let owner = before.owners[1]
        after.owners[1] = HeapFindings.Owner(
            address: owner.address + 4096, type: owner.type,
            retained: Tally(blocks: 5, bytes: owner.retained.bytes * 3),
            kinds: [], path: owner.path)
        let growth = MemoryReport.Growth(seconds: 2, before: before, after: after)
        #expect(growth.owner?.address == owner.address + 4096)
        #expect(growth.ownerBytes == owner.retained.bytes * 2)
    }
}
