import Analysis
import Model
import Report

/// The lines above the table: processors, memory, load and pressure, with what they did in the last looks.
struct TopMeters {
    private let state: TopState
    private let meters: MachineMeters?
    private let columns: Int
    private let rows: Int

    /// Less than this, and nothing stands side by side.
    private static let wide = 70
    private static let tall = 16
    private static let historyLimit = 24

    init(_ state: TopState) {
        self.state = state
        meters = state.sample?.meters
        columns = state.columns
        rows = state.rows
    }

    /// Rows that they take.
    var height: Int {
        guard state.settings.meters else { return 1 }
        if isSmall { return rows < 6 ? 1 : columns >= TopMeters.wide ? 2 : 3 }
        return 1 + (columns >= TopMeters.wide ? max(leftHeight, right.count) : 1 + right.count)
    }

    private var isSmall: Bool { rows < TopMeters.tall }

    /// Of a container only its share is shown: the machine's processors are not its own.
    private var cores: [MachineMeters.CoreUse] {
        guard meters?.boundUse == nil, let cores = meters?.cores, cores.count > 1 else { return [] }
        return cores
    }

    private enum CoreForm {
        case bars(perRow: Int)
        /// One character for each.
        case strip
    }

    private var form: CoreForm {
        let most = max(2, rows / 4)
        for perRow in [1, 2] where (cores.count + perRow - 1) / perRow <= most { return .bars(perRow: perRow) }
        return .strip
    }

    private var half: Int { columns >= TopMeters.wide ? (columns - 2) / 2 : columns }

    private var leftHeight: Int {
        guard !cores.isEmpty else { return 1 }
        switch form {
        case .bars(let perRow): return 1 + (cores.count + perRow - 1) / perRow
        case .strip: return 1 + min((cores.count + stripWidth - 1) / stripWidth, max(2, rows / 4))
        }
    }

    private var stripWidth: Int { max(8, half - 6) }

    // MARK: - Drawing

    func draw(in frame: inout Frame) {
        drawSummary(in: &frame)
        guard let meters, height > 1 else { return }
        drawTotal(meters, in: &frame)
        if isSmall || columns < TopMeters.wide {
            let column = height == 2 ? half + 2 : 0
            for (index, draw) in right.prefix(height == 2 ? 1 : height - 2).enumerated() {
                draw(&frame, height == 2 ? 1 : 2 + index, column, half)
            }
            return
        }
        drawCores(in: &frame)
        for (index, draw) in right.enumerated() { draw(&frame, 1 + index, half + 2, columns - half - 2) }
    }

    private func drawSummary(in frame: inout Frame) {
        let end = frame.write(summary, row: 0, column: 0, style: .strong)
        let status = self.status
        if !status.isEmpty, end + 2 < columns { frame.write(status, row: 0, column: end + 2, style: .accent) }
        for tab in tabs {
            let isShown = tab.screen == state.settings.screen
            frame.write(
                isShown ? "[\(tab.screen.title)]" : " \(tab.screen.title) ", row: 0, column: tab.columns.lowerBound,
                style: isShown ? .strong : .dim)
        }
    }

    /// Where the names of the screens stand, at the right end of the first line; nowhere where there is no room left.
    var tabs: [(screen: TopSettings.Screen, columns: Range<Int>)] {
        let all = TopSettings.Screen.allCases
        let widths = all.map { $0.title.count + 2 }
        let width = widths.reduce(0, +)
        let taken = TerminalText.width(summary) + (status.isEmpty ? 0 : TerminalText.width(status) + 2)
        guard !state.options.isStill, state.sample != nil, taken + 2 + width <= columns else { return [] }
        var column = columns - width
        return zip(all, widths).map { screen, width in
            defer { column += width }
            return (screen, column..<column + width)
        }
    }

