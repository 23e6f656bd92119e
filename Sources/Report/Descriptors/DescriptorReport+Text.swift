import Analysis
import Model

extension DescriptorReport {
    private static let lineLimit = 25
    static let numberColumns = 20
    private static let startColumns = 25

    /// The report for people: the answer in line 1, at most 25 lines unless the options ask for more.
    package func text(_ options: Options, _ style: TextStyle) -> String {
        let remarks = findingLines.map { "  " + $0 } + facts.flatMap { TextWrap.remark($0, style) }
        let closing = remarks.map { style.faint(style.fit($0)) } + next(style)
        var lines = [style.strong(style.fit(headline))]
        // Two blank lines and the line that counts the rest.
        let room = max(5, DescriptorReport.lineLimit - closing.count - 4)
        let body =
            options.all
            ? allLines(style)
            : streams.map { streamLines($0, options, room, style) } ?? growth.map {
                growthLines($0, options, room, style)
            }
                ?? groupLines(options, room, style)
        if !body.isEmpty { lines += [""] + body.map(style.fit) }
        if !closing.isEmpty { lines += [""] + closing }
        return lines.joined(separator: "\n") + "\n"
    }

    private var name: String {
        "\(TerminalText.escaped(table.process.commandBytes)) (\(table.process.pid))"
    }

    private var headline: String {
        if table.isZombie { return "\(name) has ended: the kernel has closed all that it had open." }
        let limit = table.softLimit.map { " of \(Units.grouped(Int(clamping: $0)))" } ?? ""
        guard let total = table.total else {
            return "How many descriptors \(name) has open may not be seen; it may have\(limit.dropFirst(3)) at most."
        }
        let open = "\(Units.grouped(total))\(limit) descriptors open"
        guard table.isListed else { return "\(name) has \(open); which ones may not be seen." }
        if let streams { return headline(streams, open) }
        if let growth { return headline(growth, open) }
        guard let first = kinds.first else { return "\(name) has \(open)." }
        let largest = groups.first
        // One group that is most of the largest kind says more than the next kinds.
        if let largest, largest.kind == first.kind, largest.count * 2 > first.count, largest.count * 4 > total,
            largest.count > 3
        {
            let what = DescriptorText.line(largest.subject, largest.kind, [])
            let which = largest.count == first.count ? ", all" : ": \(Units.grouped(largest.count))"
            let line = "\(name) has \(open); \(are(first.count, first.kind))\(which) \(what)."
            if TerminalText.width(line) <= TextStyle.columns { return line }
        }
        let parts =
            [are(first.count, first.kind)]
            + kinds.dropFirst().prefix(3).map { counted in
                DescriptorText.counted(counted.count, counted.kind)
            }
        return "\(name) has \(open); \(parts.joined(separator: ", "))."
    }

    private func are(_ count: Int, _ kind: Descriptor.Kind) -> String {
        count == 1 ? "1 is a \(kind.rawValue)" : "\(Units.grouped(count)) are \(plural(kind))"
    }

    private func plural(_ kind: Descriptor.Kind) -> String {
        String(DescriptorText.counted(2, kind).dropFirst(2))
    }

    private func headline(_ growth: DescriptorGrowth, _ open: String) -> String {
        let time = Units.span(growth.seconds)
        let difference = growth.after - growth.before
        let change =
            difference == 0
            ? "as many as \(time) before"
            : "\(Units.grouped(abs(difference))) \(difference > 0 ? "more" : "fewer") than \(time) before"
        if let first = growth.changes.first, first.difference > 0 {
            let what = DescriptorText.line(first.subject, first.kind, [])
            return "\(name) has \(open), \(change): \(Units.grouped(first.difference)) more \(what)."
        }
        let turnover = growth.opened > 0 ? "; \(Units.grouped(growth.opened)) were closed and opened anew" : ""
        return "\(difference == 0 ? "Steady" : "No growth"): \(name) has \(open), \(change)\(turnover)."
    }

    /// Most first.
    var kinds: [(kind: Descriptor.Kind, count: Int)] {
        var counts: [Descriptor.Kind: Int] = [:]
        for descriptor in table.descriptors { counts[descriptor.kind, default: 0] += 1 }
        return Descriptor.Kind.allCases.compactMap { kind in counts[kind].map { (kind, $0) } }
            .enumerated().sorted { ($0.element.count, $1.offset) > ($1.element.count, $0.offset) }.map(\.element)
    }

    /// On a terminal what is too long for its column is cut there, so that the numbers stay in sight.
    static func row(
        _ count: String, _ kind: String, _ may: String, _ what: String, _ numbers: String, _ style: TextStyle
    ) -> String {
        let start =
            TerminalText.padded(count, to: 7, right: true) + "  " + TerminalText.padded(kind, to: 10)
            + TerminalText.padded(may, to: 6)
        guard !numbers.isEmpty else { return start + what }
        let columns = (style.width ?? TextStyle.columns) - startColumns - numberColumns - 2
        let column = max(20, min(columns, TextStyle.columns - startColumns - numberColumns - 2))
        let fitting = style.width == nil ? what : TerminalText.cut(what, to: max(column, columns))
        return start + TerminalText.padded(fitting, to: column) + "  " + numbers
    }

