import Analysis
import Model

extension WatchReport {
    /// - Parameter limit: processes to show; nil: as many as fit in 25 lines; 0: all.
    package func text(_ style: TextStyle, limit: Int? = nil) -> String {
        var lines = [style.strong(style.fit(verdict)), ""]
        if targets.count == 1 {
            lines += detail(targets[0], style).map(style.fit)
        } else {
            lines += overview(limit: limit ?? 12).map(style.fit)
        }
        let notes = self.notes
        if !notes.isEmpty {
            lines += [""] + notes.flatMap { TextWrap.remark($0, style).map { style.faint(style.fit($0)) } }
        }
        if style.isTerminal, let next { lines.append(style.fit("next: \(next)")) }
        return lines.joined(separator: "\n") + "\n"
    }

    // MARK: - The first line

    private var verdict: String {
        guard targets.count != 1 else { return sentence(targets[0]) }
        let growing = targets.filter { !$0.growing.isEmpty }
        let ended = targets.count { $0.ended != nil }
        let tail = ended == 0 ? "" : " \(Units.grouped(ended)) ended meanwhile."
        guard let first = growing.first, let figure = first.growing.first, let trend = first.trends[figure] else {
            return "None of \(Units.counted(targets.count, "process", plural: "processes")) surely grows, watched for "
                + "\(Units.span(seconds)).\(tail)"
        }
        let of = figure == .resident ? "" : "\(WatchReport.name(figure)) "
        return "\(Units.grouped(growing.count)) of \(Units.grouped(targets.count)) processes grow"
            + "\(growing.count == 1 ? "s" : ""): \(WatchReport.name(first.process)) \(of)by "
            + "\(TrendText.rate(trend, figure) ?? "")\(growing.count > 1 ? ", and others" : "").\(tail)"
    }

    private func sentence(_ target: Target) -> String {
        let name = WatchReport.name(target.process)
        let end = target.ended.map { " It \(WatchReport.words($0))." } ?? ""
        if let figure = target.growing.first, let trend = target.trends[figure] {
            let words = TrendText.words(trend, figure)
            guard figure.isMemory else {
                return "\(name): its \(WatchReport.name(figure)) grow \(TrendText.rate(trend, figure) ?? "")"
                    + "\(exhaustion(target, figure)).\(end)"
            }
            let of = figure == .resident ? "" : ": its \(WatchReport.name(figure)) memory"
            let forecast = target.ended == nil ? self.forecast(target) : nil
            let reach = forecast.map {
                ", reaches its limit of \(Units.bytes($0.limitBytes)) \(TrendText.forecast($0.forecast))"
            }
            return "\(name)\(of) \(words)\(reach ?? "").\(end)"
        }
        let resident = target.history.last(.resident).map { "\(Units.bytes($0)) resident" } ?? "memory not known"
        guard let trend = target.trends[.resident], trend.course != .unknown else {
            let looks = Units.counted(target.history.sampleCount, "look")
            return "\(name) was watched too short to tell whether it grows (\(looks)): \(resident).\(end)"
        }
        switch trend.course {
        case .grows: return "\(name) \(TrendText.words(trend, .resident)): \(resident).\(end)"
        case .slowing, .fallsBack, .shrinks:
            return "\(name) \(TrendText.words(trend, .resident, of: target.history.series(of: .resident))): "
                + "\(resident), watched for \(Units.span(seconds)).\(end)"
        default: return "\(name) does not grow: \(resident), watched for \(Units.span(seconds)).\(end)"
        }
    }

    /// When descriptors run out.
    private func exhaustion(_ target: Target, _ figure: UsageHistory.Figure) -> String {
        guard figure == .descriptors, target.ended == nil, let limit = target.descriptorLimit,
            let trend = target.trends[figure],
            let forecast = Forecast(
                trend, level: target.history.last(.descriptors).map { Double($0) }, limit: Double(limit))
        else { return "" }
        return ", reach the limit of \(Units.grouped(Int(clamping: limit))) \(TrendText.forecast(forecast))"
    }

