import Model
import Testing

@testable import Terminal

@Suite("What the live screen changes of a process") struct TopChangeTests {
    private func text(_ state: TopState) -> String { state.frame.text }

    @Test func ioPrioritiesAreAskedForWithWhatTheyAre() throws {
        var state = TopFixture.state()
        state.press(.down)
        let target = try #require(state.target)
        #expect(state.press(.character("i")) == [.askIOPriority([target])])
        state.offerIOPriorities([target], values: [IOPriority(.bestEffort, level: 4)])
        #expect(text(state).contains("Esc   best effort 4 -> best effort 4, as most"))
        #expect(state.press(.down).isEmpty)
        #expect(text(state).contains("best effort 4 -> best effort 5"))
        #expect(state.press(.enter) == [.setIOPriority([target], IOPriority(.bestEffort, level: 5))])
        state.offerIOPriorities([target], values: [nil])
        #expect(text(state).contains("not known -> by niceness"))
        #expect(state.press(.end, .escape, .enter) == [.open(target, .show)])
    }

    @Test func policiesAreAskedForAndPrioritiesWithThem() throws {
        var state = TopFixture.state()
        state.press(.down)
        let target = try #require(state.target)
        #expect(state.press(.character("Y")).isEmpty)
        #expect(text(state).contains("Esc   normal -> normal"))
        state.press(.down)
        #expect(text(state).contains("normal -> batch"))
        #expect(state.press(.enter) == [.setPolicy([target], ThreadPolicy(.batch))])
        state.press(.character("Y"), .down, .down, .down)
        #expect(text(state).contains("normal -> round robin 1, before all: may hang the machine\n"))
        state.press(.function(8), .right, .function(7))
        state.type("42")
        #expect(text(state).contains("-> round robin 42"))
        #expect(state.press(.enter) == [.setPolicy([target], ThreadPolicy(.roundRobin, priority: 42))])
        // 99 is the end, and 100 is a 1, a 0 and a 0.
        state.press(.character("Y"), .end)
        state.type("99")
        state.press(.function(8))
        #expect(text(state).contains("-> FIFO 99"))
        state.type("100")
        #expect(state.press(.enter) == [.setPolicy([target], ThreadPolicy(.fifo, priority: 1))])
    }

    /// The number says who is meant: of a long name the beginning stands there.
    @Test func titlesOfMenusKeepTheNumber() throws {
        var programs = TopFixture.programs
        programs.append(.init(pid: 31778, parent: 1, words: ["/opt/a-very-long-name-of-a-program"], cpu: 99))
        programs.append(.init(pid: 31779, parent: 1, words: ["/opt/가나다라마바사아자차카타"], cpu: 98))
        var state = TopFixture.state()
        state.take(TopFixture.sample(programs), at: 1)
        for (number, title) in [("31778", "Policy of a-v… (31778) "), ("31779", "Policy of 가… (31779) ")] {
            state.type(number)
            state.press(.character("Y"))
            #expect(text(state).contains(title), "\(text(state))")
            state.press(.escape)
        }
    }

    @Test func severalAreChangedTogether() {
        var state = TopFixture.state()
        state.press(.home, .character(" "), .character(" "))
        let targets = state.targets
        #expect(targets.count == 2)
        state.press(.character("Y"))
        #expect(text(state).contains("Policy of 2 processes"))
        #expect(state.press(.down, .enter) == [.setPolicy(targets, ThreadPolicy(.batch))])
        state.offerIOPriorities(targets, values: [IOPriority(.idle), IOPriority(.none)])
        #expect(text(state).contains("various -> idle"))
    }

    @Test func aReadOnlyScreenChangesNothing() {
        var options = TopState.Options()
        options.readOnly = true
        var state = TopFixture.state(options: options)
        for key in ["i", "Y", "a"] as [Character] {
            #expect(state.press(.character(key)).isEmpty)
            guard case .list = state.mode else {
                Issue.record("\(key) asks")
                return
            }
            #expect(text(state).contains("--read-only: nothing is changed"))
        }
    }

    @Test func pagesOpenWithHtopsLetters() throws {
        var state = TopFixture.state()
        let target = try #require(state.target)
        for (key, tab) in [("v", PanelTab.maps), ("e", .environment), ("w", .command), ("x", .locks), ("s", .calls)] {
            #expect(state.press(.character(Character(key))) == [.open(target, tab)])
        }
    }

    /// The keys of htop 3.2.2's own help, in its order.
    @Test func everyKeyOfHtopDoesSomething() {
        let letters = "# /\\tpmZuHKF+-*NPMTI>.]ceilxswaCSkhq?[Uq<,".map { Key.character($0) }
        let others: [Key] = [.tab, .backTab, .up, .down, .left, .right, .backspace, .control("l")]
        for key in letters + others + (1...10).map({ Key.function($0) }) {
            for isTree in [false, true] {
                var state = TopFixture.state(settings: { $0.isTree = isTree })
                state.press(.down)
                let (frame, settings) = (state.frame, state.settings)
                let requests = state.press(key)
                #expect(state.message?.text.contains("does nothing") != true, "\(key)")
                let isUnchanged = requests.isEmpty && state.frame == frame && state.settings == settings
                // Folding is the tree's, and there is nothing to the left of the command.
                let mayBe: [Key] = [
                    .character("+"), .character("-"), .character("*"), .backspace, .left, .character("U"),
                ]
                #expect(!isUnchanged || mayBe.contains(key), "\(key)")
            }
        }
    }

    @Test func backspaceFoldsIntoTheParent() {
        var state = TopFixture.state(settings: { $0.isTree = true })
        state.type("911")
        state.press(.backspace)
        #expect(state.collapsed == [910] && state.target?.process.pid == 910)
        state.press(.backspace)
        #expect(state.collapsed == [910, 1] && state.target?.process.pid == 1)
        state.press(.backspace)
        #expect(state.target?.process.pid == 1)
    }

    @Test(arguments: [(24, 80), (40, 120), (12, 40)]) func menus(rows: Int, columns: Int) throws {
        var state = TopFixture.state(rows: rows, columns: columns)
        state.press(.down)
        let target = try #require(state.target)
        state.offerIOPriorities([target], values: [IOPriority(.none)])
        expectSnapshot(state.frame.text, "top-io-\(columns)x\(rows).txt")
        state.press(.escape, .character("Y"), .down, .down, .down)
        expectSnapshot(state.frame.text, "top-policy-\(columns)x\(rows).txt")
    }
}
