import Analysis
import Model
import Testing

@testable import Report

@Suite("Report of leaks") struct LeakReportTests {
    private let terminal = TextStyle(isTerminal: true, width: 100, color: false)
    private let pipe = TextStyle(isTerminal: false, width: nil, color: false)

    @Test("A leaking process on a terminal") func leaking() {
        expectSnapshot(Fixture.leaking().text(.init(), terminal), "leaking.txt")
    }

    @Test("Colours change nothing but the colours") func colors() {
        let text = Fixture.leaking().text(.init(), TextStyle(isTerminal: true, width: 100, color: true))
        var plain = ""
        for piece in text.split(separator: "\u{1b}", omittingEmptySubsequences: false) {
            plain += piece.hasPrefix("[") ? piece.drop { $0 != "m" }.dropFirst() : piece
        }
        #expect(text != plain)
        #expect(plain == Fixture.leaking().text(.init(), terminal))
    }

    @Test("Every option at once, into a pipe: no next line, nothing cut") func everything() {
        let options = LeakReport.Options(limit: 0, minBytes: 5000, addresses: true, possible: true)
        expectSnapshot(Fixture.leaking().text(options, pipe), "leaking-options.txt")
    }

    @Test("A narrow terminal cuts lines, and keeps the groups' names") func narrow() {
        let text = Fixture.leaking().text(.init(), TextStyle(isTerminal: true, width: 50, color: false))
        for line in text.split(separator: "\n") { #expect(TerminalText.width(String(line)) <= 50) }
        #expect(text.contains("a41f09\n"))
    }

    @Test("Nothing lost, everything seen") func clean() {
        expectSnapshot(Fixture.clean().text(.init(), terminal), "clean.txt")
    }

    @Test("Nothing lost, but not everything seen: never the word no") func lowerBound() {
        var report = Fixture.clean()
        report.findings.exact = false
        report.findings.gaps = [
            Gap(what: "212 MiB of jemalloc memory", reason: "its structures are not known", remedy: nil),
            Gap(what: "an arena", reason: "malloc was at work in it", remedy: "try again"),
        ]
        let text = report.text(.init(), terminal)
        expectSnapshot(text, "lower-bound.txt")
        let words = text.lowercased().split { !$0.isLetter }
        #expect(!words.contains("no"))
    }

    @Test("Found, torn, and not confirmed in part") func torn() {
        var report = Fixture.leaking()
        report.findings.exact = false
        report.findings.unconfirmed = 14
        report.attempts = 5
        report.findings.gaps = [Gap(what: "4096 bytes of heap at 0x1000", reason: "a chunk's size is none")]
        expectSnapshot(report.text(.init(), terminal), "torn.txt")
    }

    @Test("Many groups: 25 lines unless asked for more") func many() {
        var report = Fixture.leaking()
        report.findings.groups = (0..<60).map { index in
            Fixture.group(.definite, count: 60 - index, size: 1000, signature: "00000\(index % 10)")
        }
        #expect(report.text(.init(), terminal).split(separator: "\n", omittingEmptySubsequences: false).count <= 26)
        let all = report.text(.init(limit: 0), terminal)
        #expect(all.split(separator: "\n").filter { $0.contains("lost block of") }.count == 60)
        let few = report.text(.init(limit: 2), terminal)
        #expect(few.split(separator: "\n").filter { $0.contains("lost block of") }.count == 2)
        #expect(few.contains("and 58 more groups"))
    }

    @Test("Names that a target chose never reach a terminal raw") func hostile() {
        var report = Fixture.leaking()
        report.findings.groups = [
            Fixture.group(.definite, count: 1, size: 24, type: "A\u{1b}[2J\u{202e}x\u{9b}", pointsTo: "lib\n\u{7}.so")
        ]
        report.findings.gaps = [Gap(what: "a\u{1b}]0;x\u{7}", reason: "b\r")]
        let text = report.text(.init(addresses: true), terminal)
        for scalar in text.unicodeScalars where scalar != "\n" {
            #expect(scalar.properties.generalCategory != .control)
            #expect(scalar.properties.generalCategory != .format)
        }
        #expect(text.contains("A\\x1b[2J\\u{202e}x\\u{009b}"))
    }

    @Test("Trees, what was left out, and patterns that fit nothing") func treesAndPatterns() throws {
        let report = try Fixture.withTreesAndPatterns()
        expectSnapshot(report.text(.init(), terminal), "tree.txt")
        expectSnapshot(report.json(.init(limit: 1)), "tree.json")
    }

    @Test("All that was found was left out: line 1 says so") func allLeftOut() throws {
        var report = Fixture.clean()
        report.findings.excluded = try Fixture.excluded()
        expectSnapshot(report.text(.init(), terminal), "left-out.txt")
        report.findings.exact = false
        let line = report.text(.init(), terminal).prefix { $0 != "\n" }
        #expect(line.hasPrefix("Found nothing lost beyond 38.4 MiB left out, but"))
        #expect(line.contains("lower bound"))
    }

    @Test("The JSON document") func json() {
        expectSnapshot(Fixture.leaking().json(.init()), "leaking.json")
    }

    @Test("JSON: unknown is null, bytes that are no text stand beside as Base64, gaps are listed") func jsonUnknown() {
        var report = Fixture.clean()
        report.target = ProcessIdentity(pid: 7, startTicks: 1, commandBytes: [0x61, 0xff, 0x62])
        report.residentBytes = nil
        report.findings.heap.version = nil
        report.findings.exact = false
        report.findings.gaps = [Gap(what: "an arena", reason: "malloc was at work in it", remedy: "try again")]
        expectSnapshot(report.json(.init(possible: true)), "unknown.json")
    }
}
