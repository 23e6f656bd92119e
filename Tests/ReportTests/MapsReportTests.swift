import Model
import Testing

@testable import Analysis
@testable import Report

@Suite("Report of an address space") struct MapsReportTests {
    private let terminal = TextStyle(isTerminal: true, width: 100, color: false)
    private let narrow = TextStyle(isTerminal: true, width: 80, color: false)
    private let pipe = TextStyle(isTerminal: false, width: nil, color: false)

    private func lines(_ text: String) -> [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

    @Test("The screen, in 25 lines of 100 columns and of 80") func text() {
        let report = MapsReport(space: Fixture.addressSpace())
        for (style, name) in [(terminal, "maps.txt"), (narrow, "maps-narrow.txt")] {
            let text = report.text(isAll: false, style)
            expectSnapshot(text, name)
            // What follows the last newline is no line.
            #expect(lines(text).count <= 26)
            #expect(lines(text).allSatisfy { $0.count <= style.width ?? 0 }, "\(text)")
            // A name may be too long for its line, nothing else is.
            #expect(lines(text).allSatisfy { !$0.contains("…") || $0.contains("shared with") }, "\(text)")
            #expect(!text.contains("\u{1b}") && text.contains("shared with ngi\\x1bnx (910)"), "\(text)")
        }
        let text = report.text(isAll: false, pipe)
        #expect(!text.contains("next:") && !text.contains("…"), "\(text)")
    }

    @Test("A line for each region") func all() {
        let report = MapsReport(space: Fixture.addressSpace())
        let text = report.text(isAll: true, terminal)
        expectSnapshot(text, "maps-all.txt")
        #expect(lines(text).count(where: { $0.contains("-") || $0.contains("55d") || $0.contains("7f") }) > 15)
    }

    @Test("The JSON document; its regions cover all and add up") func json() {
        let space = Fixture.addressSpace()
        expectSnapshot(MapsReport(space: space).json(), "maps.json")
        #expect(space.regions.reduce(0) { $0 + ($1.use?.resident ?? 0) } == space.total?.resident)
    }

    @Test("A core and a saved snapshot have addresses and no figures", arguments: [true, false])
    func files(isCore: Bool) {
        let source: AddressSpaceFacts.Source = isCore ? .core(path: "./co re") : .saved(path: "api.nusu")
        let space = Fixture.addressSpace(source: source, hasFigures: false, hasWritableCode: false) { facts in
            facts.gaps = [Gap(what: "what was in memory", reason: "a file holds no figures")]
        }
        let report = MapsReport(space: space)
        let text = report.text(isAll: false, terminal)
        expectSnapshot(text, isCore ? "maps-core.txt" : "maps-saved.txt")
        #expect(text.contains(isCore ? "next: nusu maps './co re' --all" : "next: nusu maps api.nusu --all"))
        let json = report.json()
        #expect(json.contains("\"residentBytes\":null") && !json.contains("\"residentBytes\":0"))
        #expect(json.contains(isCore ? "\"core\":\"./co re\"" : "\"saved\":\"api.nusu\""))
    }

    @Test("Many gaps and much growth do not make it longer than a screen") func crowded() {
        let before = Fixture.addressSpace { $0.mappings[3].use?.resident = 10 << 20 }
        let space = Fixture.addressSpace { facts in
            facts.gaps = (0..<9).map { number in
                Gap(what: "thing \(number)", reason: "it may not be read\u{1b}", remedy: "sudo nusu maps 1234")
            }
        }
        let growth = AddressSpaceGrowth(from: before, to: space, seconds: 60)
        for style in [terminal, narrow] {
            let text = MapsReport(space: space, growth: growth).text(isAll: false, style)
            #expect(lines(text).count <= 26 && text.contains("+222 MiB  heap: main arena"), "\(text)")
            #expect(lines(text).allSatisfy { $0.count <= style.width ?? 0 } && !text.contains("\u{1b}"), "\(text)")
        }
        let quiet = AddressSpaceGrowth(from: space, to: space, seconds: 60)
        #expect(quiet.grown.isEmpty)
        #expect(MapsReport(space: space, growth: quiet).text(isAll: false, pipe).contains("nothing grew by 64.0 KiB"))
    }

    // MARK: - An address

    @Test("A block: how far into it, its size, type and fate") func block() {
        let report = Fixture.addressReport()
        expectSnapshot(report.text(terminal), "maps-block.txt")
        expectSnapshot(report.json(), "maps-block.json")
        let start = Fixture.addressReport(Fixture.brk + 16).text(pipe)
        #expect(start.hasPrefix("0x55d0c8e00010 is the start of a block of 40 bytes (api.Sess"), "\(start)")
    }

    @Test("Every fate has its words, in the headline and in JSON")
    func fates() {
        let wanted: [(HeapPlace.Fate, HeapPlace.FreeList?, String)] = [
            (.reachable, nil, ", which is in use."), (.possible, nil, ", which is perhaps lost."),
            (.lost, nil, ", which is lost."), (.free, .bin, "8 bytes into a free block of 40 bytes."),
            (.free, .fastbin, "8 bytes into a free block of 40 bytes."),
            (.free, .threadCache, "8 bytes into a free block of 40 bytes."),
            (.free, .top, "free: the end of an arena, from which nothing is in use."),
        ]
        var seen: Set<String> = []
        for (fate, list, ending) in wanted {
            let report = Fixture.addressReport(Fixture.brk + 24, Fixture.heapPlace(fate, list))
            let text = report.text(narrow)
            let headline = report.text(pipe).split(separator: "\n")[0]
            #expect(headline.hasSuffix(ending), "\(headline)")
            #expect(report.json().contains("\"fate\":\"\(fate.rawValue)\""))
            #expect(lines(text).allSatisfy { $0.count <= 80 }, "\(text)")
            #expect(text.contains("next: nusu why 1234 0x55d0c8e00010") == (fate != .free), "\(text)")
            seen.formUnion(lines(text).filter { $0.hasPrefix("  block") }.map(String.init))
        }
        // The line of the block says where malloc keeps what is free.
        #expect(seen.count == wanted.count, "\(seen)")
    }

    @Test("No block there, and no look at all, are not the same") func withoutBlock() {
        let none = Fixture.addressReport(Fixture.brk + 24, nil)
        #expect(none.text(pipe).contains("  block      none: malloc's own records"))
        #expect(none.json().contains("\"block\":null") && !none.json().contains("\"snapshot\":null"))
        var refused = Fixture.addressReport(Fixture.brk + 24, nil, isLookedInto: false)
        refused.gaps = [
            Gap(what: "which of malloc's blocks it lies in", reason: "it would stop for 0.3 s", remedy: "--max-pause 1")
        ]
        let text = refused.text(terminal)
        expectSnapshot(text, "maps-refused.txt")
        #expect(
            text.contains("it would stop for 0.3 s; --max-pause 1") && !text.contains("block      ")
                && !text.contains("nusu why"))
        #expect(refused.json().contains("it would stop for 0.3 s") && refused.json().contains("\"snapshot\":null"))
    }

