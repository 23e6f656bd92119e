import Analysis
import Model
import Report
import Testing

@testable import Terminal

@Suite("The live screen's state") struct TopStateTests {
    /// The same processes, busy in another way.
    private func turned() -> TopSample {
        var programs = TopFixture.programs
        for index in programs.indices { programs[index].cpu = Double(index) * 5 }
        return TopFixture.sample(programs)
    }

    private func without(_ pid: Int32) -> TopSample {
        TopFixture.sample(TopFixture.programs.filter { $0.pid != pid })
    }

    @Test func busiestFirst() {
        let state = TopFixture.state()
        #expect(state.pids.prefix(4) == [21188, 1234, 1511, 911])
        // Threads of the kernel are left out, what nobody is charged with is not.
        #expect(!state.pids.contains(15))
        #expect(state.pids.contains(0))
    }

    @Test func rowsStayWhereTheyAreWhileSomebodyAims() {
        var state = TopFixture.state()
        let before = state.pids
        state.press(.down, .down)
        let aimed = state.target
        state.take(turned(), at: 1.5)
        #expect(state.pids == before)
        #expect(state.lines[1].row.rates?.cpuPercent != 61)
        #expect(state.target == aimed)
        // And then they go to their places.
        state.take(turned(), at: 6)
        #expect(state.pids != before)
    }

    @Test func theOrderIsTakenUpWithoutANewLook() {
        var state = TopFixture.state()
        state.press(.down)
        state.take(turned(), at: 1)
        let before = state.pids
        _ = state.update(.tick, at: 2)
        #expect(state.pids == before)
        _ = state.update(.tick, at: 3.2)
        #expect(state.pids != before)
    }

    @Test func nothingChangesByTimeAloneButWhatIsSaid() {
        var state = TopFixture.state()
        #expect(state.nextChange == nil)
        state.press(.down, at: 1)
        state.press(.character("y"), at: 1.5)
        state.take(without(1234), at: 2)
        var moments: [Double] = []
        while let next = state.nextChange, moments.count < 10 {
            moments.append(next)
            _ = state.update(.tick, at: next)
        }
        #expect(moments == [4, 6.5])
        let after = state.frame
        _ = state.update(.tick, at: 100)
        #expect(state.frame == after)
    }

    @Test func newProcessesComeBehindWhileSomebodyAims() {
        var state = TopFixture.state()
        state.press(.down)
        var programs = TopFixture.programs
        programs.append(TopFixture.Program(pid: 30000, parent: 1, words: ["new"], cpu: 99))
        state.take(TopFixture.sample(programs), at: 1)
        #expect(state.pids.last == 30000)
        _ = state.update(.tick, at: 5)
        #expect(state.pids.first == 30000)
    }

    @Test func whoHasEndedStaysForAMoment() {
        var state = TopFixture.state()
        state.take(without(1234), at: 1)
        #expect(state.lines.first { $0.row.record.processID == 1234 }?.isGhost == true)
        _ = state.update(.tick, at: 2.9)
        #expect(state.pids.contains(1234))
        _ = state.update(.tick, at: 3.1)
        #expect(!state.pids.contains(1234))
    }

    /// One frame of two looks: what ended between them is in neither its rows nor its count.
    @Test func onPaperWhoHasEndedIsGone() {
        var options = TopState.Options()
        options.isStill = true
        var state = TopFixture.state(options: options)
        state.take(without(1234), at: 1)
        #expect(!state.lines.isEmpty && !state.lines.contains { $0.isGhost })
    }

    @Test func nothingIsDoneToWhoHasEnded() {
        var state = TopFixture.state()
        state.press(.down)
        #expect(state.target?.process.pid == 1234)
        state.take(without(1234), at: 0.5)
        #expect(state.pids[1] == 1234)
        #expect(state.press(.character("k")) == [])
        #expect(state.press(.enter) == [])
    }

    @Test func theCursorStaysWithItsProcessInSight() {
        var state = TopFixture.state()
        state.press(.down)
        state.take(turned(), at: 10)
        #expect(state.target?.process.pid == 1234)
    }

