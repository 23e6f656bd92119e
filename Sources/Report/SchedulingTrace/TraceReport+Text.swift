import Analysis
import Model

extension TraceReport {
    /// The text for people: 25 lines and 100 columns, unless more threads were asked for.
    package func text(_ style: TextStyle) -> String {
        let columns = min(style.width ?? TextStyle.columns, TextStyle.columns)
        let notes = self.notes.flatMap { Self.wrapped($0.label, $0.text, columns) }
        let layout = layout(notes: notes.count)
        var lines = [style.strong(style.fit(headline(columns))), ""]
        let rows = Array(shown.prefix(layout.threads))
        let table = TraceTable(rows, letters: TraceLanes.letters(rows.count), columns: columns)
        lines += table.lines.enumerated().map { $0 == 0 ? style.faint(style.fit($1)) : style.fit($1) }
        if let others = others(rows.count) { lines.append(style.fit(others)) }
        lines += notes.map(style.fit)
        if summary.header.source != .schedstat, summary.nanoseconds > 0, !summary.threads.isEmpty {
            let lanes = TraceLanes(summary, rows, columns: columns, coreLimit: layout.cores, style: style)
            lines += [""] + lanes.lines
        }
        if style.isTerminal { lines += ["", style.fit(next)] }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Threads worth a line: those that ran, or waited to.
    private var shown: [ThreadSchedule] {
        let active = summary.threads.filter { ($0.run ?? 0) > 0 || $0.waitAtLeast > 0 || ($0.wait ?? 0) > 0 }
        return active.isEmpty ? summary.threads : active
    }

    /// How many threads and cores there is room for on 25 lines.
    private func layout(notes: Int) -> (threads: Int, cores: Int) {
        if let shownThreads {
            return (shownThreads == 0 ? shown.count : shownThreads, summary.cores.count)
        }
        if summary.header.source == .schedstat { return (max(25 - 6 - notes, 5), 0) }
        // The headline, three blank lines, the table's head, what was left out, the axis, the legend and the last line.
        let room = max(25 - 10 - notes, 3)
        let cores = min(summary.cores.count, max(min(4, room - 4), 1))
        return (max(min((room - cores) / 2, shown.count), 1), cores)
    }

    private func others(_ count: Int) -> String? {
        var parts: [String] = []
        if count < shown.count { parts.append("\(Units.grouped(shown.count - count)) that waited less (--threads 0)") }
        let folded = summary.folded
        let silent = summary.threads.count - shown.count + (folded.run == 0 ? folded.count : 0)
        if silent > 0, shown.first.map({ ($0.run ?? 0) > 0 || $0.waitAtLeast > 0 }) ?? false {
            parts.append("\(Units.grouped(silent)) that never ran")
        }
        if folded.run > 0 {
            parts.append(
                "\(Units.grouped(folded.count)) that slept or ended early and ran \(ScheduleText.time(folded.run))")
        }
        return parts.isEmpty ? nil : "     and " + parts.joined(separator: ", ")
    }

    // MARK: - The first line

    private var length: String { ScheduleText.time(summary.nanoseconds) }

    private func headline(_ columns: Int) -> String {
        if case .machine = summary.header.scope { return machineHeadline(columns) }
        guard !summary.threads.isEmpty else { return "\(subject) was not seen in \(length)." }
        let ran = summary.run.map { $0 > 0 } ?? true
        if !ran, summary.waitAtLeast == 0 {
            return "\(subject) did not run in \(length), and did not want to: it was blocked."
        }
        guard let wait = summary.wait, let run = summary.run else {
            let lost = summary.threads.reduce(summary.folded.involuntary) { $0 + ($1.involuntary ?? 0) }
            if lost == 0 { return "\(subject) was not pushed off its core in \(length)\(runText)." }
            return sentence(
                "\(subject) lost its core \(Units.counted(lost, "time")) in \(length), and waited "
                    + "\(ScheduleText.time(summary.waitAtLeast)) to get it back", columns)
        }
        let share = wait + run > 0 ? Double(wait) / Double(wait + run) : 0
        if share < 0.005 {
            return "\(subject) hardly waited for a core: \(ScheduleText.time(wait)) in \(length)\(runText)."
        }
        return sentence(
            "\(subject) waited \(ScheduleText.percent(share)) of the time it wanted a core, "
                + "\(ScheduleText.time(wait)) in \(length)", columns)
    }

    /// With who ran instead where there is room for it; below that stands in any case.
    private func sentence(_ text: String, _ columns: Int) -> String {
        [rival, ""].map { "\(text)\($0)." }.first { TerminalText.width($0) <= columns } ?? text + "."
    }

    private var runText: String { summary.run.map { "; it ran \(ScheduleText.time($0))" } ?? "" }

    private func machineHeadline(_ columns: Int) -> String {
        let busy = summary.cores.busyShare
        let text: String
        if let busy {
            text =
                "\(Units.counted(summary.cores.count, "core")) "
                + "\(summary.cores.count == 1 ? "was" : "were") busy \(busy.isAtLeast ? "at least " : "")"
                + "\(ScheduleText.percent(busy.share)) of \(length)"
        } else {
            text = "Threads ran \(summary.run.map { ScheduleText.time($0) } ?? "an unknown time") in \(length)"
        }
        let wait = summary.wait ?? summary.waitAtLeast
        guard wait > 0, let first = summary.threads.first else { return text + "; none is known to have waited." }
        let waited =
            text
            + "; \(busy == nil ? "they" : "threads") waited \(summary.wait == nil ? "at least " : "")\(ScheduleText.time(wait)) for a core"
        let most = waited + ", \(TraceText.name(first.command)) (\(first.key.tid)) most"
        let own = most + ": \(ScheduleText.time(first.wait ?? first.waitAtLeast))"
        return [own, most].map { $0 + "." }.first { TerminalText.width($0) <= columns } ?? waited + "."
    }

    /// "api (1234)".
    private var subject: String {
        switch summary.header.scope {
        case .machine: "the machine"
        case .process(let process): TerminalText.escaped(process.commandBytes) + " (\(process.pid))"
        case .command(let process):
            // Its first name is nusu's own, until it became the command.
            (summary.threads.first { $0.key.tid == process.pid }.map { TraceText.name($0.command) }
                ?? TerminalText.escaped(process.commandBytes)) + " (\(process.pid))"
        }
    }

    /// "; make's cc1plus ran instead".
    private var rival: String {
        let rivals = summary.ranInstead
        let all = rivals.items.reduce(rivals.rest) { $0 + $1.nanoseconds }
        guard let first = rivals.items.first, first.nanoseconds * 10 >= all * 3 else { return "" }
        guard let name = first.name else { return "; its core was idle meanwhile" }
        if first.pid != nil, first.pid == ownPID { return "; its own threads ran instead" }
        let who = TraceText.name(name)
        return first.nanoseconds * 10 >= all * 8 ? "; \(who) ran instead" : "; mostly \(who) ran"
    }

    private var ownPID: Int32? {
        switch summary.header.scope {
        case .machine: nil
        case .process(let process), .command(let process): process.pid
        }
    }

    // MARK: - Below the table

    private var notes: [(label: String, text: String)] {
        var notes: [(label: String, text: String)] = []
        if summary.lost > 0 {
            notes.append(
                ("lost", "\(Units.grouped(Int(clamping: summary.lost))) records came too fast: these are lower bounds"))
        }
        let rest = summary.header.source == .ownThreads ? "not seen" : "others"
        if let text = TraceText.rivals(summary.ranInstead, rest: rest) { notes.append(("ran instead", text)) }
        if let thread = shown.first {
            let whose = shown.count > 1 ? "\(TraceText.name(thread.command)) \(thread.key.tid): " : ""
            if let text = TraceText.wakers(thread) { notes.append(("woken by", whose + text)) }
            if let text = TraceText.reasons(thread) { notes.append(("blocked on", whose + text)) }
        }
        for gap in summary.gaps {
            notes.append(("not seen", "\(gap.what): \(gap.reason)" + (gap.remedy.map { "; \($0)" } ?? "")))
        }
        return notes
    }

    /// A list breaks between its parts, a sentence between its words.
    private static func wrapped(_ label: String, _ text: String, _ columns: Int) -> [String] {
        let head = "  " + TerminalText.padded(label, to: 12)
        let indent = String(repeating: " ", count: 14)
        let words = text.split(separator: " ").reduce(into: [String]()) { words, word in
            // A number stays with its unit, and a name with what stands behind it in brackets.
            let isUnit = ["ns", "us", "ms", "s", "h", "time", "times"].contains(word.prefix { $0 != "," })
            if let last = words.last, word.hasPrefix("(") || isUnit && last.first?.isNumber == true {
                words[words.count - 1] += "\u{a0}" + word
            } else {
                words.append(String(word))
            }
        }
        return TextWrap.lines(words.joined(separator: " "), width: columns, indent: indent).enumerated().map {
            let line = String($1.map { $0 == "\u{a0}" ? " " : $0 })
            return $0 == 0 ? head + line.dropFirst(indent.count) : line
        }
    }

    private var next: String {
        if let file {
            return "next: nusu sched simulate \(TerminalText.shellWord(file))      the same under other policies"
        }
        let target =
            switch summary.header.scope {
            case .machine: "--all"
            case .process(let process): "\(process.pid)"
            case .command: "--all"
            }
        if summary.header.source == .schedstat {
            return "next: sudo nusu sched trace \(target)      every switch, and who ran instead"
        }
        return "next: nusu sched trace \(target) --perfetto FILE      for ui.perfetto.dev"
    }
}

/// Words of a trace.
enum TraceText {
    static func name(_ command: CommandName) -> String {
        let bytes = command.bytes
        return bytes.isEmpty ? "?" : TerminalText.escaped(bytes)
    }

