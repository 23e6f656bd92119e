import Analysis
import Model

extension DiffReport {
    private static let lineLimit = 25
    private static let indent = String(repeating: " ", count: 15)
    /// Of more snapshots the first, the last and what lies between is shown.
    private static let valuesShown = 4

    /// The report for people: the answer in line 1.
    /// - Parameter limit: rows of each kind: nil as many as fit in 25 lines, 0 all.
    package func text(limit: Int?, _ style: TextStyle) -> String {
        let sections = [
            section("lost: new, or more than before", worseLeaks.map(leakLines), limit, fitting: 4),
            section("in use, by type", grownTypes.map(typeLines), limit, fitting: 4),
            section("who keeps more", grownOwners.map(ownerLines), limit, fitting: 2),
        ]
        var lines = [style.strong(style.fit(headline)), style.fit("  " + totals)]
        for section in sections where !section.isEmpty { lines += [""] + section.map(style.fit) }
        let facts = (changes + order).map { style.faint(style.fit("  " + $0)) }
        return (lines + [""] + facts + next(style)).joined(separator: "\n") + "\n"
    }

    private var headline: String {
        let time = seconds.map { $0 > 0 ? " over \(Units.span($0))" : "" } ?? ""
        let steps = snapshots.count > 2 ? ", in each of \(Units.grouped(snapshots.count - 1)) steps" : ""
        guard diff.grew else {
            let bound = sawEverything ? "Nothing grew" : "Found nothing that grew, as far as could be seen,"
            return "\(bound)\(time)\(steps)."
        }
        var parts: [String] = []
        let types = grownTypes
        if let first = types.first {
            let name = TerminalText.escaped(WhyPathText.typeName(first.subject))
            let others = types.count == 1 ? "" : " and \(Units.counted(types.count - 1, "other type"))"
            parts.append("\(name) by \(Units.bytes(DiffReport.gain(types.prefix(1))))\(others)")
        }
        if !worseLeaks.isEmpty {
            parts.append(
                "\(Units.counted(worseLeaks.count, "leak")) by \(Units.bytes(DiffReport.gain(worseLeaks[...])))")
        }
        if parts.isEmpty {
            let owners = Units.counted(grownOwners.count, "owner")
            let gain = Units.bytes(DiffReport.gain(grownOwners[...]))
            parts.append("what \(owners) \(grownOwners.count == 1 ? "keeps" : "keep"), by \(gain)")
        }
        return "Grew\(time)\(steps): \(parts.joined(separator: "; "))."
    }

    private static func gain<Subject>(_ rows: ArraySlice<GraphDiff.Row<Subject>>) -> UInt64 {
        rows.reduce(0) { $0 &+ UInt64(clamping: $1.gainedBytes) }
    }

    private var totals: String {
        "in use \(DiffReport.values(snapshots.map(\.digest.alive))); lost \(DiffReport.values(snapshots.map(\.digest.lost)))"
    }

    /// "12.0 MiB -> 20.0 MiB -> 41.6 MiB".
    private static func values(_ tallies: [Tally]) -> String {
        var texts = tallies.map { $0.blocks == 0 ? "none" : Units.bytes($0.bytes) }
        if texts.count > valuesShown { texts.replaceSubrange(2..<texts.count - 1, with: ["..."]) }
        return texts.joined(separator: " -> ")
    }

    // MARK: - Rows

    private func section(_ title: String, _ rows: [[String]], _ limit: Int?, fitting: Int) -> [String] {
        guard !rows.isEmpty else { return [] }
        let shown = limit.map { $0 == 0 ? rows.count : min($0, rows.count) } ?? min(fitting, rows.count)
        var lines = ["  " + title] + rows.prefix(shown).flatMap { $0 }
        if rows.count > shown {
            lines.append("     and \(Units.grouped(rows.count - shown)) more (--limit 0 shows all)")
        }
        return lines
    }