    @Test func followingSurvivesEveryOrder() {
        var state = TopFixture.state(rows: 12)
        state.press(.down, .character("F"))
        for seconds in [5.0, 10, 15] {
            state.take(seconds == 10 ? TopFixture.sample() : turned(), at: seconds)
            #expect(state.target?.process.pid == 1234)
            #expect((state.top..<(state.top + state.listHeight)).contains(state.cursor))
        }
        state.take(without(1234), at: 16)
        state.take(without(1234), at: 20)
        #expect(!state.follows)
        #expect(state.message?.text.contains("ended") == true)
    }

    @Test func anotherProcessWithTheNumberIsAnother() {
        var state = TopFixture.state()
        state.press(.down, .character(" "))
        #expect(state.targets.map(\.process.pid) == [1234])
        var sample = without(1234)
        var other = TopFixture.row(TopFixture.programs[9])
        other.record.stat.startTicks += 1
        sample.rows = (sample.rows + [other]).sorted { $0.record.processID < $1.record.processID }
        state.take(sample, at: 1)
        #expect(state.tagged.isEmpty)
    }

    @Test func sortingAgainTurnsItRound() {
        var state = TopFixture.state()
        #expect(state.press(.character("M")).contains(.look))
        #expect(state.pids.first == 9002)
        state.press(.character("M"))
        #expect(state.pids.last == 9002 || state.pids.last == 0)
        state.press(.character("N"))
        #expect(state.pids.filter { $0 != 0 } == state.pids.filter { $0 != 0 }.sorted())
        state.press(.character("I"))
        #expect(state.pids.filter { $0 != 0 } == state.pids.filter { $0 != 0 }.sorted(by: >))
    }

    @Test func aConditionIsTakenUpAsSoonAsItIsOne() {
        var state = TopFixture.state()
        state.press(.function(4))
        state.type("rss>100M")
        #expect(Set(state.pids) == [1234, 1502, 9002])
        // Half of one changes nothing.
        state.type(" &&")
        #expect(Set(state.pids) == [1234, 1502, 9002])
        state.press(.enter)
        guard case .prompt(let prompt) = state.mode else {
            Issue.record("a text that is no condition was taken")
            return
        }
        #expect(prompt.error != nil)
        state.press(.escape)
        #expect(state.filter == nil)
        #expect(state.pids.count > 10)
    }

    @Test func aFilterCountsAtOnceThoughSomebodyAimed() {
        var state = TopFixture.state()
        state.press(.down, .character("\\"))
        state.type("rss>100M")
        #expect(Set(state.pids) == [1234, 1502, 9002])
        state.press(.escape)
        #expect(state.pids.count > 10)
    }

    @Test func aWordFiltersCommands() {
        var state = TopFixture.state()
        state.press(.character("\\"))
        state.type("NGINX")
        #expect(Set(state.pids) == [910, 911, 912])
        state.press(.enter, .escape)
        #expect(state.filter == nil)
    }

    @Test func whatIsSortedAndChosenByIsReadOfAll() {
        var state = TopFixture.state()
        #expect(state.demand.everywhere == [])
        #expect(state.demand.visible == [.arguments, .owner])
        #expect(state.demand.processes == state.pids.prefix(state.listHeight).filter { $0 != 0 })
        state.press(.character("\\"))
        state.type("wbytes>1M")
        #expect(state.demand.everywhere == [.io])
    }

    @Test func searching() {
        var state = TopFixture.state()
        state.press(.character("/"))
        state.type("worker")
        let first = state.target?.process.pid
        state.press(.function(3))
        #expect(state.target?.process.pid != first)
        state.press(.enter, .character("n"))
        #expect([911, 912, 9002].contains(state.target?.process.pid))
        state.press(.character("/"))
        state.type("no such thing")
        #expect(state.frame.text.contains("not found"))
    }

    @Test func digitsFindAProcess() {
        var state = TopFixture.state()
        state.type("1511")
        #expect(state.target?.process.pid == 1511)
        // What another key came between is another number.
        state.press(.character("a"))
        state.type("655")
        #expect(state.target?.process.pid == 655)
    }

