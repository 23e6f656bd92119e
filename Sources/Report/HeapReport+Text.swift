import Analysis
import Model

extension HeapReport {
    private static let lineLimit = 25
    private static let ownersFitting = 3
    private static let kindsShown = 3
    private static let indent = String(repeating: " ", count: 15)

    /// The report for people: the answer in line 1, at most 25 lines unless the options ask for more.
    package func text(_ options: Options, _ style: TextStyle) -> String {
        var lines = [style.strong(style.fit(growth.map(headline) ?? headline))]
        let closing = facts.map { style.faint(style.fit("  " + $0)) } + next(style)
        if let growth {
            let body = growthLines(growth, options, fitting: HeapReport.lineLimit - closing.count - 4)
            if !body.isEmpty { lines += [""] + body.map(style.fit) }
        } else {
            // Blank lines, two headings and the line that counts the rest.
            let room = HeapReport.lineLimit - closing.count - 7
            let owners = ownerLines(options)
            let tasks = taskLines(options)
            let types = typeLines(
                options, fitting: max(3, room - owners.count - (tasks.isEmpty ? 0 : tasks.count + 2)))
            if !types.isEmpty { lines += ["", style.fit("  in use, by type")] + types.map(style.fit) }
            if !owners.isEmpty {
                lines += ["", style.fit("  who keeps most: without it, so much would be free")] + owners.map(style.fit)
            }
            if !tasks.isEmpty { lines += ["", style.fit("  live tasks, by function")] + tasks.map(style.fit) }
        }
        return (lines + [""] + closing).joined(separator: "\n") + "\n"
    }

    private var paths: WhyPathText { WhyPathText(symbols: look.symbols, fields: look.fields) }

    private var headline: String {
        let alive = findings.alive
        let bound = findings.exact ? "" : "at least "
        let amount = "In use: \(bound)\(Units.bytes(alive.bytes)) in \(Units.counted(alive.blocks, "block"))"
        // An owner of less than a tenth is none that explains where the memory is.
        guard let owner = findings.owners.first, owner.retained.bytes >= alive.bytes / 10, alive.bytes > 0 else {
            return amount + ". No single block keeps a tenth of it."
        }
        let share = Units.share(owner.retained.bytes, of: alive.bytes).map { " (\($0))" } ?? ""
        let root = paths.root(owner.path).map { " through \($0)." } ?? " through one block."
        return "\(amount), \(Units.bytes(owner.retained.bytes)) of it\(share)\(root)"
    }

    private func headline(_ growth: HeapGrowth) -> String {
        let time = Units.seconds(growth.seconds)
        let now = findings.alive.bytes
        let (sign, change) =
            now >= growth.before.bytes ? ("more", now - growth.before.bytes) : ("less", growth.before.bytes - now)
        let total = "\(Units.bytes(now)) in use, \(Units.bytes(change)) \(sign) than \(time) before"
        guard let first = growth.types.first else {
            let bound = sawEverything ? "Nothing grew" : "Found nothing that grew, as far as could be seen"
            return "\(bound) in \(time): \(total)."
        }
        let others = growth.types.count - 1
        let rest = others > 0 ? ", and \(Units.counted(others, "other type"))" : ""
        return "Grew: \(HeapReport.name(first.name)) by \(Units.bytes(first.bytes)) in \(time)\(rest). \(total)."
    }

    private func typeLines(_ options: Options, fitting: Int) -> [String] {
        let types = types(options)
        let shown = options.shown(of: types.count, fitting: fitting)
        var lines = types.prefix(shown).enumerated().map { number, type in
            HeapReport.row(number, Units.bytes(type.tally.bytes), "\(Units.grouped(type.tally.blocks)) x")
                + HeapReport.name(type.name)
        }
        let left = findings.types.count - shown
        if left > 0 {
            let bytes =
                findings.types.reduce(UInt64(0)) { $0 + $1.tally.bytes }
                - types.prefix(shown).reduce(UInt64(0)) { $0 + $1.tally.bytes }
            let how = shown < types.count ? "--limit 0 shows all" : "below --min-bytes"
            lines.append("     and \(Units.counted(left, "more type")), \(Units.bytes(bytes)) (\(how))")
        }
        return lines
    }

