import Analysis
import Model

extension ChannelReport {
    private static let lineLimit = 25
    private static let whoColumns = 28
    private static let openColumns = 9
    private static let waitingColumns = 15
    private static let sinceColumns = 19

    /// The report for people: the answer in line 1, what is stuck first, at most 25 lines unless the options ask for more.
    package func text(_ options: Options, _ style: TextStyle) -> String {
        let closing = remarks.flatMap { TextWrap.remark($0, style) }.map { style.faint(style.fit($0)) } + next(style)
        var lines = ChannelReport.wrapped(headline, style)
        let room = options.all || options.wide ? nil : max(8, ChannelReport.lineLimit - closing.count - 2 - lines.count)
        let body = body(options, room, style)
        if !body.isEmpty { lines += [""] + body.map(style.fit) }
        if !closing.isEmpty { lines += [""] + closing }
        return lines.joined(separator: "\n") + "\n"
    }

    /// For who is joined by what: what the other columns leave.
    private func mainColumns(_ style: TextStyle) -> Int {
        let columns = min(style.width ?? TextStyle.columns, TextStyle.columns)
        // Where there is little room, who it is comes before since when.
        return max(30, columns - 6 - ChannelReport.openColumns - ChannelReport.waitingColumns - sinceRoom(style))
    }

    private func sinceRoom(_ style: TextStyle) -> Int {
        style.width ?? TextStyle.columns < TextStyle.columns ? 6 : ChannelReport.sinceColumns
    }

    /// Names may be long: on a terminal the answer then takes two lines, rather than lose its end.
    static func wrapped(_ headline: String, _ style: TextStyle) -> [String] {
        guard let width = style.width else { return [style.strong(headline)] }
        return TextWrap.lines(headline, width: min(width, TextStyle.columns)).map { style.strong(style.fit($0)) }
    }

    // MARK: - The answer

    private var headline: String {
        guard let target = findings.target else { return generalHeadline }
        let name = party.sentenceName(target)
        let count = findings.joining.count
        if count == 0, graph.unseen.contains(target) { return "What \(name) is connected to may not be seen." }
        let others =
            findings.joined.isEmpty
            ? ", to no process that can be seen"
            : " to \(Units.counted(findings.joined.count, "other process", plural: "other processes"))"
        let start =
            count == 0
            ? "\(name) has no channel to another process that can be seen"
            : "\(name) has \(Units.counted(count, "channel"))\(others)"
        return "\(start); \(stuckText)."
    }

    private var generalHeadline: String {
        let count = findings.joining.count
        guard count > 0 else {
            return findings.stuck.isEmpty
                ? "No channel joins processes that can be seen." : "\(stuckText.capitalizedFirst)."
        }
        return "\(Units.counted(count, "channel")) join\(count == 1 ? "s" : "") "
            + "\(Units.counted(findings.joined.count, "process", plural: "processes")); \(stuckText)."
    }

    private var stuckText: String {
        let flowed = flow.map(flowText)
        guard let first = findings.stuck.first else { return flowed ?? "nothing is stuck" }
        let count = findings.stuck.count
        let stuck = "\(Units.grouped(count)) \(count == 1 ? "is" : "are") stuck: \(blame(first))"
        return [flowed, stuck].compactMap { $0 }.joined(separator: "; ")
    }

    /// "make (21188) leaves 64 KiB unread since 8 s".
    private func blame(_ channel: Channel) -> String {
        let since = channel.since.map { " since \(Units.span($0))" } ?? ""
        guard let stuck = channel.stuck else { return "" }
        let sleeper = party.sentenceName(stuck.pid)
        let culprits = channel.culprits
        let who = culprits.count == 1 ? party.sentenceName(culprits[0]) : party.text(culprits)
        switch stuck.cause {
        case .full:
            if channel.isStuckByItself { return "\(sleeper) sleeps\(since): only itself could read what it writes" }
            guard !culprits.isEmpty else { return "nobody seen reads what \(sleeper) writes\(since)" }
            let amount =
                channel.messages.map { Units.counted($0, "message") } ?? channel.unread.map { Units.bytes(UInt64($0)) }
            return "\(who) leave\(culprits.count == 1 ? "s" : "") \(amount.map { "\($0) " } ?? "all ")unread\(since)"
        case .unaccepted:
            if channel.isStuckByItself { return "\(sleeper) sleeps\(since): only itself could accept it" }
            guard !culprits.isEmpty else { return "nobody seen accepts \(sleeper)\(since)" }
            return "\(who) do\(culprits.count == 1 ? "es" : "") not accept \(sleeper)\(since)"
        case .locked:
            guard !culprits.isEmpty else {
                return "\(sleeper) sleeps\(since) at a lock whose owner is not there any more"
            }
            return "\(sleeper) sleeps\(since) at a lock of \(who), which \(obstacle(channel))"
        case .deadlock: return "\(sleeper) waits for \(who) in a deadlock\(since)"
        }
    }

    /// Why who holds a lock does not go on.
    private func obstacle(_ channel: Channel) -> String {
        switch graph.obstacle(of: channel)?.cause {
        case .stopped?: "is stopped"
        case .tracer?: "is held by its tracer"
        default: "is stuck too"
        }
    }

