package import Analysis
package import Model

/// The lines that are shown while a watch goes on, one for each process.
package enum WatchLines {
    /// - Parameter limit: lines; what does not fit is counted on the last one.
    package static func lines(
        _ targets: [(process: ProcessIdentity, history: UsageHistory, hasEnded: Bool)], limit: Int, width: Int
    ) -> [String] {
        let shown = targets.count <= limit ? targets[...] : targets.prefix(max(limit - 1, 1))
        let names = shown.map { TerminalText.cut(WatchReport.name($0.process), to: 28) }
        let column = names.map(TerminalText.width).max() ?? 0
        var lines = zip(shown, names).map { target, name in
            TerminalText.cut(
                TerminalText.padded(name, to: column) + "  " + line(target.history, hasEnded: target.hasEnded),
                to: width)
        }
        if shown.count < targets.count { lines.append("and \(Units.grouped(targets.count - shown.count)) more") }
        return lines
    }

    private static func line(_ history: UsageHistory, hasEnded: Bool) -> String {
        guard let series = history.series(of: .resident) else {
            return hasEnded ? "has ended" : "memory not known"
        }
        let parts = [
            TerminalText.padded(history.last(.resident).map(Units.bytes) ?? "?", to: 9, right: true),
            TerminalText.padded(Sparkline.text(series, width: 20), to: 20),
            hasEnded
                ? "has ended"
                : series.points.count < Trend.leastPoints
                    ? "watching" : TrendText.words(Trend(series), .resident, of: series),
            history.last(.descriptors).map { Units.counted(Int(clamping: $0), "file") },
            history.last(.threads).map { Units.counted(Int(clamping: $0), "thread") },
        ]
        return parts.compactMap { $0 }.joined(separator: "  ")
    }
}