    /// "cc1plus 310 ms, nobody (the core was idle) 12 ms".
    /// - Parameter name: of what is left.
    static func rivals(_ rivals: Ranking<ThreadSchedule.Rival>, rest name: String) -> String? {
        let all = rivals.items.reduce(rivals.rest) { $0 + $1.nanoseconds }
        guard all > 0, !rivals.items.isEmpty else { return nil }
        let shown = rivals.items.prefix(4)
        var parts = shown.map { rival in
            (rival.name.map { self.name($0) + (rival.pid.map { " (\($0))" } ?? "") } ?? "nobody, the core was idle,")
                + " \(ScheduleText.time(rival.nanoseconds))"
        }
        let rest = all - shown.reduce(0) { $0 + $1.nanoseconds }
        if rest * 100 >= all { parts.append("\(name) \(ScheduleText.time(rest))") }
        return parts.joined(separator: ", ")
    }

    /// "redis-server (812) 512 times, an interrupt 40 times".
    static func wakers(_ thread: ThreadSchedule) -> String? {
        let shown = thread.wokenBy.items.prefix(4)
        guard !shown.isEmpty else { return nil }
        var parts = shown.map { waker in
            let who: String
            switch waker.who {
            case .interrupt: who = "interrupts"
            case .command(let command): who = name(command) + (waker.pid.map { " (\($0))" } ?? "")
            }
            return "\(who) \(Units.counted(waker.times, "time"))"
        }
        let rest = thread.wokenBy.items.dropFirst(4).reduce(thread.wokenBy.rest) { $0 + $1.times }
        if rest > 0 { parts.append("others \(Units.counted(rest, "time"))") }
        return parts.joined(separator: ", ")
    }

