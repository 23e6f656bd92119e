import Analysis
import Model

/// The time of a trace, drawn: a lane for each core with a letter for who had it, and one for each thread that is shown.
struct TraceLanes {
    let lines: [String]

    private static let labelWidth = 24
    private static let capitals = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    private static let smallLetters = Array("abcdef")

    /// Of the threads that are shown; beyond the alphabet there are none.
    static func letters(_ count: Int) -> [Character] { (0..<count).map { $0 < capitals.count ? capitals[$0] : " " } }

    /// "A api 1234".
    static func label(_ thread: ThreadSchedule, _ letter: Character, width: Int) -> String {
        let number = " \(thread.key.tid)"
        let room = max(width - 2 - number.utf8.count, 1)
        return "\(letter) " + TerminalText.cut(TraceText.name(thread.command), to: room) + number
    }

    init(_ summary: TraceSummary, _ threads: [ThreadSchedule], columns: Int, coreLimit: Int, style: TextStyle) {
        let width = max(columns - Self.labelWidth, 10)
        let marks = Marks(style)
        let chosen = Dictionary(
            uniqueKeysWithValues: zip(threads.prefix(Self.capitals.count).map(\.number), Self.capitals))
        let names = Names(summary, chosen)
        let isWhole = summary.header.source == .cpuWide
        // The busiest, in their order; where others are not seen, those that the target was on.
        let cores = summary.cores.indices.filter { isWhole || summary.cores[$0].busy > 0 }.sorted {
            (summary.cores[$1].busy, $0) < (summary.cores[$0].busy, $1)
        }.prefix(coreLimit).sorted()
        var lines: [String] = []
        var hasOthers = false
        for index in cores {
            let core = summary.cores[index]
            let cells = core.lane.columns(width, end: summary.nanoseconds).map { names.mark($0) }
            hasOthers = hasOthers || cells.contains(Names.others)
            var label = "core \(core.number)"
            if isWhole, let busy = CollectionOfOne(core).busyShare {
                label += (busy.isAtLeast ? "  > " : "  ") + ScheduleText.percent(busy.share)
            }
            lines.append(
                style.fit("  " + TerminalText.padded(label, to: Self.labelWidth - 2) + Self.trimmed(String(cells))))
        }
        var hasUnknown = false
        for (thread, letter) in zip(threads, Self.letters(threads.count)) {
            let cells = thread.lane.columns(width, end: summary.nanoseconds).map(Marks.State.init)
            hasUnknown = hasUnknown || cells.contains(.unknown)
            let label = Self.label(thread, letter, width: Self.labelWidth - 3)
            lines.append("  " + TerminalText.padded(label, to: Self.labelWidth - 2) + marks.draw(cells))
        }
        let right = ScheduleText.time(summary.nanoseconds)
        let blanks = String(repeating: " ", count: max(width - 1 - TerminalText.width(right), 1))
        lines.append(style.faint(String(repeating: " ", count: Self.labelWidth) + "0" + blanks + right))
        lines.append("  " + marks.legend(columns - 2, hasUnknown: hasUnknown))
        // Not in a container, which is not told who else runs.
        let isIdleSeen =
            isWhole && (summary.cores.contains { $0.idle > 0 } || summary.cores.busyShare?.isAtLeast != true)
        let legend = names.legend(
            isIdleSeen: isIdleSeen, hasOthers: hasOthers, moreCores: isWhole ? summary.cores.count - cores.count : 0)
        lines.append(style.fit("  " + TerminalText.cut(legend, to: columns - 2)))
        self.lines = lines
    }

    private static func trimmed(_ text: String) -> String { String(text.reversed().drop { $0 == " " }.reversed()) }

    /// How the states of a thread are told apart.
    private struct Marks {
        enum State {
            case running, both, waiting, partly, blocked, unknown, absent

            /// What one looks for shows before what there is more of.
            init(_ cell: StateCell) {
                let all = cell.sum
                if all <= 0 {
                    self = .absent
                } else if cell[.waiting] >= all / 4 {
                    self = cell[.running] >= all / 4 ? .both : .waiting
                } else if cell[.running] >= all / 2 {
                    self = .running
                } else if cell[.running] >= all / 50 {
                    self = .partly
                } else {
                    self = cell[.unknown] > all / 2 ? .unknown : .blocked
                }
            }
        }