    private func ownerLines(_ options: Options) -> [String] {
        let owners = owners(options)
        let shown = options.shown(of: owners.count, fitting: HeapReport.ownersFitting)
        return owners.prefix(shown).enumerated().flatMap { number, owner in
            let kinds = owner.kinds.prefix(HeapReport.kindsShown).map { kind in
                let name = TerminalText.escaped(TypeText.plain(kind.name))
                return kind.blocks == 1 ? name : "\(Units.grouped(kind.blocks)) x \(name)"
            }
            let what = HeapReport.name(owner.type) + (kinds.isEmpty ? "" : ": " + kinds.joined(separator: ", "))
            return [
                HeapReport.row(
                    number, Units.bytes(owner.retained.bytes), "in \(Units.grouped(owner.retained.blocks))") + what,
                HeapReport.indent + paths.line(owner.path),
            ]
        }
    }

    private func growthLines(_ growth: HeapGrowth, _ options: Options, fitting: Int) -> [String] {
        var lines: [String] = []
        var shown = 0
        let limit = options.shown(of: growth.types.count, fitting: growth.types.count)
        for (number, type) in growth.types.prefix(limit).enumerated() {
            let more = type.blocks >= 0 ? "+\(Units.grouped(type.blocks)) x" : "\(Units.grouped(type.blocks)) x"
            let now = "now \(Units.bytes(type.after.bytes)) in \(Units.grouped(type.after.blocks))"
            var block = [
                HeapReport.row(number, "+" + Units.bytes(type.bytes), more) + "\(HeapReport.name(type.name)), \(now)"
            ]
            if let path = type.path { block.append(HeapReport.indent + "held by " + paths.line(path.example)) }
            if options.limit == nil, shown > 0, lines.count + block.count > fitting { break }
            lines += block
            shown += 1
        }
        let left = growth.types.count - shown
        if left > 0 { lines.append("     and \(Units.counted(left, "more type")) (--limit 0 shows all)") }
        return lines
    }

    private var facts: [String] {
        var lines = look.facts(exact: findings.exact, findings.gaps)
        let heap = findings.heap
        let version = heap.version.map { " " + TerminalText.escaped($0) } ?? ""
        let lost = findings.lost.blocks == 0 ? "nothing" : Units.bytes(findings.lost.bytes)
        let resident = look.residentBytes.map { "of \(Units.bytes($0)) resident, " } ?? ""
        lines.append(
            "\(resident)\(Units.bytes(heap.freeBytes)) free but kept by \(heap.allocator)\(version)'s malloc; lost: \(lost)"
        )
        return lines
    }

    /// One command to go on with, for whoever sits at a terminal.
    private func next(_ style: TextStyle) -> [String] {
        guard style.isTerminal else { return [] }
        let pid = look.subject
        let line: String
        let types = (growth?.types.filter(\.isNamed).map(\.name) ?? []) + findings.types.filter(\.isNamed).map(\.name)
        // The program's own types say more than the libraries' strings and buffers.
        let grown = growth?.types.first?.name
        if let type = types.first(where: { !WhyPathText.isOfLibrary($0) }) ?? types.first ?? grown {
            line = "next: nusu why \(pid) \(WhyPathText.argument(type))      who keeps them alive"
        } else if let owner = findings.owners.first {
            line = "next: nusu why \(pid) \(Address(owner.address))      who keeps the largest alive, what it holds"
        } else {
            line = "next: nusu leaks \(pid)      what it has lost"
        }
        return [style.fit(line)]
    }

    private static func row(_ number: Int, _ size: String, _ count: String) -> String {
        let place = TerminalText.padded("\(number + 1)", to: 3, right: true)
        let size = TerminalText.padded(size, to: 11, right: true)
        return "\(place)\(size) \(TerminalText.padded(count, to: 11, right: true))  "
    }

    private static func name(_ type: String) -> String { TerminalText.escaped(WhyPathText.typeName(type)) }
}
