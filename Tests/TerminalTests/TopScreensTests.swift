import Analysis
import Model
import Report
import Testing

@testable import Terminal

@Suite("The screens of the live screen") struct TopScreensTests {
    /// postgres writes, api reads, of python3 nothing may be known, and nobody else does anything.
    private static func sample(counts: Bool? = true) -> TopSample {
        var facts = TopFixture.facts
        facts.countsDelays = counts
        let context = ProcessContext(facts)
        var sample = TopFixture.sample()
        sample.context = context
        sample.rows = sample.rows.map { row in
            var rates = row.rates
            let io: (Double, Double) =
                switch row.processID {
                case 1234: (3_000_000, 0)
                case 1511: (41_000, 7_500_000)
                default: (0, 0)
                }
            if row.processID != 9002 {
                rates?.readBytes = io.0
                rates?.writtenBytes = io.1
            }
            rates?.storageDelayPercent = row.processID == 1511 ? 43.21 : 0
            rates?.swapDelayPercent = 0
            var record = row.record
            record.ioPriority = row.processID == 412 ? IOPriority(.realTime, level: 2) : IOPriority(.none)
            if row.processID == 1 { record.ioPriority = IOPriority(.idle) }
            return ProcessRow(record: record, rates: rates, context: context)
        }
        return sample
    }

    private func state(
        rows: Int = 24, columns: Int = 80, counts: Bool? = true, _ change: (inout TopSettings) -> Void = { _ in }
    ) -> TopState {
        var state = TopFixture.state(rows: rows, columns: columns, settings: change)
        state.take(Self.sample(counts: counts), at: 1.5)
        return state
    }

    @Test func tabTurnsToThoseWhoReadAndWriteAndBack() {
        var state = state()
        #expect(state.settings.screen == .main && !state.demand.everywhere.contains(.io))
        // What is not shown is not read.
        #expect(state.demand.visible.isDisjoint(with: [.ioPriority, .delays]))
        #expect(state.press(.tab) == [.look])
        #expect(state.settings.screen == .io)
        #expect(
            state.demand.everywhere == [.io, .ioPriority]
                && state.demand.visible.isSuperset(of: [.ioPriority, .delays]))
        #expect(Array(state.pids.prefix(2)) == [1511, 1234])
        // What has nothing but processor time to show does not stand there, and whose I/O is not known comes last.
        #expect(!state.pids.contains(0) && state.pids.last == 9002)
        #expect(state.press(.backTab) == [.look])
        #expect(state.settings.screen == .main && state.pids.first == 21188)
        state.press(.tab, .tab)
        #expect(state.settings.screen == .main)
    }

    @Test func eachHasItsOwnOrderColumnsAndTree() {
        var state = state()
        state.press(.character("M"), .tab, .character("N"), .character("t"))
        #expect(state.settings.sort == "rss" || state.settings.screen == .io)
        #expect(state.settings.isTree)
        state.press(.tab)
        #expect(state.settings.sort == "rss" && !state.settings.isTree)
        state.press(.tab, .function(2), .down, .character(" "), .escape)
        #expect(!state.settings.columns.contains("user") && state.settings.isTree)
        let kept = TopSettings(parsing: Array(state.settings.text.utf8))
        #expect(kept.screen == .main && kept.sort == "rss" && kept.columns == TopSettings.defaultColumns)
        state.press(.tab)
        #expect(kept == state.settings)
    }

    /// Who was aimed at is what one wants to know more of.
    @Test func theCursorStaysWithItsProcess() {
        var state = state()
        state.type("655")
        state.press(.tab)
        #expect(state.target?.process.pid == 655)
        state.press(.tab)
        #expect(state.target?.process.pid == 655)
    }

    @Test func theirNamesStandWhereThereIsRoom() throws {
        var state = state()
        let first = { (state: TopState) in String(state.frame.text.prefix { $0 != "\n" }) }
        #expect(first(state).hasSuffix("[Main] I/O") && first(state).count <= 80)
        let click = InputEvent.mouse(row: 0, column: 76, .press)
        #expect(state.update(click, at: 2) == [.look])
        #expect(first(state).hasSuffix("Main [I/O]"))
        // Where something else stands, they do not.
        state.press(.character("\\"))
        state.type("nginx")
        state.press(.enter)
        #expect(first(state).contains("[nginx]") && !first(state).contains("I/O"))
        #expect(state.update(click, at: 3).isEmpty)
        #expect(!first(self.state(columns: 72)).contains("I/O"))
    }

    /// Columns that could never have anything in them are left out.
    @Test func delaysAreShownWhereTheKernelCountsThem() {
        for (counts, isThere) in [(true, true), (false, false), (nil, true)] {
            var state = state(counts: counts)
            state.press(.tab)
            #expect(state.frame.text.contains("IOD%") == isThere)
            #expect(state.demand.visible.contains(.delays) == isThere)
        }
    }

    @Test(arguments: [(24, 80), (40, 120), (12, 40)]) func frames(rows: Int, columns: Int) {
        var state = state(rows: rows, columns: columns)
        state.press(.tab)
        state.take(Self.sample(), at: 3)
        expectSnapshot(state.frame.text, "top-screen-io-\(columns)x\(rows).txt")
    }
}
