import Dispatch
import Glibc
import Report
import Synchronization

/// Says on stderr what nusu is at, once that has taken a second, and only when somebody looks: on a terminal.
final class Progress: Sendable {
    private struct State {
        var stage: String
        var isShown = false
        var isEnded = false
    }

    private let state: Mutex<State>
    private let start = ContinuousClock.now
    private let isEnabled: Bool

    init(_ stage: String, isEnabled: Bool = isatty(STDERR_FILENO) == 1) {
        state = Mutex(State(stage: stage))
        self.isEnabled = isEnabled
        if isEnabled { schedule(after: 1.0) }
    }

    /// What is done from now on, in a few words.
    func enter(_ stage: String) {
        state.withLock { $0.stage = stage }
    }

    /// Takes the line away.
    func end() {
        state.withLock { state in
            state.isEnded = true
            if state.isShown { _ = Output.write("\r\u{1b}[K", to: STDERR_FILENO) }
        }
    }

    private func schedule(after seconds: Double) {
        DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [weak self] in
            guard let self, self.show() else { return }
            self.schedule(after: 0.5)
        }
    }

    /// Returns whether to go on.
    private func show() -> Bool {
        let elapsed = (ContinuousClock.now - start).components.seconds
        return state.withLock { state in
            guard !state.isEnded else { return false }
            state.isShown = true
            let width = Output.terminalWidth(STDERR_FILENO) ?? 80
            let line = TerminalText.cut("nusu: \(TerminalText.escaped(state.stage)) … \(elapsed) s", to: width - 1)
            _ = Output.write("\r\u{1b}[K" + line, to: STDERR_FILENO)
            return true
        }
    }
}
