import Analysis
import Glibc
import Model
import Report

/// A few lines on stderr that are drawn again in place while a watch goes on, and taken away at its end. Only on a terminal.
struct WatchDisplay {
    /// Cells of each line that stands there now.
    private var widths: [Int] = []
    private var drawnAt = ContinuousClock.now
    private let isEnabled: Bool
    private let start = ContinuousClock.now

    /// Where so much time passed nusu was stopped, and other text may stand there.
    private static let stale = Duration.seconds(5)
    private static let pause = Duration.milliseconds(200)
    private static let limit = 10

    init(isEnabled: Bool) {
        let isDumb = getenv("TERM").map { strcmp($0, "dumb") == 0 } ?? true
        self.isEnabled = isEnabled && isatty(STDERR_FILENO) == 1 && !isDumb
    }

    mutating func draw(
        _ targets: [(process: ProcessIdentity, history: UsageHistory, hasEnded: Bool)],
        note: String = ""
    ) {
        // Quicker than the eye it need not be: each drawing asks for the trend of every line.
        guard widths.isEmpty || !note.isEmpty || ContinuousClock.now - drawnAt >= WatchDisplay.pause else { return }
        guard isEnabled, let size = Output.terminalSize(STDERR_FILENO) else { return }
        let rows = size.rows > 0 ? size.rows : 24
        var lines = WatchLines.lines(
            targets, limit: max(1, min(WatchDisplay.limit, rows - 2)), width: size.columns - 1)
        let seconds = (ContinuousClock.now - start).components.seconds
        lines.append(
            TerminalText.cut(
                "watched for \(seconds) s\(note.isEmpty ? "; Ctrl+C ends the watch" : "; \(note)")",
                to: size.columns - 1))
        _ = Output.write(erasing(size.columns) + lines.joined(separator: "\n"), to: STDERR_FILENO)
        widths = lines.map(TerminalText.width)
        drawnAt = .now
    }

    /// Takes the lines away.
    mutating func clear() {
        guard isEnabled, !widths.isEmpty, let size = Output.terminalSize(STDERR_FILENO) else { return }
        _ = Output.write(erasing(size.columns), to: STDERR_FILENO)
        widths = []
    }

    /// Back to the first of the lines, and away with all below. A terminal that became narrower has broken them.
    private func erasing(_ columns: Int) -> String {
        guard !widths.isEmpty, ContinuousClock.now - drawnAt < WatchDisplay.stale else {
            return widths.isEmpty ? "" : "\n"
        }
        let rows = widths.reduce(0) { $0 + max(1, ($1 + columns - 1) / columns) }
        let up = rows > 1 ? "\u{1b}[\(rows - 1)A\r" : "\r"
        // Row by row: what clears a whole screen goes into the history of some terminals.
        return up + [String](repeating: "\u{1b}[2K", count: rows).joined(separator: "\u{1b}[1B") + up
    }
}
