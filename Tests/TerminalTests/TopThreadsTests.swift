import Analysis
import Model
import Report
import Testing

@testable import Terminal

@Suite("Threads as rows of the live screen") struct TopThreadsTests {
    private func sample(_ programs: [TopFixture.Program] = TopFixture.programs) -> TopSample {
        var sample = TopFixture.sample(programs)
        sample.threads = TopFixture.threads(programs)
        return sample
    }

    /// api (1234) has nine threads; nobody else has several.
    private func state(
        rows: Int = 24, columns: Int = 80, _ change: (inout TopSettings) -> Void = { _ in }
    ) -> TopState {
        var state = TopFixture.state(
            rows: rows, columns: columns,
            settings: { settings in
                settings.threads = true
                change(&settings)
            })
        state.take(sample(), at: 1.5)
        return state
    }

    private func move(_ state: inout TopState, to number: Int32, isThread: Bool = true) {
        guard let place = state.lines.firstIndex(where: { $0.row.number == number && $0.row.isThread == isThread })
        else {
            Issue.record("there is no row \(number)")
            return
        }
        state.moveCursor(to: place)
    }

    @Test func theKeyAsksForThemAndKeepsThat() {
        var state = TopFixture.state()
        #expect(!state.demand.hasThreads)
        let requests = state.press(.character("H"))
        #expect(state.settings.threads && requests == [.save(state.settings), .look])
        #expect(state.demand.hasThreads)
        state.take(sample(), at: 1.5)
        #expect(state.lines.count { $0.row.isThread } == 9)
        #expect(state.lines.count { $0.row.number == 1234 } == 2)
        // What is in sight of them is asked for by their own numbers.
        let inSight = state.lines.prefix(state.listHeight).filter(\.row.isThread).map(\.row.number)
        #expect(!inSight.isEmpty && state.demand.threads == inSight)
        state.press(.character("H"))
        #expect(!state.lines.contains { $0.row.isThread } && !state.demand.hasThreads)
        state.take(TopFixture.sample(), at: 3)
        #expect(!state.lines.contains { $0.isGhost })
    }

    @Test(arguments: [(24, 80), (40, 120), (12, 40)]) func list(rows: Int, columns: Int) {
        expectSnapshot(state(rows: rows, columns: columns).frame.text, "top-threads-\(columns)x\(rows).txt")
    }

    @Test func belowTheirProcessInTheTree() {
        let state = state(rows: 40, columns: 100) { $0.isTree = true }
        expectSnapshot(state.frame.text, "top-threads-tree.txt")
    }

    @Test func eachIsSortedByItsOwn() {
        var state = state()
        // The busy one stands beside its process; of the others memory is not known, and comes last.
        let places = state.lines.prefix(3).map { ($0.row.number, $0.row.isThread) }
        #expect(places.map(\.0) == [21188, 1234, 19_874] && places.map(\.1) == [false, false, true])
        state.press(.character("M"))
        #expect(state.lines.first?.row.number == 9002)
        #expect(state.lines.suffix(9).allSatisfy { $0.row.isThread })
        state.press(.character("N"))
        let own = state.lines.filter { $0.row.processID == 1234 }.map(\.row.number)
        #expect(own == [1234, 1234] + (1...8).map { 19_872 + $0 })
    }