    /// "epoll_wait 3.1 s, futex 1.2 s, not looked at 20 ms".
    static func reasons(_ thread: ThreadSchedule) -> String? {
        let items = thread.blockedOn.items.filter { $0.state != nil || $0.channel != nil || $0.call != nil }
        guard !items.isEmpty else { return nil }
        var parts = items.prefix(4).map { reason in
            var words: [String] = []
            if let call = reason.call { words.append(TerminalText.escaped(call)) }
            if let channel = reason.channel, channel != reason.call {
                words.append(words.isEmpty ? TerminalText.escaped(channel) : "(\(TerminalText.escaped(channel)))")
            }
            if let state = reason.state, state != .interruptible || words.isEmpty { words.append(self.state(state)) }
            return "\(words.joined(separator: " ")) \(ScheduleText.time(reason.nanoseconds))"
        }
        let all = thread.blockedOn.items.reduce(thread.blockedOn.rest) { $0 + $1.nanoseconds }
        let rest = all - items.prefix(4).reduce(0) { $0 + $1.nanoseconds }
        if rest * 100 >= all { parts.append("other, mostly short, \(ScheduleText.time(rest))") }
        return parts.joined(separator: ", ")
    }

    private static func state(_ state: SleepState) -> String {
        switch state {
        case .interruptible: "asleep (S)"
        case .uninterruptible: "in the kernel (D)"
        case .stopped: "stopped (T)"
        case .traced: "by its tracer (t)"
        case .ended: "ended"
        case .parked: "put aside (P)"
        case .idle: "waiting for work (I)"
        }
    }
}
