import Model
import Testing

@testable import Terminal

@Suite("How nice processes are to be") struct TopReniceTests {
    @Test func nicenessIsAskedForAndSetByEnterAlone() throws {
        var state = TopFixture.state()
        state.press(.down)
        let target = try #require(state.target)
        #expect(state.press(.function(8)).isEmpty)
        #expect(state.frame.text.contains("Nice of \(target): 0 -> 1"))
        #expect(state.press(.function(8), .function(8), .function(7)).isEmpty)
        #expect(state.press(.enter) == [.renice([target], by: 2)])
        #expect(state.press(.function(7), .escape, .enter) == [.open(target, .show)])
        // Back at what it was, there is nothing to do.
        #expect(state.press(.character("]"), .character("["), .enter).isEmpty)
        // -20 is the end.
        for _ in 0..<30 { state.press(.function(7)) }
        #expect(state.press(.enter) == [.renice([target], by: -20)])
        // On a narrow screen the number says who.
        state.press(.function(8))
        _ = state.update(.resize(rows: 12, columns: 34), at: state.now)
        #expect(state.frame.text.contains("Nice of \(target.process.pid): 0 -> 1   Enter, Esc"))
        _ = state.update(.resize(rows: 24, columns: 80), at: state.now)
        state.press(.escape)
        state.press(.home, .character(" "), .character(" "), .function(8))
        #expect(state.frame.text.contains("Nice of 2 processes: +1 each"))
    }

    @Test func aReadOnlyScreenAsksForNoNiceness() {
        var options = TopState.Options()
        options.readOnly = true
        var state = TopFixture.state(options: options)
        #expect(state.press(.function(7), .enter) == state.target.map { [.open($0, .show)] })
        state.press(.function(8))
        #expect(state.frame.text.contains("--read-only: nothing is changed"))
    }

    @Test func aKeyThatDoesNothingSaysSo() {
        var state = TopFixture.state()
        state.press(.character("y"))
        #expect(state.frame.text.contains("y does nothing here; ? shows all keys"))
    }

    /// Whoever aims at a process that ends meanwhile is told so, and nobody else is hit.
    @Test func aRowThatIsNoProcessSaysWhy() {
        var state = TopFixture.state()
        while state.target?.process.pid != 911, state.cursor < state.lines.count - 1 { state.press(.down) }
        state.take(TopFixture.sample(TopFixture.programs.filter { $0.pid != 911 }), at: state.now + 0.1)
        for key in [Key.enter, .function(8), .function(9), .character("m")] {
            state.say("")
            #expect(state.press(key).isEmpty)
            #expect(state.message?.text == "nginx: (911) has ended")
        }
    }
}