    @Test func whatBelongsToTheProcessIsNotKnownOfAThread() throws {
        let threads = try #require(sample().threads)
        for key in ["rss", "vsz", "pmem", "nlwp"] {
            let field = try #require(ProcessField.named(key)?.field)
            #expect(field.liveText(threads[1]) == "" && field.liveValue(threads[1]) == .unknown)
        }
        var crowd = TopFixture.row(TopFixture.programs[0])
        let count = try #require(ProcessField.named("nlwp")?.field)
        crowd.record.stat.threadCount = 9999
        #expect(count.liveText(crowd) == "9999")
        crowd.record.stat.threadCount = 10_001
        #expect(count.liveText(crowd) == "10k" && count.liveValue(crowd) == .integer(10_001))
        let pid = try #require(ProcessField.named("pid")?.field)
        #expect(pid.liveText(threads[1]) == "19873" && pid.liveValue(threads[1]) == .integer(1234))
        let sample = sample()
        let text = sample.json(
            try #require(ProcessField.named("rss").map { [$0.field] }), rows: sample.rows + threads, time: 0)
        #expect(text.contains("\"residentBytes\":null") && text.contains("\"thread\":19873"))
        #expect(TopFixture.sample().json([], rows: sample.rows, time: 0).contains("\"threads\":null"))
    }

    @Test func actionsSayWhetherTheyAreAboutTheThread() throws {
        var state = state()
        move(&state, to: 19_873)
        let target = try #require(state.target)
        #expect(target.process.pid == 1234 && target.thread?.pid == 19_873)
        #expect(state.press(.enter) == [.open(target, .show)])
        #expect(state.press(.character("L")) == [.open(target, .leaks)])
        #expect(state.press(.character("k")) == [.signal([target])])
        state.press(.function(8))
        #expect(state.frame.text.contains("Nice of thread worker-1 (19873): 0 -> 1"))
        #expect(state.press(.enter) == [.renice([target], by: 1)])
        // The main thread is one of them.
        move(&state, to: 1234)
        #expect(state.target?.thread?.pid == 1234)
        move(&state, to: 1234, isThread: false)
        #expect(state.target?.thread == nil)
    }

    @Test func aTaggedProcessStandsForItsThreads() {
        var state = state()
        for number in [19_873, 19_874] as [Int32] {
            move(&state, to: number)
            state.press(.character(" "))
        }
        #expect(state.targets.compactMap(\.thread?.pid) == [19_873, 19_874])
        #expect(TopTarget.processes(state.targets).map(\.pid) == [1234])
        state.press(.function(8))
        #expect(state.frame.text.contains("Nice of 2 threads: +1 each"))
        state.press(.escape)
        move(&state, to: 1234, isThread: false)
        state.press(.character(" "))
        #expect(state.targets == [TopTarget(TopFixture.row(TopFixture.programs[9]).record.identity)])
    }

    @Test func thePanelsSayThatTheyAreAboutTheProcess() {
        var state = state()
        move(&state, to: 19_873)
        guard let target = state.target else { return }
        var frame = Frame(rows: 24, columns: 80)
        let (pages, _) = Panel.detail(of: target.process, thread: target.thread, isReadOnly: false)
        pages.draw(on: &frame)
        #expect(frame.text.hasPrefix(" api (1234)  the process of thread 19873"))
        let (menu, requests) = Panel.signals(to: [target, target], isReadOnly: false)
        #expect(requests == [.signals([target.process])])
        menu.draw(on: &frame)
        #expect(frame.text.contains("19873 is one of its threads") || frame.text.contains("2 threads among them"))
    }

    @Test func whoEndsStaysGreyAndItsMarksGo() {
        var state = state()
        move(&state, to: 19_874)
        state.press(.character(" "), .up, .character("F"))
        #expect(state.follows && state.tagged.count == 1)
        var fewer = sample()
        fewer.threads?.removeAll { $0.number == 19_874 }
        state.take(fewer, at: 2)
        #expect(state.lines.first { $0.row.number == 19_874 }?.isGhost == true)
        #expect(state.tagged.isEmpty)
        _ = state.update(.tick, at: 10)
        #expect(!state.lines.contains { $0.row.number == 19_874 })
    }

    @Test func hiddenTheyAreMarkedAndFollowedNoMore() {
        var state = state()
        move(&state, to: 19_874)
        state.press(.character(" "), .up, .character("F"), .character("H"))
        #expect(state.tagged.isEmpty && state.target?.process.pid == 1234 && state.target?.thread == nil)
        #expect(state.follows && state.message?.text.contains("ended") == false)
        #expect(state.press(.character("k")).count == 1)
    }

    /// The last thread of a process is the process.
    @Test func aProcessThatHasOneThreadLeftGoesOn() {
        var state = state()
        var programs = TopFixture.programs
        programs[9].threads = 1
        state.take(sample(programs), at: 2)
        let main = state.lines.filter { $0.row.number == 1234 }
        #expect(main.count == 1 && main.allSatisfy { !$0.isGhost })
        #expect(state.lines.count(where: \.isGhost) == 8)
    }

    @Test func searchFilterAndDigitsFindThem() {
        var state = state()
        state.type("19875")
        #expect(state.target?.thread?.pid == 19_875)
        state.press(.character("/"))
        state.type("worker-5")
        state.press(.enter)
        #expect(state.target?.thread?.pid == 19_877)
        state.press(.character("\\"))
        state.type("name~\"worker-[12]\"")
        state.press(.enter)
        #expect(state.lines.map(\.row.number).sorted() == [19_873, 19_874], "\(state.mode)")
        // In the tree with the way to them.
        state.press(.character("t"))
        #expect(state.lines.filter(\.isContext).map(\.row.number) == [1, 1234])
        state.press(.character("t"), .escape, .character("\\"))
        state.type("pid==1234")
        #expect(state.lines.count == 10)
    }

    @Test func aFoldedProcessHidesThem() {
        var state = state { $0.isTree = true }
        move(&state, to: 19_873)
        state.press(.character("-"))
        #expect(!state.lines.contains { $0.row.isThread })
        #expect(state.lines.first { $0.row.number == 1234 }?.hidden == 9)
        // The cursor goes to where it went.
        #expect(state.target?.process.pid == 1234 && state.target?.thread == nil)
    }

    @Test func onAScreenThatStandsStillTheyComeAllTheSame() {
        var state = TopFixture.state()
        state.press(.character("Z"), .character("H"))
        state.take(sample(), at: 3)
        #expect(state.lines.count { $0.row.isThread } == 9)
    }

    @Test func theMetersCanBeHidden() {
        var state = state()
        let before = state.listHeight
        #expect(state.press(.character("#")).contains(.look))
        #expect(state.meterHeight == 1 && state.listHeight > before)
        #expect(state.frame.text.split(separator: "\n")[1].contains("COMMAND"))
        state.press(.character("#"))
        #expect(state.listHeight == before)
    }
}