    private func groupLines(_ options: Options, _ room: Int, _ style: TextStyle) -> [String] {
        guard !groups.isEmpty else { return [] }
        let shown =
            options.limit.map { $0 == 0 ? groups.count : $0 } ?? (groups.count <= room ? groups.count : room - 1)
        var lines = [DescriptorReport.row("open", "kind", "may", "what it leads to", "numbers", style)]
        for group in groups.prefix(shown) {
            let what =
                group.count == 1
                ? DescriptorText.line(group.members[0])
                : DescriptorText.line(group.subject, group.kind, group.members)
            lines.append(
                DescriptorReport.row(
                    Units.grouped(group.count), group.kind.rawValue, DescriptorText.access(group.members), what,
                    DescriptorText.numbers(group.members.map(\.number), columns: DescriptorReport.numberColumns), style)
            )
        }
        let left = groups.dropFirst(shown)
        if !left.isEmpty {
            let count = left.reduce(0) { $0 + $1.count }
            lines.append(
                "         and \(Units.counted(left.count, "more group")), \(Units.counted(count, "descriptor")) "
                    + "(--limit 0; --all: one by one)")
        }
        return lines
    }

    private func growthLines(
        _ growth: DescriptorGrowth, _ options: Options, _ room: Int, _ style: TextStyle
    ) -> [String] {
        let changes = growth.changes
        guard !changes.isEmpty else { return [] }
        let shown =
            options.limit.map { $0 == 0 ? changes.count : $0 } ?? (changes.count <= room ? changes.count : room - 1)
        var lines = [DescriptorReport.row("change", "kind", "may", "what it leads to", "opened, not closed", style)]
        for change in changes.prefix(shown) {
            let sign = change.difference > 0 ? "+" : ""
            let what = DescriptorText.line(change.subject, change.kind, change.opened)
            lines.append(
                DescriptorReport.row(
                    "\(sign)\(Units.grouped(change.difference))", change.kind.rawValue,
                    change.opened.isEmpty ? "" : DescriptorText.access(change.opened),
                    "\(what), now \(Units.grouped(change.after))",
                    DescriptorText.numbers(change.opened.map(\.number), columns: DescriptorReport.numberColumns), style)
            )
        }
        let left = changes.count - shown
        if left > 0 { lines.append("         and \(Units.counted(left, "more group")) (--limit 0)") }
        return lines
    }

    /// One line for each.
    private func allLines(_ style: TextStyle) -> [String] {
        guard !table.descriptors.isEmpty else { return [] }
        let shown = growth?.changes.flatMap(\.opened).sorted { $0.number < $1.number } ?? table.descriptors
        let head = DescriptorReport.row("number", "kind", "may", "what it leads to", "", style)
        return [head]
            + shown.map { descriptor in
                var what = DescriptorText.line(descriptor, place: ownAddress(descriptor).map { " from \($0)" } ?? "")
                let flags = descriptor.flagNames
                if !flags.isEmpty { what += "  [\(flags.joined(separator: " "))]" }
                return DescriptorReport.row(
                    "\(descriptor.number)", descriptor.kind.rawValue, DescriptorText.access([descriptor]), what, "",
                    style)
            }
    }

    /// The ports of a connection: of one from here the own, of one that came in the other's.
    private func ownAddress(_ descriptor: Descriptor) -> String? {
        guard let socket = descriptor.socket, !socket.transport.isUnix, socket.remote != .unnamed else { return nil }
        return SocketText.text(descriptor.isServer ? socket.remote : socket.local)
    }

    private var findingLines: [String] { findings.map { "! " + DescriptorReport.text($0) } }

    static func text(_ finding: DescriptorFinding) -> String {
        switch finding {
        case .nearLimit(let open, let limit):
            let left = Int(clamping: limit) - open
            return
                "close to its limit: \(Units.grouped(max(0, left))) of \(Units.grouped(Int(clamping: limit))) are left, "
                + "then open fails with EMFILE"
        case .deletedFiles(let count, let bytes, let largest):
            let many = count == 1 ? "1 deleted file still takes" : "\(Units.grouped(count)) deleted files still take"
            return "\(many) \(Units.bytes(bytes)) until closed: descriptor \(largest.number), "
                + TerminalText.escaped(largest.target)
        case .abandoned(let count, let first):
            return "\(Units.grouped(count)) connections that the other end has closed and this one has not "
                + "(CLOSE_WAIT): descriptor \(first.number) …"
        case .openedOften(let count, let first):
            return "opened \(Units.grouped(count)) times: \(TerminalText.escaped(first.target))"
        }
    }

    private var facts: [String] {
        var lines: [String] = []
        if let soft = table.softLimit, let highest = table.descriptors.last?.number {
            let hard = table.hardLimit.flatMap { $0 > soft ? $0 : nil }
            let raise = hard.map { ", which it may raise to \(Units.grouped(Int(clamping: $0)))" } ?? ""
            let share = table.total.flatMap { Units.share(UInt64($0), of: soft) } ?? "?"
            lines.append(
                "uses \(share) of its limit of \(Units.grouped(Int(clamping: soft)))\(raise); the highest number is \(highest)"
            )
        }
        for gap in table.gaps + (streams?.gaps ?? []) {
            lines.append(
                "not seen: \(TerminalText.escaped(gap.what)): \(TerminalText.escaped(gap.reason))"
                    + (gap.remedy.map { " (\($0))" } ?? ""))
        }
        if let streams {
            lines.append(
                "looked into \(Units.counted(streams.total, "FILE")) and the fields of lost objects, "
                    + "paused \(Units.seconds(streams.pauseSeconds))")
        }
        return lines
    }

    /// One command to go on with, for whoever sits at a terminal.
    private func next(_ style: TextStyle) -> [String] {
        guard style.isTerminal, !table.isZombie else { return [] }
        let pid = table.process.pid
        if !table.isListed { return [style.fit("next: sudo nusu fds \(pid)      what they lead to")] }
        if streams != nil { return [style.fit("next: nusu leaks \(pid)      the memory that it has lost")] }
        if growth != nil {
            return [style.fit("next: nusu fds \(pid) --lost      which nobody can close any more")]
        }
        return [style.fit("next: nusu fds \(pid) --over 60s      which are opened and not closed")]
    }
}
