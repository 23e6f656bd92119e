import Analysis
import Model
import Report
import Testing

@testable import Terminal

/// Whole screens, compared to the letter. RECORD_SNAPSHOTS=1 writes them anew.
@Suite("Frames of the live screen") struct TopFrameTests {
    @Test(arguments: [(24, 80), (40, 120), (12, 40)]) func list(rows: Int, columns: Int) {
        var state = TopFixture.state(rows: rows, columns: columns)
        state.take(TopFixture.sample(), at: 1.5)
        expectSnapshot(state.frame.text, "top-\(columns)x\(rows).txt")
    }

    @Test func tree() {
        let state = TopFixture.state(rows: 30, columns: 100, settings: { $0.isTree = true })
        expectSnapshot(state.frame.text, "top-tree.txt")
    }

    @Test func filteredTreeKeepsTheWaysToWhatFits() {
        var state = TopFixture.state(settings: { $0.isTree = true })
        state.press(.character("\\"))
        state.type("cpu>50")
        expectSnapshot(state.frame.text, "top-filtered-tree.txt")
        #expect(state.pids == [1, 655, 20917, 20932, 21188, 1234])
        #expect(state.lines.filter(\.isContext).map(\.row.record.processID).sorted() == [1, 655, 20917, 20932])
    }

    @Test func firstStart() {
        let state = TopFixture.state(settings: { $0.isFamiliar = false })
        #expect(state.frame.text.contains(TopHelp.hint))
        #expect(TopHelp.hint.count <= 80)
    }

    @Test func help() {
        var state = TopFixture.state()
        state.press(.character("?"))
        expectSnapshot(state.frame.text, "top-help.txt")
        #expect(TopHelp.shown(columns: 80) == TopHelp.shown(columns: 200))
    }

    /// On a narrow screen nothing of it is cut off.
    @Test(arguments: [80, 60, 40, 21]) func helpIsBrokenWhereItIsNarrow(columns: Int) {
        let shown = TopHelp.shown(columns: columns)
        let words = { (lines: [String]) in lines.joined(separator: " ").split(separator: " ") }
        #expect(words(shown) == words(TopHelp.shown(columns: 80)))
        let longest = words(shown).map(\.count).max() ?? 0
        #expect(shown.allSatisfy { $0.count <= max(columns, longest + TopHelp.labelWidth) })
        var state = TopFixture.state(rows: 15, columns: columns)
        state.press(.character("?"))
        if columns == 60 { expectSnapshot(state.frame.text, "top-help-60x15.txt") }
        for _ in 0..<100 { state.press(.pageDown) }
        #expect(state.frame.text.contains("(pressure)"))
    }

    @Test func menus() {
        var state = TopFixture.state()
        state.press(.function(6), .down)
        expectSnapshot(state.frame.text, "top-sort.txt")
        state.press(.escape, .character("u"))
        expectSnapshot(state.frame.text, "top-users.txt")
        state.press(.escape, .function(2))
        expectSnapshot(state.frame.text, "top-columns.txt")
    }

    @Test func container() {
        let meters = TopFixture.meters { sample in
            var bounds = MachineSample.Bounds()
            bounds.processors = 1.5
            bounds.memoryLimitBytes = 1 << 30
            bounds.memoryUsedBytes = 900 << 20
            bounds.cacheBytes = 100 << 20
            bounds.ranSeconds = 1
            sample.bounds = bounds
        }
        var state = TopFixture.state()
        state.take(TopFixture.sample(meters: meters), at: 1)
        expectSnapshot(
            state.frame.text.split(separator: "\n").prefix(4).joined(separator: "\n") + "\n", "top-container.txt")
    }

    /// Where the kernel counts for each group what its processes wait for, that is shown.
    @Test func containerWithPressureOfItsOwn() {
        let meters = TopFixture.meters { sample in
            var bounds = MachineSample.Bounds()
            bounds.memoryLimitBytes = 1 << 30
            bounds.pressure = MachineSample.Pressure()
            bounds.pressure?.cpuSome = 77
            sample.bounds = bounds
        }
        var state = TopFixture.state()
        state.take(TopFixture.sample(meters: meters), at: 1)
        #expect(state.frame.text.contains("wait cpu 77 %"))
        #expect(!state.frame.text.contains("io 43 %"))
    }

    @Test func manyProcessors() {
        var state = TopFixture.state(rows: 30, columns: 100)
        state.take(TopFixture.sample(meters: TopFixture.meters(cores: 128)), at: 1)
        expectSnapshot(state.frame.text, "top-128-cores.txt")
    }

    /// A process may call itself what it likes.
    @Test func hostileNamesAreEscaped() {
        let frame = TopFixture.state(rows: 40, columns: 120).frame
        #expect(frame.text.contains("notes\\x1b[31m.md"))
        #expect(!frame.cells.contains { $0.character.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f } })
    }

    @Test func onPaperThereAreNoKeys() {
        var options = TopState.Options()
        options.isStill = true
        let frame = TopFixture.state(options: options).frame
        #expect(!frame.text.contains("F10"))
        #expect(!frame.cells.contains { $0.style.color == .selected })
    }
}