    @Test("Section, symbol, stack, shared object, and nothing at all")
    func addresses() throws {
        func text(_ address: UInt64, _ symbol: Symbol? = nil) -> String {
            AddressReport(space: Fixture.addressSpace(), address: address, symbol: symbol, page: nil).text(terminal)
        }
        let named = text(
            0x55d0_c670_0010, Symbol(name: "_Z4mainv", module: "api", offset: 16, isFunction: true))
        expectSnapshot(named, "maps-function.txt")
        #expect(text(0x55d0_c6b0_0000).contains("  section    .rodata\\x1b+0, of 2.0 MiB"))
        #expect(text(0x7f3c_107f_f800).contains("in use: 2.0 KiB above the thread's stack pointer"))
        #expect(text(Fixture.shared).contains("Shared: whoever has this object mapped sees the same frames"))
        #expect(text(0x1000).contains("nothing is mapped there"))
        for address in [0x1000, Fixture.brk, Fixture.shared, .max] { #expect(!text(address).contains("\u{1b}")) }
    }

    @Test("The plan names the snapshot that an address may need") func plan() {
        var report = MapsPlanReport(
            target: Fixture.look.target, mayReadMappings: true, mayReadMemory: false, residentBytes: 748 << 20)
        #expect(report.text(pipe).hasPrefix("Would read what the kernel counts of api (1234), and stop nobody."))
        #expect(report.json().contains("\"snapshot\":null"))
        report.address = Fixture.brk
        report.snapshot = .planned(
            LeakPlanReport(
                target: report.target, method: .fork, reason: "", pauseSeconds: 0.009, threads: 9, neededBytes: 1 << 20,
                headroomBytes: nil, residentBytes: nil, right: "", gaps: []))
        let text = report.text(terminal)
        #expect(text.contains("pause it for about 9 ms at most") || text.contains("pause it for about 9.0 ms at most"))
        #expect(text.contains("snapshot  only if the address is malloc's, to find the block: by fork"), "\(text)")
        #expect(text.contains("next: nusu maps 1234 0x55d0c8e00000"))
        report.snapshot = .refused(Failure(.unsupported, what: "too dear", subject: "", remedy: "--max-pause 1"))
        #expect(report.text(pipe).contains("snapshot  none: too dear") && report.json().contains("--max-pause 1"))
    }
}