    // MARK: - One process

    private func detail(_ target: Target, _ style: TextStyle) -> [String] {
        var rows: [[String]] = [["", "at first", "at last", "", ""]]
        for figure in UsageHistory.Figure.allCases {
            guard let series = target.history.series(of: figure), let first = series.first, let last = series.last,
                let trend = target.trends[figure]
            else { continue }
            // Nothing swapped, ever: nothing to say.
            if figure == .swapped, series.highest == 0 { continue }
            var words = TrendText.words(trend, figure, of: series)
            if figure == .descriptors, let limit = target.descriptorLimit {
                words += "; the limit is \(Units.grouped(Int(clamping: limit)))"
            }
            rows.append([
                WatchReport.name(figure), TrendText.amount(first, figure), TrendText.amount(last, figure),
                Sparkline.text(series, width: 20), words,
            ])
        }
        for index in target.groups {
            let group = groups[index]
            guard let limit = group.last?.limitBytes, let first = group.held.first, let last = group.held.last,
                let share = group.share
            else { continue }
            rows.append([
                index == target.groups.first ? "its group" : "group above", TrendText.amount(first, .resident),
                TrendText.amount(last, .resident), Sparkline.text(group.held, width: 20),
                "\(Int((share * 100).rounded())) % of \(Units.bytes(limit)), page cache not counted",
            ])
        }
        return WatchReport.aligned(rows, right: 1...2)
    }

    // MARK: - Several

    private func overview(limit: Int) -> [String] {
        let order = targets.indices.sorted { rank(targets[$0]) < rank(targets[$1]) }
        let shown = limit == 0 ? order : Array(order.prefix(limit))
        var rows = [["process", "resident", "change", "files", "threads", "", ""]]
        for target in shown.map({ targets[$0] }) {
            let series = target.history.series(of: .resident)
            let first = target.history.first?.residentBytes
            let last = target.history.last(.resident)
            rows.append([
                TerminalText.cut(WatchReport.name(target.process), to: 28), last.map(Units.bytes) ?? "?",
                WatchReport.change(first, last),
                target.history.last(.descriptors).map { Units.grouped(Int(clamping: $0)) } ?? "?",
                target.history.last(.threads).map { Units.grouped(Int(clamping: $0)) } ?? "?",
                series.map { Sparkline.text($0, width: 10) } ?? "", course(target),
            ])
        }
        var lines = WatchReport.aligned(rows, right: 1...4)
        if shown.count < targets.count {
            lines.append(
                "  and \(Units.grouped(targets.count - shown.count)) more (--limit 0)"
            )
        }
        return lines
    }

    /// What grows comes first, then what may, then what has ended; the largest first.
    private func rank(_ target: Target) -> (Int, UInt64) {
        let course = target.trends[.resident]?.course
        let group = !target.growing.isEmpty ? 0 : target.ended?.isOutOfMemory ?? false ? 1 : course == .grows ? 2 : 3
        return (group, UInt64.max - (target.history.last(.resident) ?? 0))
    }

    private func course(_ target: Target) -> String {
        let end = target.ended.map { WatchReport.words($0) }
        let mayGrow = [UsageHistory.Figure.resident, .descriptors, .threads].first {
            target.trends[$0]?.course == .grows
        }
        let figure = target.growing.first ?? mayGrow ?? .resident
        let words = target.trends[figure].map { trend in
            (figure == .resident ? "" : "\(WatchReport.name(figure)): ") + TrendText.words(trend, figure)
        }
        return [words, end].compactMap { $0 }.joined(separator: "; ")
    }

    private static func change(_ first: UInt64?, _ last: UInt64?) -> String {
        guard let first, let last else { return "?" }
        if first == last { return "0" }
        return last > first ? "+\(Units.bytes(last - first))" : "-\(Units.bytes(first - last))"
    }

    // MARK: - Below