    /// "231 processes, 3 run; 37 % of 4 processors, 6.1 of 15.6 GiB in use".
    private var summary: String {
        guard let sample = state.sample else { return "looking …" }
        let running = sample.rows.count { $0.state == UInt8(ascii: "R") }
        let counts = Units.counted(sample.rows.count, "process", plural: "processes") + ", \(running) running"
        let isBound = sample.meters.sample.bounds != nil
        var use: [String] = []
        if let share = sample.meters.boundUse {
            let processors = sample.meters.processorsAllowed
            use.append(
                "\(TopMeters.percent(share)) of \(TopMeters.number(processors)) processor\(processors == 1 ? "" : "s")")
        } else if let busy = sample.meters.total?.busy {
            use.append(
                "\(TopMeters.percent(busy)) of \(isBound ? "the host's " : "")"
                    + Units.counted(max(sample.meters.sample.cores.count, 1), "processor"))
        }
        if let memory = sample.meters.memoryUse {
            use.append("\(Units.short(Double(memory.used))) of \(Units.short(Double(memory.total))) memory")
        }
        return counts + (use.isEmpty ? "" : (isBound ? "; this container: " : "; ") + use.joined(separator: ", "))
    }

    private var status: String {
        var parts: [String] = []
        if state.isPaused { parts.append("[paused]") }
        if state.follows, let target = state.target {
            parts.append("[follows \(target.thread?.pid ?? target.process.pid)]")
        }
        if let user = state.user, let sample = state.sample { parts.append("[\(sample.context.facts.userName(user))]") }
        if let filter = state.filter { parts.append("[\(filter.text)]") }
        if !state.tagged.isEmpty { parts.append("[\(state.tagged.count) tagged]") }
        return parts.joined(separator: " ")
    }

    private func drawTotal(_ meters: MachineMeters, in frame: inout Frame) {
        let history = isSmall || half < 44 ? 0 : min(TopMeters.historyLimit, half / 3)
        let width = half - (history > 0 ? history + 1 : 0)
        if let share = meters.boundUse {
            let style = TopMeters.alarm(share, .good)
            bar("cpu", [(share, style)], TopMeters.percent(share), 1, 0, width, in: &frame)
        } else {
            bar("cpu", TopMeters.parts(meters.total), percent(meters.total), 1, 0, width, in: &frame)
        }
        if history > 0 { drawHistory(state.history.processor, 1, width + 1, history, in: &frame) }
    }

    private func drawCores(in frame: inout Frame) {
        switch form {
        case .bars(let perRow):
            let height = (cores.count + perRow - 1) / perRow
            let width = (half - (perRow - 1)) / perRow
            for (index, core) in cores.enumerated() {
                bar(
                    "\(core.number)", TopMeters.parts(core.use), percent(core.use), 2 + index % height,
                    index / height * (width + 1), width, in: &frame)
            }
        case .strip:
            frame.write("each", row: 2, column: 0, style: .accent)
            for (index, core) in cores.enumerated() {
                let row = 2 + index / stripWidth
                guard row < height else { break }
                let style = TopMeters.alarm(core.use.busy, .good)
                frame.write(TopMeters.block(core.use.busy), row: row, column: 5 + index % stripWidth, style: style)
            }
        }
    }

    /// Draws one line at a row and column, so many cells wide.
    private typealias Line = (inout Frame, Int, Int, Int) -> Void

    private var right: [Line] {
        guard let meters else { return [] }
        var lines: [Line] = []
        if let use = meters.memoryUse, use.total > 0 {
            let share = Double(use.used) / Double(use.total)
            let parts = [
                (share, TopMeters.alarm(share, .good)), (Double(use.cache) / Double(use.total), CellStyle(.cool)),
            ]
            let text = "\(Units.short(Double(use.used)))/\(Units.short(Double(use.total)))"
            let history = isSmall || half < 44 ? 0 : min(TopMeters.historyLimit, half / 3)
            lines.append { frame, row, column, width in
                let barWidth = width - (history > 0 ? history + 1 : 0)
                bar("mem", parts, text, row, column, barWidth, in: &frame)
                if history > 0 { drawHistory(state.history.memory, row, column + barWidth + 1, history, in: &frame) }
            }
        }
        if meters.sample.bounds?.memoryLimitBytes == nil, let swap = meters.swapUse {
            let share = Double(swap.used) / Double(swap.total)
            let text = "\(Units.short(Double(swap.used)))/\(Units.short(Double(swap.total)))"
            lines.append { frame, row, column, width in
                bar("swap", [(share, TopMeters.alarm(share, .warning))], text, row, column, width, in: &frame)
            }
        }
        if let load = meters.sample.load {
            // The kernel knows no load of a container.
            let of = meters.sample.bounds == nil ? Units.counted(load.threads, "thread") : "(host)"
            let text = [load.one, load.five, load.fifteen].map(TopMeters.hundredths).joined(separator: " ")
            lines.append { frame, row, column, width in
                let end = frame.write("load ", row: row, column: column, style: .accent, width: width)
                frame.write("\(text)   \(of)", row: row, column: end, width: column + width - end)
            }
        }
        if let line = pressureLine(meters.sample) { lines.append(line) }
        return lines
    }

