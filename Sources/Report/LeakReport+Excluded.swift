import Analysis
import Model

extension LeakReport {
    private static let unusedLimit = 3

    /// "38.4 MiB in 120 blocks by 2 patterns of .nusuignore"; nil where nothing was left out.
    var excludedAmount: String? {
        let total = findings.excluded.total
        guard total.blocks > 0 else { return nil }
        var counts: [(source: String, patterns: Int)] = []
        for entry in findings.excluded.entries where entry.tally.blocks > 0 {
            // ".nusuignore:12" is a line of ".nusuignore".
            let source = entry.pattern.source
            let name = String(source[..<(source.lastIndex(of: ":") ?? source.endIndex)])
            if let known = counts.firstIndex(where: { $0.source == name }) {
                counts[known].patterns += 1
            } else {
                counts.append((name, 1))
            }
        }
        let sources = counts.map { count in
            count.source == "--baseline"
                ? "--baseline (known before)"
                : "\(Units.counted(count.patterns, "pattern")) of \(TerminalText.escaped(count.source))"
        }
        return "\(Units.bytes(total.bytes)) in \(Units.counted(total.blocks, "block")) by "
            + sources.joined(separator: " and ")
    }

    /// What patterns left out, and which of them fit nothing: those can go, or are misspelt.
    var excludedLines: [String] {
        var lines: [String] = []
        if let excludedAmount { lines.append("left out: \(excludedAmount)") }
        let unused = findings.excluded.unused
        if !unused.isEmpty {
            var names = unused.prefix(LeakReport.unusedLimit).map {
                "'\(TerminalText.escaped($0.text))' (\(TerminalText.escaped($0.source)))"
            }
            let others = unused.count - names.count
            if others > 0 { names.append(Units.counted(others, "other")) }
            lines.append("nothing fits the pattern\(unused.count == 1 ? "" : "s") \(names.joined(separator: ", "))")
        }
        return lines
    }
}