        let style: TextStyle

        init(_ style: TextStyle) { self.style = style }

        private func character(_ state: State) -> Character {
            switch state {
            case .running: style.drawsBlocks ? "█" : "#"
            case .both: style.drawsBlocks ? "▓" : "%"
            case .waiting: style.drawsBlocks ? "▒" : "~"
            case .partly: style.drawsBlocks ? "▄" : "+"
            case .blocked: style.drawsBlocks ? "·" : "."
            case .unknown: "?"
            case .absent: " "
            }
        }

        private func colored(_ text: String, _ state: State) -> String {
            switch state {
            case .running, .partly: style.good(text)
            case .waiting: style.bad(text)
            case .blocked, .unknown: style.faint(text)
            case .both, .absent: text
            }
        }

        /// Alike beside each other are coloured at once.
        func draw(_ states: [State]) -> String {
            var result = ""
            var index = states.startIndex
            while index < states.endIndex {
                let end = states[index...].firstIndex { $0 != states[index] } ?? states.endIndex
                result += colored(String(repeating: character(states[index]), count: end - index), states[index])
                index = end
            }
            return result
        }

        /// Uncoloured where it must be cut.
        func legend(_ columns: Int, hasUnknown: Bool) -> String {
            let parts =
                [
                    (State.running, "ran"), (.both, "ran and waited"), (.waiting, "waited for a core"),
                    (.partly, "ran a little"), (.blocked, "blocked"),
                ] + (hasUnknown ? [(.unknown, "not known")] : [])
            let plain = parts.map { "\(character($0)) \($1)" }.joined(separator: "   ")
            guard TerminalText.width(plain) <= columns else { return TerminalText.cut(plain, to: columns) }
            return parts.map { "\(colored(String(character($0)), $0)) \($1)" }.joined(separator: "   ")
        }
    }

    /// Who gets which letter in the lanes of cores: capitals are the threads that are shown, small letters other names.
    private struct Names {
        private let chosen: [Int32: Character]
        private let commands: [Int32: CommandName]
        private let names: [CommandName]
        private var small: [CommandName: Character] = [:]
        private var order: [CommandName] = []

        init(_ summary: TraceSummary, _ chosen: [Int32: Character]) {
            self.chosen = chosen
            names = summary.names
            commands = Dictionary(
                summary.threads.map { ($0.number, $0.command) }, uniquingKeysWith: { first, _ in first })
            var times: [CommandName: Float] = [:]
            for core in summary.cores {
                for cell in core.lane.cells {
                    for (occupant, time) in cell.kept {
                        if let name = name(occupant) { times[name, default: 0] += time }
                    }
                }
            }
            let all = times.values.reduce(0, +)
            order = times.filter { $0.value * 50 >= all }.sorted { ($0.value, $1.key.low) > ($1.value, $0.key.low) }
                .prefix(TraceLanes.smallLetters.count).map(\.key)
            for (name, letter) in zip(order, TraceLanes.smallLetters) { small[name] = letter }
        }

        /// nil for a thread that has a capital.
        private func name(_ occupant: Occupant) -> CommandName? {
            if let thread = occupant.thread { return chosen[thread] == nil ? commands[thread] : nil }
            guard let index = occupant.name, names.indices.contains(Int(index)) else { return nil }
            return names[Int(index)]
        }

        /// Who has no letter.
        static let others: Character = "-"

        func mark(_ cell: OccupantCell) -> Character {
            let all = cell.busy + cell.idle + cell.unknown
            guard all > 0, cell.busy * 4 >= all, let leader = cell.leader?.occupant else {
                return cell.idle > cell.unknown ? "." : " "
            }
            if let thread = leader.thread, let letter = chosen[thread] { return letter }
            return name(leader).flatMap { small[$0] } ?? Names.others
        }

        func legend(isIdleSeen: Bool, hasOthers: Bool, moreCores cores: Int) -> String {
            var parts = [isIdleSeen ? ". idle" : "blank: others, or idle"]
            if hasOthers { parts.append("\(Names.others) others") }
            parts += order.compactMap { name in small[name].map { "\($0) \(TraceText.name(name))" } }
            if cores > 0 { parts.append("\(Units.counted(cores, "more core")) (--threads 0)") }
            return parts.joined(separator: "   ")
        }
    }
}