    private func flowText(_ flow: ChannelFlow) -> String {
        let amounts = findings.joining.compactMap { flow[$0] }
        let counted = amounts.filter { $0.bytes != nil || $0.bytesBack != nil }
        let total = counted.reduce(0 as UInt64) { $0 &+ ($1.bytes ?? 0) &+ ($1.bytesBack ?? 0) }
        return counted.isEmpty
            ? "the kernel counts the bytes of none"
            : "\(Units.bytes(total)) in \(Units.span(flow.seconds)) through the "
                + (counted.count == 1 ? "one that is counted" : "\(Units.grouped(counted.count)) that are counted")
    }

    // MARK: - The table

    private func body(_ options: Options, _ room: Int?, _ style: TextStyle) -> [String] {
        let sections: [(section: ChannelGroup.Section, groups: [ChannelGroup])] = ChannelGroup.Section.allCases
            .compactMap {
                section in
                let groups = findings.groups.filter { $0.section == section }
                return groups.isEmpty ? nil : (section, groups)
            }
        let counts = ChannelReport.shares(sections.map(\.groups.count), (room ?? .max) - sections.count)
        var lines: [String] = []
        for (place, (section, groups)) in sections.enumerated() {
            lines.append(title(section, style))
            let shown =
                options.wide ? groups.flatMap { wideLines($0) } : groups.prefix(counts[place]).map { line($0, style) }
            lines += shown
            let left = options.wide ? [] : Array(groups.dropFirst(counts[place]))
            if !left.isEmpty {
                let channels = left.reduce(0) { $0 + $1.channels.count }
                lines.append(
                    "    and \(Units.counted(left.count, "more line")), \(Units.counted(channels, "channel")) (--all)")
            }
        }
        return lines
    }

    /// How many lines of each section fit; a section that is cut needs one more to say so.
    static func shares(_ counts: [Int], _ room: Int) -> [Int] {
        var shares = counts
        func needed() -> Int { zip(shares, counts).reduce(0) { $0 + $1.0 + ($1.0 < $1.1 ? 1 : 0) } }
        while needed() > room, let largest = shares.indices.max(by: { shares[$0] < shares[$1] }), shares[largest] > 1 {
            // A cut of one line would save nothing.
            shares[largest] -= shares[largest] == counts[largest] && shares[largest] > 2 ? 2 : 1
        }
        return shares
    }

    private func title(_ section: ChannelGroup.Section, _ style: TextStyle) -> String {
        let since = flow.map { "in \(Units.span($0.seconds))" } ?? "since"
        switch section {
        case .messages: return row("  ", "through the kernel (messages)", "", "waiting", since, style)
        case .sharedMemory:
            return row("  ", "shared memory (no copy; the kernel only sets it up)", "", "size", "", style)
        case .queues: return row("  ", "queues", "", "waiting", since, style)
        case .family: return "  family"
        case .alone: return row("  ", "its own, and what leads out of sight", "", "waiting", "", style)
        }
    }

    private func line(_ group: ChannelGroup, _ style: TextStyle) -> String {
        let text = ChannelText(graph: graph, users: users, flow: flow)
        let mark = group.stuck != nil ? "  ! " : "    "
        let since = text.since(group, columns: style.width == nil ? nil : sinceRoom(style))
        guard group.section == .sharedMemory else {
            let waiting = text.waiting(group)
            let hasFacts = !waiting.isEmpty || !since.isEmpty
            let room =
                hasFacts
                ? mainColumns(style) + (text.open(group).isEmpty ? ChannelReport.openColumns : 0)
                : min(style.width ?? TextStyle.columns, TextStyle.columns) - 4
            let columns = style.width == nil ? nil : room
            return row(mark, text.main(group, columns: columns), text.open(group), waiting, since, style)
        }
        let room = mainColumns(style) + ChannelReport.openColumns
        if group.kind == .futex {
            let what = text.memory(group)
            return row(
                mark, style.width == nil ? what : TerminalText.cut(what, to: room), "", "", since, style)
        }
        let who = TerminalText.padded(text.main(group, columns: nil), to: ChannelReport.whoColumns)
        let what = text.memory(group)
        let left = max(12, room - max(ChannelReport.whoColumns, TerminalText.width(who)) - 2)
        let fitting = style.width == nil ? what : ChannelText.tail(what, left)
        return row(mark, "\(who)  \(fitting)", "", text.waiting(group), since, style)
    }

    private func row(
        _ mark: String, _ main: String, _ open: String, _ waiting: String, _ since: String, _ style: TextStyle
    ) -> String {
        let width = mainColumns(style) + ChannelReport.openColumns + 4
        var line = mark + main
        let gap = width - TerminalText.width(line) - TerminalText.width(open)
        line += String(repeating: " ", count: max(open.isEmpty ? 0 : 2, gap)) + open
        if waiting.isEmpty, since.isEmpty { return line.trimmedEnd }
        line += "  " + TerminalText.padded(waiting, to: ChannelReport.waitingColumns - 2)
        return (line + (since.isEmpty ? "" : "  " + since)).trimmedEnd
    }

