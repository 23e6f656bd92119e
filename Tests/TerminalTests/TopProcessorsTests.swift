import Model
import Report
import Testing

@testable import Terminal

@Suite("The menu of processors") struct TopProcessorsTests {
    private func text(_ state: TopState) -> String { state.frame.text }

    private static func use(
        _ all: [Int], some: [Int] = [], allowed: [Int] = [0, 1, 2, 3], threads: Int = 9
    ) -> ProcessorUse {
        ProcessorUse(
            ofAll: ProcessorSet(all), ofSome: ProcessorSet(all + some), allowed: ProcessorSet(allowed),
            threadCount: threads)
    }

    private static let machine = MachineProcessors(online: ProcessorSet(0..<4), present: ProcessorSet(0..<4))

    /// The menu for api (1234).
    private func menu(
        _ uses: [ProcessorUse?], of machine: MachineProcessors = machine, rows: Int = 24, columns: Int = 80
    ) throws -> (TopState, [TopTarget]) {
        var state = TopFixture.state(rows: rows, columns: columns)
        state.press(.down)
        var targets = [try #require(state.target)]
        if uses.count > 1 {
            state.press(.character(" "), .character(" "))
            targets = state.targets
        }
        #expect(state.press(.character("a")) == [.askProcessors(targets)])
        state.offerProcessors(targets, uses: uses, of: machine)
        return (state, targets)
    }

    private func change(_ added: [Int], _ removed: [Int]) -> ProcessorChange {
        ProcessorChange(added: ProcessorSet(added), removed: ProcessorSet(removed))
    }

    @Test func nothingChangesBeforeEnter() throws {
        var (state, targets) = try menu([Self.use([0, 1, 2, 3])])
        #expect(text(state).contains("CPUs of api (1234)") && text(state).contains("[x] all"))
        #expect(state.press(.down, .down, .character(" ")).isEmpty)
        #expect(text(state).contains("[-] all") && text(state).contains("[ ] 1") && text(state).contains("[x] 2"))
        #expect(text(state).contains("0-3 -> 0,2-3, all its 9 threads"))
        #expect(state.press(.enter) == [.setProcessors(targets, change([], [1]))])
        state.offerProcessors(targets, uses: [Self.use([0, 2, 3])], of: Self.machine)
        #expect(state.press(.end, .character(" "), .escape, .enter) == [.open(targets[0], .show)])
    }

    @Test func allOfThemAreSwitchedTogether() throws {
        var (state, targets) = try menu([Self.use([0, 1])])
        #expect(text(state).contains("[-] all"))
        state.press(.character(" "))
        #expect(text(state).contains("[x] all") && text(state).contains("0-1 -> 0-3"))
        state.press(.character(" "))
        #expect(text(state).contains("[ ] all") && text(state).contains("one is needed at least"))
        // Without any it could not go on: Enter does nothing.
        #expect(state.press(.enter).isEmpty)
        state.type("3")
        state.press(.character(" "))
        #expect(state.press(.enter) == [.setProcessors(targets, change([3], [0, 1]))])
    }

    @Test func whatStaysAsItIsChangesNothing() throws {
        var (state, _) = try menu([Self.use([0, 1])])
        state.press(.down, .character(" "), .character(" "))
        #expect(state.press(.enter).isEmpty)
        #expect(text(state).contains("nothing was changed"))
    }

    /// Threads, or processes, of which each has its own.
    @Test func whatOnlySomeHaveStaysWithThem() throws {
        var (state, targets) = try menu([Self.use([0], some: [2])])
        #expect(text(state).contains("[-] 2") && text(state).contains("0, some 2 -> 0, some 2"))
        state.press(.down, .down, .character(" "))
        #expect(state.press(.enter) == [.setProcessors(targets, change([1], []))])
        (state, targets) = try menu([Self.use([0, 1], threads: 1), Self.use([1, 2], threads: 4)])
        #expect(text(state).contains("CPUs of 2 processes") && text(state).contains("all of them with 5 threads"))
        state.type("0")
        state.press(.character(" "), .character(" "))
        #expect(state.press(.enter) == [.setProcessors(targets, change([], [0]))])
    }

    @Test func whatCannotBeHadSaysWhy() throws {
        let machine = MachineProcessors(online: ProcessorSet([0, 1, 2]), present: ProcessorSet(0..<4))
        var (state, _) = try menu([Self.use([0], allowed: [0, 1])], of: machine)
        state.type("2")
        let before = state.frame
        #expect(text(state).contains("2 is not in its cpuset") && text(state).contains("    2  not in cpuset"))
        #expect(state.press(.character(" ")).isEmpty)
        #expect(state.frame == before)
        state.press(.down)
        #expect(text(state).contains("3 is off line"))
        // All means all that can be had.
        state.press(.home, .character(" "))
        #expect(text(state).contains("0 -> 0-1,"))
    }

    @Test func oneThreadAlone() throws {
        var state = TopFixture.state(settings: { $0.threads = true })
        var sample = TopFixture.sample()
        sample.threads = TopFixture.threads()
        state.take(sample, at: 1)
        let place = try #require(state.lines.firstIndex { $0.row.isThread && $0.row.number != 1234 })
        state.moveCursor(to: place)
        let target = try #require(state.target)
        #expect(target.thread != nil)
        #expect(state.press(.character("a")) == [.askProcessors([target])])
        state.offerProcessors([target], uses: [Self.use([0], threads: 1)], of: Self.machine)
        #expect(text(state).contains("CPUs of thread") && text(state).contains("0 -> 0, this thread alone"))
    }

    @Test func whoHasEndedIsSaidAndNobodyAsked() throws {
        var (state, targets) = try menu([Self.use([0])])
        state.press(.escape)
        state.offerProcessors(targets, uses: [nil], of: Self.machine)
        guard case .list = state.mode else {
            Issue.record("a menu of nobody")
            return
        }
        #expect(text(state).contains("api (1234) has ended"))
    }

    @Test func aReadOnlyScreenAsksNothing() {
        var options = TopState.Options()
        options.readOnly = true
        var state = TopFixture.state(options: options)
        #expect(state.press(.character("a")).isEmpty)
        #expect(text(state).contains("--read-only: nothing is changed"))
    }

    @Test func manyOfThemScrollAndAreTyped() throws {
        let all = Array(0..<192)
        let machine = MachineProcessors(online: ProcessorSet(all), present: ProcessorSet(all))
        var (state, targets) = try menu([Self.use(all, allowed: all)], of: machine, rows: 15, columns: 60)
        state.type("120")
        #expect(text(state).contains("[x] 120"))
        state.press(.character(" "), .end, .character(" "))
        #expect(text(state).contains("[ ] 191"))
        #expect(state.press(.enter) == [.setProcessors(targets, change([], [120, 191]))])
        state.offerProcessors(targets, uses: [Self.use(all, allowed: all)], of: machine)
        // 999 is 99, and then 9.
        func chosen() -> String? {
            guard case .menu(let menu) = state.mode else { return nil }
            return menu.items[menu.index].label
        }
        state.type("99")
        #expect(chosen() == "99")
        state.type("9")
        #expect(chosen() == "9")
    }

    @Test func aClickSwitchesOne() throws {
        var (state, targets) = try menu([Self.use([0, 1, 2, 3])])
        let row = state.meterHeight + 1 + 2
        #expect(state.update(.mouse(row: row, column: 3, .press), at: state.now).isEmpty)
        #expect(text(state).contains("[ ] 1"))
        #expect(state.press(.enter) == [.setProcessors(targets, change([], [1]))])
    }

    @Test(arguments: [(24, 80), (40, 120), (12, 40)]) func frames(rows: Int, columns: Int) throws {
        let machine = MachineProcessors(online: ProcessorSet(0..<5), present: ProcessorSet(0..<6))
        var (state, _) = try menu([Self.use([0, 1], some: [2])], of: machine, rows: rows, columns: columns)
        state.press(.down, .character(" "))
        expectSnapshot(state.frame.text, "top-processors-\(columns)x\(rows).txt")
    }
}