    private static func row<Subject>(_ row: GraphDiff.Row<Subject>, _ what: String) -> String {
        let size = TerminalText.padded(signed(row.gainedBytes), to: 12, right: true)
        let sign = row.gainedBlocks > 0 ? "+" : ""
        let count = TerminalText.padded("\(sign)\(Units.grouped(row.gainedBlocks)) x", to: 12, right: true)
        return "\(size) \(count)  \(what)"
    }

    private static func signed(_ bytes: Int64) -> String { (bytes < 0 ? "-" : "+") + Units.bytes(bytes.magnitude) }

    private func leakLines(_ row: GraphDiff.Row<LeakGroup>) -> [String] {
        let text = LeakGroupText(
            group: row.subject, number: 0, options: .init(),
            style: TextStyle(isTerminal: false, width: nil, color: false))
        let isNew = row.first.blocks == 0 ? "new: " : ""
        return [
            DiffReport.row(row, "\(isNew)\(text.title)  \(row.subject.signature)"),
            DiffReport.indent + "          " + DiffReport.values(row.tallies),
        ]
    }

    private func typeLines(_ row: GraphDiff.Row<String>) -> [String] {
        let name = TerminalText.escaped(WhyPathText.typeName(row.subject))
        let line = DiffReport.row(row, "\(name): \(DiffReport.values(row.tallies))")
        guard let path = paths[row.subject] else { return [line] }
        return [line, DiffReport.indent + "          held by " + WhyPathText(symbols: symbols).line(path)]
    }

    private func ownerLines(_ row: GraphDiff.Row<GraphDigest.Owner>) -> [String] {
        return [
            DiffReport.row(row, DiffReport.paths(of: row.subject).line(row.subject.path)),
            DiffReport.indent + "          " + DiffReport.values(row.tallies),
        ]
    }

    // MARK: - What else there is to say

    /// What came and went without growing in every step.
    private var changes: [String] {
        var lines: [String] = []
        let gone = diff.types.filter { $0.change == .gone }
        let fixed = diff.leaks.filter { $0.change == .gone }
        let new = diff.types.filter { $0.change == .new }
        var parts: [String] = []
        if !fixed.isEmpty { parts.append(Units.counted(fixed.count, "leak")) }
        if !gone.isEmpty { parts.append(Units.counted(gone.count, "type")) }
        if !parts.isEmpty {
            lines.append("gone: \(parts.joined(separator: ", ")) of the first snapshot (--json names them)")
        }
        if !new.isEmpty {
            lines.append("new, but not more in every step: \(Units.counted(new.count, "type")) (--json)")
        }
        return lines
    }

    private var order: [String] {
        var lines: [String] = []
        if seconds == nil { lines.append("the snapshots are not in the order in which they were taken") }
        let commands = Set(snapshots.map(\.digest.process.commandBytes))
        if commands.count > 1 { lines.append("they are not all of the same program") }
        if !sawEverything {
            lines.append("not everything was seen in every one: a lower bound (nusu leaks FILE says what)")
        }
        lines += snapshots.map {
            "\(TerminalText.escaped($0.saved.path)): \(TerminalText.escaped($0.digest.process.description)), \($0.saved.time)"
        }.prefix(DiffReport.valuesShown)
        if snapshots.count > DiffReport.valuesShown {
            lines.append("and \(Units.grouped(snapshots.count - DiffReport.valuesShown)) more")
        }
        return lines
    }

    private func next(_ style: TextStyle) -> [String] {
        guard style.isTerminal, let last = snapshots.last else { return [] }
        let file = TerminalText.shellWord(last.saved.path)
        if let type = grownTypes.first?.subject {
            return [style.fit("next: nusu why \(file) \(WhyPathText.argument(type))      who keeps them alive")]
        }
        if let leak = worseLeaks.first?.subject.type {
            return [style.fit("next: nusu why \(file) \(WhyPathText.argument(leak))      what they hold")]
        }
        return [style.fit("next: nusu heap \(file)      what is alive, and who keeps most")]
    }
}