    @Test func signalsAreForTheTaggedElseForTheCursor() {
        var state = TopFixture.state()
        #expect(
            state.press(.character("k")) == [
                .signal([TopTarget(TopFixture.row(TopFixture.programs[14]).record.identity)])
            ])
        state.press(.character(" "), .character(" "))
        guard case .signal(let targets)? = state.press(.function(9)).first else {
            Issue.record("no signal is asked for")
            return
        }
        #expect(targets.map(\.process.pid) == [1234, 21188])
    }

    @Test func readOnlySendsNothing() {
        var options = TopState.Options()
        options.readOnly = true
        var state = TopFixture.state(options: options)
        #expect(state.press(.character("k")) == [])
        #expect(state.press(.function(9)) == [])
        #expect(state.frame.text.contains("read-only"))
    }

    @Test func familiesAreTaggedWhole() {
        var state = TopFixture.state(settings: { $0.isTree = true })
        state.press(.character("9"), at: 0.1)
        state.press(.character("1"), at: 0.2)
        state.press(.character("0"), at: 0.3)
        state.press(.character("c"))
        #expect(state.targets.map(\.process.pid) == [910, 911, 912])
        state.press(.character("U"))
        #expect(state.tagged.isEmpty)
    }

    @Test func foldedFamilies() {
        var state = TopFixture.state(settings: { $0.isTree = true })
        state.type("910")
        state.press(.character("+"))
        #expect(!state.pids.contains(911))
        #expect(state.lines.first { $0.row.record.processID == 910 }?.hidden == 2)
        state.press(.character("+"))
        #expect(state.pids.contains(911))
    }

    @Test func pausedNothingMoves() {
        var state = TopFixture.state()
        state.press(.character("Z"))
        let before = state.lines.map(\.row.rates?.cpuPercent)
        state.take(turned(), at: 10)
        #expect(state.lines.map(\.row.rates?.cpuPercent) == before)
        #expect(state.frame.text.contains("[paused]"))
    }

    @Test func theMouse() {
        var state = TopFixture.state()
        let first = state.meterHeight + 1
        #expect(state.update(.mouse(row: first + 1, column: 3, .press), at: 1) == [])
        #expect(state.target?.process.pid == 1234)
        #expect(state.update(.mouse(row: first + 1, column: 3, .press), at: 1.2).count == 1)
        // The title of the column of memory.
        let place = TopColumns(state).places.first { $0.field.key == "rss" }
        _ = state.update(.mouse(row: state.meterHeight, column: (place?.column ?? 0) + 1, .press), at: 2)
        #expect(state.settings.sort == "rss")
        // F10 at the foot.
        let foot = TopKeys.shown(columns: 80)
        let quit = foot.dropLast().reduce(0) { $0 + $1.width }
        #expect(state.update(.mouse(row: 23, column: quit + 1, .press), at: 3) == [.quit])
    }

    @Test func pastedTextIsNeverTakenForKeys() {
        var state = TopFixture.state()
        #expect(state.update(.paste("q"), at: 1) == [])
        state.press(.character("\\"))
        _ = state.update(.paste("ngi\nnx"), at: 2)
        #expect(state.filter?.text == "nginx")
    }

    /// The number of a process that was folded may be given to another.
    @Test func whatWasFoldedIsForgottenWithItsProcess() {
        var state = TopFixture.state(settings: { $0.isTree = true })
        while state.target?.process.pid != 910, state.cursor < state.lines.count - 1 { state.press(.down) }
        state.press(.character("-"))
        #expect(state.collapsed == [910])
        state.take(TopFixture.sample(TopFixture.programs.filter { $0.pid != 910 }), at: state.now + 5)
        #expect(state.collapsed.isEmpty)
    }
}

@Suite("Settings of the live screen") struct TopSettingsTests {
    @Test func theyComeBackAsTheyWere() {
        var settings = TopSettings()
        settings.setColumns(["args", "pid", "rss", "nonsense", "rss"])
        settings.sort = "rss"
        settings.descending = false
        settings.isTree = true
        settings.kernelThreads = true
        settings.threads = true
        settings.meters = false
        settings.programPaths = true
        settings.isFamiliar = true
        #expect(settings.columns == ["args", "pid", "rss"])
        #expect(TopSettings(parsing: Array(settings.text.utf8)) == settings)
    }

    @Test(arguments: [
        "", "nusu.top/2\nsort = -rss\n", "\u{0}\u{ff}", "nusu.top/1\nsort = \ncolumns = ,,,\ntree = maybe\nx\n=\n",
        "nusu.top/1\ncolumns = nothing,such\nsort = -nothing",
    ])
    func whatIsNotUnderstoodIsLeftOut(_ text: String) {
        #expect(TopSettings(parsing: Array(text.utf8)) == TopSettings())
    }