    /// Somebody waited for it: which share of the last ten seconds.
    private func pressureLine(_ sample: MachineSample) -> Line? {
        let pressure = sample.bounds?.pressure ?? sample.pressure
        let isOfAll = sample.bounds != nil && sample.bounds?.pressure == nil
        let parts = [("cpu", pressure.cpuSome), ("mem", pressure.memorySome), ("io", pressure.ioSome)]
        guard parts.contains(where: { $0.1 != nil }) else { return nil }
        return { frame, row, column, width in
            var end = frame.write("wait ", row: row, column: column, style: .accent, width: width)
            for (name, value) in parts {
                guard let value, end < column + width else { continue }
                let style = value >= 40 ? CellStyle.critical : value >= 10 ? .warning : .normal
                end = frame.write("\(name) ", row: row, column: end, width: column + width - end)
                end = frame.write(
                    "\(TopMeters.percent(value / 100))  ", row: row, column: end, style: style,
                    width: column + width - end)
            }
            if isOfAll, end < column + width {
                frame.write("(host)", row: row, column: end, width: column + width - end)
            }
        }
    }

    // MARK: - Pieces

    /// `cpu [||||||      37 %]`: parts of different looks one after the other, the figure at the right end.
    private func bar(
        _ label: String, _ parts: [(share: Double, style: CellStyle)], _ text: String, _ row: Int, _ column: Int,
        _ width: Int, in frame: inout Frame
    ) {
        guard width >= 12 else { return }
        frame.write(label, row: row, column: column, style: .accent, width: 4)
        frame.write("[", row: row, column: column + 5, style: .strong)
        frame.write("]", row: row, column: column + width - 1, style: .strong)
        let room = width - 7
        var filled = 0.0
        var from = 0
        for part in parts where part.share.isFinite && part.share > 0 {
            filled = min(1, filled + part.share)
            let to = Int((filled * Double(room)).rounded())
            guard to > from else { continue }
            frame.write(
                String(repeating: "|", count: to - from), row: row, column: column + 6 + from, style: part.style)
            from = to
        }
        frame.writeRight(text.isEmpty ? "" : " " + text, row: row, column: column + 6, style: .strong, width: room)
    }

    private func drawHistory(_ shares: [Double], _ row: Int, _ column: Int, _ width: Int, in frame: inout Frame) {
        let shown = shares.suffix(width)
        for (index, share) in shown.enumerated() {
            frame.write(
                TopMeters.block(share), row: row, column: column + width - shown.count + index,
                style: TopMeters.alarm(share, .cool))
        }
    }

    private static func parts(_ use: MachineMeters.Use?) -> [(share: Double, style: CellStyle)] {
        guard let use else { return [] }
        return [
            (use.nice, CellStyle(.cool)), (use.user, .good), (use.system, .critical),
            (use.interrupts, CellStyle(.violet)),
            (use.stolen, .dim),
        ]
    }

    private static func alarm(_ share: Double, _ calm: ColorRole) -> CellStyle {
        share >= 0.9 ? .critical : share >= 0.75 ? .warning : CellStyle(calm)
    }

    private static func block(_ share: Double) -> String {
        let blocks = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        return blocks[min(max(Int(share * 8), 0), 7)]
    }

    private func percent(_ use: MachineMeters.Use?) -> String { use.map { TopMeters.percent($0.busy) } ?? "" }

    static func percent(_ share: Double) -> String {
        guard share.isFinite, abs(share) < 1e6 else { return "?" }
        return "\(Int((share * 100).rounded())) %"
    }

    private static func hundredths(_ value: Double) -> String {
        guard value.isFinite, value >= 0, value < 1e9 else { return "?" }
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(hundredths / 10 % 10)\(hundredths % 10)"
    }

    /// "2", "0.5".
    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e6 ? "\(Int(value))" : "\((value * 100).rounded() / 100)"
    }
}

extension TopState {
    var meterHeight: Int { TopMeters(self).height }
}
