import Analysis
import Model

extension DescriptorReport.Streams {
    /// Leaves out numbers that are no longer open, and those of which it is known who holds them.
    mutating func keepSuspects(of open: Set<Int32>) {
        let known = Set(groups.flatMap(\.descriptors) + forgotten.map(\.descriptor))
        suspects = suspects.compactMap { suspect in
            let numbers = suspect.owner.numbers.filter { open.contains($0) && !known.contains($0) }
            guard !numbers.isEmpty else { return nil }
            var suspect = suspect
            suspect.owner = DescriptorOwner(type: suspect.owner.type, field: suspect.owner.field, numbers: numbers)
            return suspect
        }
    }
}

/// Descriptors that nobody can close any more, in words.
extension DescriptorReport {
    func headline(_ streams: Streams, _ open: String) -> String {
        let name = "\(TerminalText.escaped(table.process.commandBytes)) (\(table.process.pid))"
        let lost = lostNumbers(streams).count
        guard streams.found else {
            let bound =
                streams.sawEverything
                ? "No descriptor of \(name) is lost" : "Found no lost descriptor of \(name), as far as could be seen"
            let suspected = Set(streams.suspects.flatMap(\.owner.numbers)).count
            if suspected > 0 {
                return
                    "Lost memory may hold \(Units.counted(suspected, "descriptor")) of \(name), unproved; it has \(open)."
            }
            return "\(bound); it has \(open)."
        }
        var parts: [String] = []
        if !streams.forgotten.isEmpty { parts.append("\(Units.grouped(streams.forgotten.count)) forgotten") }
        if lost > 0 { parts.append("\(Units.grouped(lost)) held by lost memory only") }
        let total = table.total.map { Units.grouped($0) + " " } ?? ""
        return
            "\(name) can no longer close \(Units.grouped(streams.forgotten.count + lost)) of its \(total)descriptors: "
            + "\(parts.joined(separator: ", "))."
    }

    /// Each once: two lost groups may hold one FILE.
    func lostNumbers(_ streams: Streams) -> [Int32] { Set(streams.groups.flatMap(\.descriptors)).sorted() }

    func streamLines(_ streams: Streams, _ options: Options, _ room: Int, _ style: TextStyle) -> [String] {
        var parts: [[String]] = []
        for (isCommand, made) in [(false, "fopen'ed"), (true, "popen'ed")] {
            let numbers = streams.forgotten.filter { $0.isCommand == isCommand }.map(\.descriptor)
            let rest = "\(made) and forgotten: only stdio's own list still knows"
            parts += rows(of: numbers, style).map {
                [$0.line, DescriptorReport.indent + "\(rest) \($0.count == 1 ? "it" : "them")"]
            }
        }
        for group in streams.groups {
            let title = LeakGroupText(
                group: group, number: 1, options: LeakReport.Options(),
                style: TextStyle(isTerminal: false, width: nil, color: false)
            ).title
            parts += rows(of: Array(Set(group.streams)).sorted(), style).map {
                [$0.line, DescriptorReport.indent + "held only by: \(title)  \(group.signature)"]
            }
            for owner in group.owners {
                let line =
                    "owned by a lost \(TerminalText.escaped(owner.text))\(DescriptorReport.place(owner, group))  "
                    + group.signature
                parts += rows(of: owner.numbers, style).map { [$0.line, DescriptorReport.indent + line] }
            }
            if let stackHeld = group.stackHeldText, let type = group.type, group.owners.contains(where: group.leads) {
                let why = "nusu why \(table.process.pid) \(WhyPathText.argument(type))"
                parts.append([DescriptorReport.indent + "\(stackHeld) (\(why))"])
            }
        }
        for suspect in streams.suspects {
            let what = TerminalText.escaped(TypeText.short(suspect.owner.type))
            let line =
                "perhaps of a lost \(what): each has another number at \(suspect.owner.field)  \(suspect.signature)"
            parts += rows(of: suspect.owner.numbers, style).map { [$0.line, DescriptorReport.indent + line] }
        }
        guard !parts.isEmpty else { return [] }
        let fitting = options.limit.map { $0 == 0 ? parts.count : $0 } ?? max(1, (room - 2) / 2)
        let shown = parts.count <= fitting ? parts.count : fitting
        let what = streams.found ? "what nobody can close" : "what perhaps nobody can close"
        var lines = [DescriptorReport.row("open", "kind", "may", what, "numbers", style)]
        lines += parts.prefix(shown).flatMap { $0 }
        if parts.count > shown {
            lines.append("         and \(Units.counted(parts.count - shown, "more group")) (--limit 0)")
        }
        return lines
    }

    /// Where in the group the owner is, if it does not stand for it.
    private static func place(_ owner: DescriptorOwner, _ group: LeakGroup) -> String {
        if group.leads(owner) { return "" }
        if !group.cycle.isEmpty { return " in a retain cycle" }
        let what = group.type.map { TerminalText.escaped(TypeText.short($0)) }
        return " below a lost \(what ?? "block of \(Units.counted(Int(clamping: group.size), "byte"))")"
    }

    private static let indent = String(repeating: " ", count: 25)

    private func rows(of numbers: [Int32], _ style: TextStyle) -> [(line: String, count: Int)] {
        let known = numbers.compactMap { table[$0] }
        let unknown = numbers.filter { table[$0] == nil }
        var rows = DescriptorGrouping.groups(of: known).map { group in
            (
                DescriptorReport.row(
                    Units.grouped(group.count), group.kind.rawValue, DescriptorText.access(group.members),
                    DescriptorText.line(group.subject, group.kind, group.members),
                    DescriptorText.numbers(group.members.map(\.number), columns: DescriptorReport.numberColumns), style),
                group.count
            )
        }
        // Closed by number while the FILE lives on.
        if !unknown.isEmpty {
            rows.append(
                (
                    DescriptorReport.row(
                        Units.grouped(unknown.count), "closed", "?", "a FILE whose number was closed behind its back",
                        DescriptorText.numbers(unknown, columns: DescriptorReport.numberColumns), style), unknown.count
                ))
        }
        return rows
    }
}