    @Test func damagedFilesAreHarmless() {
        var generator = SystemRandomNumberGenerator()
        let whole = Array(TopSettings().text.utf8)
        for _ in 0..<500 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...20, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            let settings = TopSettings(parsing: bytes)
            #expect(!settings.columns.isEmpty && settings.columns.count <= 40)
            #expect(settings.sortField != nil)
        }
        #expect(TopSettings(parsing: Array(repeating: 0x61, count: 1 << 20)) == TopSettings())
    }
}

/// Whatever comes in, in whatever order: the cursor is on a row, the frame has the terminal's size, and nothing traps.
@Suite("Random events on the live screen") struct TopPropertyTests {
    @Test(arguments: 0..<16) func anySequence(seed: UInt64) {
        var generator = Seeded(state: seed)
        var state = TopFixture.state(settings: { settings in
            settings.isTree = seed % 2 == 0
            settings.threads = seed % 4 > 1
        })
        var seconds = 0.0
        for _ in 0..<400 {
            seconds += Double.random(in: 0...1, using: &generator)
            if Int.random(in: 0..<6, using: &generator) == 0 {
                state.take(sample(&generator), at: seconds)
            } else {
                for case .askIOPriority(let targets) in state.update(event(&generator), at: seconds) {
                    state.offerIOPriorities(targets, values: targets.map { _ in IOPriority.all.randomElement() })
                }
            }
            #expect(state.lines.isEmpty ? state.cursor == 0 : state.lines.indices.contains(state.cursor))
            #expect(state.top >= 0 && state.top <= max(0, state.lines.count - 1))
            let frame = state.frame
            #expect(
                frame.rows == min(state.rows, Frame.rowLimit) && frame.columns == min(state.columns, Frame.columnLimit))
            #expect(state.demand.processes.count + state.demand.threads.count <= state.rows)
            // No row stands there twice, and what acts on a row knows what that is.
            #expect(Set(state.lines.map(\.key)).count == state.lines.count)
            #expect(state.target.map { $0.thread == nil || state.settings.threads } ?? true)
        }
    }

    private func sample(_ generator: inout Seeded) -> TopSample {
        var programs: [TopFixture.Program] = []
        for pid in 1...Int32.random(in: 1...60, using: &generator) where Bool.random(using: &generator) {
            programs.append(
                TopFixture.Program(
                    pid: pid, parent: Int32.random(in: 0...60, using: &generator), words: ["w\(pid % 7)"],
                    user: UInt32.random(in: 0...2, using: &generator),
                    cpu: Double.random(in: 0...100, using: &generator),
                    threads: Int.random(in: 1...6, using: &generator), isKernelThread: pid % 9 == 0))
        }
        var sample = TopFixture.sample(programs, unattributed: Double.random(in: 0...50, using: &generator))
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: break
        // Of a process that is not in it any more, or not yet.
        case 1: sample.threads = TopFixture.threads([TopFixture.Program(pid: 61, parent: 1, words: ["x"], threads: 3)])
        default: sample.threads = TopFixture.threads(programs)
        }
        return sample
    }

    private func event(_ generator: inout Seeded) -> InputEvent {
        let plain: [Key] = [
            .up, .down, .left, .right, .home, .end, .pageUp, .pageDown, .enter, .escape, .tab, .backspace, .delete,
            .control("u"), .control("w"), .control("l"), .control("c"),
        ]
        switch Int.random(in: 0..<20, using: &generator) {
        case 0:
            return .resize(
                rows: Int.random(in: 1...60, using: &generator), columns: Int.random(in: 1...200, using: &generator))
        case 1: return .tick
        case 2: return .paste("a && \u{1b}[2J (")
        case 3, 4:
            let actions: [MouseAction] = [.press, .right, .wheelUp, .wheelDown, .middle]
            return .mouse(
                row: Int.random(in: 0...60, using: &generator), column: Int.random(in: 0...200, using: &generator),
                actions.randomElement(using: &generator) ?? .press)
        case 5, 6: return .key(.function(Int.random(in: 1...12, using: &generator)))
        case 7...11: return .key(plain.randomElement(using: &generator) ?? .up)
        default:
            let letter = UnicodeScalar(UInt8.random(in: 0x20..<0x7f, using: &generator))
            return .key(.character(Character(letter)))
        }
    }
}

/// A small generator with a seed, so that a failing case can be run again (SplitMix64).
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var word = state
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}