    /// One line for each channel: what lies in it, and who has it by which descriptors.
    private func wideLines(_ group: ChannelGroup) -> [String] {
        group.channels.map { channel in
            let one = ChannelGroup(channel)
            let text = ChannelText(graph: graph, users: users, flow: flow)
            let mark = channel.stuck != nil ? "  ! " : channel.sure ? "    " : "  ~ "
            let memory = channel.memory.map { "\($0.rawValue) " } ?? ""
            var parts = ["\(memory)\(ChannelText.word(channel)) \(TerminalText.escaped(channel.identity))"]
            if !channel.name.isEmpty, !channel.identity.utf8.elementsEqual(channel.name) {
                parts[0] += " \(text.name(channel))"
            }
            let waiting = text.waiting(one)
            if !waiting.isEmpty { parts.append(one.section == .sharedMemory ? waiting : "waiting \(waiting)") }
            let since = text.since(one)
            if !since.isEmpty { parts.append(since) }
            parts.append(channel.ends.isEmpty ? "nobody seen" : ends(channel).joined(separator: ", "))
            if !channel.watched.isEmpty {
                parts.append("watches " + channel.watched.map { TerminalText.escaped($0) }.joined(separator: " "))
            }
            if let owner = channel.owner { parts.append("of user \(TerminalText.escaped(users.name(owner)))") }
            if let doubt = channel.doubt { parts.append("guessed: \(TerminalText.escaped(doubt))") }
            return mark + parts.joined(separator: "; ")
        }
    }

    /// "api(1234) write fd 3 4": a process once for each of its roles.
    private func ends(_ channel: Channel) -> [String] {
        var texts: [String] = []
        var last: Channel.End?
        for end in channel.ends {
            let thread = end.thread.flatMap { $0 == end.pid ? nil : " thread \($0)" } ?? ""
            if let last, last.pid == end.pid, last.role == end.role, last.side == end.side, last.fd != nil,
                thread.isEmpty,
                let fd = end.fd
            {
                texts[texts.count - 1] += " \(fd)"
            } else {
                let descriptor = end.fd.map { " fd \($0)" } ?? ""
                texts.append("\(party.name(end.pid)) \(end.role.rawValue)\(descriptor)\(thread)")
            }
            last = end
        }
        return texts
    }

    // MARK: - What else is to be said

    private var remarks: [String] {
        var first: [String] = []
        let guessed = findings.guessed
        if guessed > 0 {
            first.append(
                "sure of \(Units.grouped(findings.joining.count - guessed)); \(Units.grouped(guessed)) guessed (~ in --wide)."
            )
        }
        if let unseen = users.unseen(in: graph) {
            first.append(unseen)
        }
        var remarks = first.isEmpty ? [] : [first.joined(separator: " ")]
        if flow != nil {
            remarks.append(
                "Only of TCP does the kernel count what flows: of pipes, unix sockets and memory nobody knows.")
        }
        // Whose descriptors may not be read is said above, by user.
        for gap in graph.gaps where graph.unseen.isEmpty || !gap.what.hasPrefix("channels of ") {
            remarks.append(
                "not seen: \(TerminalText.escaped(gap.what)): \(TerminalText.escaped(gap.reason))"
                    + (gap.remedy.map { " (\(TerminalText.escaped($0)))" } ?? ""))
        }
        return remarks
    }

    /// One command to go on with, for whoever sits at a terminal.
    private func next(_ style: TextStyle) -> [String] {
        guard style.isTerminal else { return [] }
        if let stuck = findings.stuck.first, let culprit = stuck.culprits.first {
            let why =
                switch stuck.stuck?.cause {
                case .unaccepted?: "why it does not accept"
                case .locked?: "why it does not give up the lock"
                case .deadlock?: "who waits for whom"
                default: "why it does not read"
                }
            return [style.fit("next: nusu show \(culprit)      \(why)")]
        }
        if let sleeper = findings.stuck.first?.stuck?.pid {
            return [style.fit("next: nusu show \(sleeper)      what it waits for")]
        }
        if let target = findings.target {
            if graph.unseen.contains(target) { return [style.fit("next: sudo nusu ipc \(target)")] }
            if let other = findings.joined.first {
                return [style.fit("next: nusu ipc \(other)      whom \(party.name(other)) is connected to")]
            }
            return [style.fit("next: nusu fds \(target)      what it has open")]
        }
        guard let busiest = findings.busiest else {
            return [style.fit(graph.unseen.isEmpty ? "next: nusu tree      who started whom" : "next: sudo nusu ipc")]
        }
        return [style.fit("next: nusu ipc \(busiest)      the one with the most channels: \(party.name(busiest))")]
    }
}

extension Channel {
    /// Bytes, whichever way they wait.
    fileprivate var unread: Int? {
        let known = [waiting, waitingBack].compactMap { $0 }.filter { $0 > 0 }
        return known.max()
    }
}

extension String {
    /// Without the blanks at its end.
    var trimmedEnd: String {
        var result = self
        while result.last == " " { result.removeLast() }
        return result
    }

    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