    private var notes: [String] {
        var lines: [String] = []
        if targets.count == 1 {
            let target = targets[0]
            let warmUp = target.trends[.resident]?.warmUpSeconds ?? 0
            let faults = target.history.faultRates.map {
                "; page faults \(RateUnit.decimal($0.minor))/s, from disk \(RateUnit.decimal($0.major))/s"
            }
            lines.append(
                "watched for \(Units.span(seconds)), \(Units.counted(target.history.sampleCount, "look"))"
                    + (warmUp > 0 ? "; the first \(Units.span(warmUp)) are warm-up and do not count" : "")
                    + (faults ?? ""))
        }
        if command != nil, let target = targets.first, target.ended == nil {
            lines.append("the command runs on: nusu kill \(target.process.pid) would ask it to end")
        }
        for index in groups.indices {
            if let kills = groups[index].newOutOfMemoryKills, kills > 0, let path = groups[index].last?.path {
                lines.append(
                    "out of memory: the kernel ended \(Units.counted(Int(clamping: kills), "process", plural: "processes")) of "
                        + TerminalText.escaped(path))
            }
        }
        lines += evidence.suffix(5).map { item in
            let files = [item.snapshotPath, item.reportPath].compactMap { $0 }.map { TerminalText.escaped($0) }
            let problem = item.problem.map { "; no snapshot: \(TerminalText.escaped($0))" } ?? ""
            return
                "kept after \(Units.span(item.afterSeconds)) (\(item.reason)): \(files.joined(separator: ", "))\(problem)"
        }
        if evidence.count > 5 { lines.append("and \(Units.grouped(evidence.count - 5)) kept before") }
        lines += gaps.map { gap in
            TerminalText.escaped("not seen: \(gap.what): \(gap.reason)" + (gap.remedy.map { "; \($0)" } ?? ""))
        }
        return lines
    }

    private var next: String? {
        let snapshots = evidence.compactMap(\.snapshotPath)
        if snapshots.count > 1, let first = snapshots.first, let last = snapshots.last {
            return "nusu diff \(TerminalText.shellWord(first)) \(TerminalText.shellWord(last))      what grew between"
        }
        if let snapshot = snapshots.last {
            return "nusu heap \(TerminalText.shellWord(snapshot))      what was alive, and who held it"
        }
        let alive = targets.filter { $0.ended == nil }
        if let target = alive.first(where: { $0.growing.contains { $0.isMemory } }) {
            return "nusu heap \(target.process.pid) --over 60s      which types grow, and who holds them"
        }
        if let target = alive.first(where: { $0.growing.contains(.descriptors) }) {
            return "nusu fds \(target.process.pid) --over 60s      what is opened and not closed"
        }
        let growing = alive.first { !$0.growing.isEmpty } ?? alive.first
        return growing.map { "nusu show \($0.process.pid)      what it is and what it waits for" }
    }

    /// Rows of cells as lines: all columns but the last are padded.
    private static func aligned(_ rows: [[String]], right: ClosedRange<Int>) -> [String] {
        let columns = (rows.first?.count ?? 1) - 1
        let widths = (0..<columns).map { column in rows.map { TerminalText.width($0[column]) }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column < columns
                    ? TerminalText.padded(cell, to: widths[column], right: right.contains(column)) : cell
            }
            let line = "  " + cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }

    // MARK: - Words

    static func name(_ process: ProcessIdentity) -> String {
        "\(TerminalText.escaped(process.commandBytes)) (\(process.pid))"
    }

    static func name(_ figure: UsageHistory.Figure) -> String { figure.rawValue }

    static func words(_ ended: Ended) -> String {
        let after = "after \(Units.span(ended.afterSeconds))"
        if ended.isOutOfMemory { return "was ended by the kernel \(after): out of memory" }
        switch ended.ending {
        case .exited(let status): return "exited \(after) with status \(status)"
        case .killed(let signal):
            let name = Signal.number(signal)?.name ?? "\(signal)"
            return "was ended by signal \(name) \(after)"
        case .unknown: return "ended \(after); how, the kernel tells only its parent"
        }
    }
}
