import Analysis
import Model
import Report

extension SignalMenu {
    /// Fills the frame.
    func draw(on frame: inout Frame) {
        frame.clear(rows: 0..<frame.rows)
        frame.clear(rows: 0..<1, style: .header)
        frame.write(" \(title)", row: 0, column: 0, style: CellStyle(.header, bold: true))
        if let note { frame.write(note, row: 1, column: 1, style: .dim) }
        switch stage {
        case .choosing where reached.isEmpty, .asking where reached.isEmpty:
            let ended = targets.count == 1 ? "It has ended." : "They have ended."
            frame.write(processes == nil ? "Reading what it has set …" : ended, row: 2, column: 1)
        case .choosing: drawList(on: &frame)
        case .asking: drawQuestion(on: &frame)
        case .sending: frame.write("Sending …", row: 2, column: 1)
        case .done(let lines):
            let shown = lines.flatMap { StyledLine($0).wrapped(to: frame.columns - 2) }
            for (row, line) in shown.prefix(max(0, frame.rows - SignalMenu.margin)).enumerated() {
                frame.write(line, row: row + 2, column: 1)
            }
        }
        frame.writeKeys(keys, row: frame.rows - 1)
    }

    /// A signal to one thread alone would be tgkill's, which only its own process has a use for.
    private var note: String? {
        guard let thread = threads.first else { return nil }
        return threads.count == 1
            ? "\(thread.pid) is one of its threads: a signal goes to the whole process"
            : "\(Units.counted(threads.count, "thread")) among them: a signal goes to the whole process"
    }

    private var subject: String {
        targets.count == 1 ? targets.first.map { "\($0)" } ?? "" : "\(Units.grouped(targets.count)) processes"
    }

    private var title: String {
        switch stage {
        case .choosing: isReadOnly ? "What signals would do to \(subject) (read-only)" : "Which signal to \(subject)?"
        case .asking: "Send \(signal.name) to \(subject)?"
        case .sending, .done: "\(signal.name) to \(subject)"
        }
    }

    // MARK: The list

    private func drawList(on frame: inout Frame) {
        let room = max(1, frame.rows - SignalMenu.margin)
        let shown = top..<min(top + room, SignalMenu.signals.count)
        let outlooks = shown.map { index in reached.map { $0.outlook(of: SignalMenu.signals[index]) } }
        let effects = outlooks.map(SignalMenu.effect)
        // Who sends it and why stands behind, where there is room.
        let behind = SignalMenu.effectColumn + (effects.map(TerminalText.width).max() ?? 0) + 2
        let hasMeanings = behind + SignalMenu.leastMeaning <= frame.columns
        for (row, index) in shown.enumerated() {
            let signal = SignalMenu.signals[index]
            let place = row + 2
            frame.writeRight("\(signal.number)", row: place, column: 1, style: .dim, width: 2)
            frame.write(signal.name, row: place, column: 4, style: .strong, width: 8)
            frame.write(
                effects[row], row: place, column: SignalMenu.effectColumn, style: SignalMenu.style(outlooks[row]))
            if hasMeanings { frame.write(signal.meaning, row: place, column: behind, style: .dim) }
            if index == cursor { frame.restyle(row: place) { $0 = CellStyle(.selected, bold: $0.bold) } }
        }
        if !typed.isEmpty { frame.writeRight(typed, row: 0, column: 0, style: .header, width: frame.columns - 1) }
    }

    private static let effectColumn = 13
    /// A meaning cut shorter says nothing.
    private static let leastMeaning = 24

    /// One process's effect in words, or how many of several it has which effect on.
    static func effect(_ outlooks: [SignalOutlook]) -> String {
        if outlooks.count == 1, let only = outlooks.first { return SignalOutlookText.effect(only) }
        var counts: [(effect: String, count: Int)] = []
        for text in outlooks.map({ SignalOutlookText.plain($0.outcome) }) {
            if let index = counts.firstIndex(where: { $0.effect == text }) {
                counts[index].count += 1
            } else {
                counts.append((text, 1))
            }
        }
        if counts.count == 1, let only = counts.first { return "each: \(only.effect)" }
        return counts.sorted { $0.count > $1.count }.map { "\($0.count): \($0.effect)" }.joined(separator: "; ")
    }

    private static func style(_ outlooks: [SignalOutlook]) -> CellStyle {
        if outlooks.contains(where: \.isEnd) { return .critical }
        let isNothing = outlooks.allSatisfy { if case .dropped = $0.outcome { true } else { false } }
        return isNothing ? .dim : outlooks.contains { $0.outcome == .stops } ? .warning : .normal
    }

    // MARK: The question

    private func drawQuestion(on frame: inout Frame) {
        let room = max(1, frame.rows - SignalMenu.margin - 2)
        let names = reached.map { "\($0.identity)" }
        let width = min(32, names.map(TerminalText.width).max() ?? 0)
        let shown = reached.count > room ? room - 1 : reached.count
        for (row, process) in reached.prefix(shown).enumerated() {
            frame.write(names[row], row: row + 2, column: 1, width: width)
            let outlook = process.outlook(of: signal)
            frame.write(
                SignalOutlookText.effect(outlook), row: row + 2, column: width + 3, style: SignalMenu.style([outlook]))
        }
        if shown < reached.count { frame.write("and \(reached.count - shown) more", row: shown + 2, column: 1) }
        frame.write(
            "y sends \(signal.name); any other key does not.", row: min(reached.count, room) + 3, column: 1,
            style: .strong)
    }

    private var keys: [(key: String, label: String)] {
        switch stage {
        case .choosing where processes?.isEmpty == true: return [(key: "Esc", label: "back")]
        case .choosing:
            let move = [
                (key: "Esc", label: "back"), (key: "↑↓", label: "choose"), (key: "A-Z 0-9", label: "by name or number"),
            ]
            return isReadOnly ? move : [(key: "Enter", label: "send")] + move
        case .asking: return [(key: "y", label: "send"), (key: "n", label: "do not")]
        case .sending: return [(key: "Esc", label: "back")]
        case .done: return [(key: "Enter", label: "back")]
        }
    }
}
