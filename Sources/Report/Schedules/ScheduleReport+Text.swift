import Analysis
import Model

extension ScheduleReport {
    /// The text for people: 25 lines and 100 columns.
    package func text(_ style: TextStyle) -> String {
        var lines = [style.strong(style.fit(headline)), ""]
        lines += table(style)
        if schedules.count == 1 { lines += [""] + threadTable(schedules[0], style) }
        lines += chart(lines.count).map(style.fit)
        if style.isTerminal { lines += ["", style.fit(next)] }
        return lines.joined(separator: "\n") + "\n"
    }

    private var headline: String {
        let what =
            "\(Units.counted(workload.threads.count, "thread")) on \(Units.counted(machine.cores, "core"))"
            + (machine.switchCost > 0 ? ", \(ScheduleText.time(machine.switchCost)) a switch" : "")
        let waits = schedules.compactMap { schedule in schedule.waiting.map { (schedule, $0.mean) } }
        guard let least = waits.min(by: { $0.1 < $1.1 }), let most = waits.max(by: { $0.1 < $1.1 }) else {
            return "Nothing ran: \(what)."
        }
        if waits.count == 1 {
            return "Under \(ScheduleText.name(least.0.policy)) a thread waits \(ScheduleText.time(least.1)) on average"
                + " (\(what))."
        }
        if ScheduleText.time(least.1) == ScheduleText.time(most.1) {
            return "Under every policy a thread waits \(ScheduleText.time(least.1)) on average (\(what))."
        }
        return "Least waiting: \(ScheduleText.label(least.0.policy)), \(ScheduleText.time(least.1)) on average; "
            + "most: \(ScheduleText.label(most.0.policy)), \(ScheduleText.time(most.1)) (\(what))."
    }

    private func table(_ style: TextStyle) -> [String] {
        let widths = [12, 9, 9, 9, 9, 9, 9, 8, 9, 8, 6]
        let head = ["policy", "mean", "p99", "mean", "p99", "mean", "p99", "ends/s", "switches", "cost", "fair"]
        let blank = String(repeating: " ", count: 14)
        let top =
            blank
            + ["turnaround", "response", "waiting"].map { TerminalText.padded($0, to: 18, right: true) }.joined()
        let rows = schedules.map { schedule in
            [ScheduleText.label(schedule.policy)]
                + [schedule.turnaround, schedule.response, schedule.waiting].flatMap {
                    [$0.map { ScheduleText.time($0.mean) } ?? "?", $0.map { ScheduleText.time($0.p99) } ?? "?"]
                }
                + [
                    schedule.threadsPerSecond.map(Units.rate) ?? "?", Units.grouped(schedule.switches),
                    schedule.overhead.map(ScheduleText.percent) ?? "?",
                    schedule.fairness.map(ScheduleText.index) ?? "?",
                ]
        }
        func line(_ cells: [String]) -> String {
            "  "
                + zip(cells, widths).enumerated().map { index, cell in
                    TerminalText.padded(cell.0, to: cell.1, right: index > 0)
                }.joined()
        }
        return [top, line(head)].map { style.faint(style.fit($0)) } + rows.map { style.fit(line($0)) }
    }

    /// Threads of one schedule: those that waited longest, in the order of the file.
    private func threadTable(_ schedule: Schedule, _ style: TextStyle) -> [String] {
        let limit = 8
        let shown = schedule.threads.indices.sorted {
            (schedule.threads[$1].waited, $0) < (schedule.threads[$0].waited, $1)
        }.prefix(limit).sorted()
        let widths = [18, 6, 11, 11, 11, 11, 12, 11]
        func line(_ cells: [String]) -> String {
            "  "
                + zip(cells, widths).enumerated().map { index, cell in
                    TerminalText.padded(cell.0, to: cell.1, right: index > 0)
                }.joined()
        }
        var lines = [
            style.faint(
                style.fit(line(["thread", "nice", "arrives", "runs", "blocks", "waits", "turnaround", "ends"])))
        ]
        for index in shown {
            let (plan, outcome) = (workload.threads[index], schedule.threads[index])
            let row = line(
                [TerminalText.cut(TerminalText.escaped(plan.name), to: 17), "\(plan.nice)"]
                    + [
                        outcome.arrival, outcome.ran, outcome.blocked, outcome.waited, outcome.turnaround,
                        outcome.end,
                    ].map { ScheduleText.time($0) })
            lines.append(style.fit(row))
        }
        if shown.count < workload.threads.count {
            lines.append(
                "     and \(Units.grouped(workload.threads.count - shown.count)) that waited no longer (--json)")
        }
        return lines
    }

    /// Lanes as far as there are lines for them; where there are more, those of the policy under which threads wait least.
    private func chart(_ above: Int) -> [String] {
        let room = 25 - above - 5
        let labelled = 14
        let columns = TextStyle.columns - labelled
        var drawn = schedules
        if drawn.count * machine.cores > room {
            drawn = schedules.min { ($0.waiting?.mean ?? 0) < ($1.waiting?.mean ?? 0) }.map { [$0] } ?? []
        }
        let cores = min(machine.cores, max(room, 1))
        let end = drawn.map(\.end).max() ?? 0
        let complete = drawn.compactMap(\.spansEnd).min() ?? end
        // Where not all spans were kept, what there is is drawn, larger.
        let scale = min(end, complete)
        guard scale > 0 else { return [] }
        let chart = ScheduleChart(workload)
        var lines = [""]
        for schedule in drawn {
            for (core, lane) in chart.lanes(schedule, columns: columns, end: scale).prefix(cores).enumerated() {
                let label = core == 0 ? ScheduleText.label(schedule.policy) : ""
                let number = machine.cores > 1 ? "\(core)" : ""
                let head = TerminalText.padded(label, to: 8) + TerminalText.padded(number, to: 3, right: true)
                let row = "  " + TerminalText.padded(head, to: labelled - 3) + " " + lane
                lines.append(String(row.reversed().drop { $0 == " " }.reversed()))
            }
        }
        let right = ScheduleText.time(scale) + (scale < end ? " of \(ScheduleText.time(end))" : "")
        let blanks = String(repeating: " ", count: max(columns - 1 - TerminalText.width(right), 1))
        lines.append(String(repeating: " ", count: labelled) + "0" + blanks + right)
        if let legend = legend(chart) { lines.append("  " + TerminalText.cut(legend, to: TextStyle.columns - 2)) }
        if cores < machine.cores {
            let left = Units.counted(machine.cores - cores, "more core is", plural: "more cores are")
            lines.append("  \(left) not drawn (--json)")
        }
        return lines
    }

    private func legend(_ chart: ScheduleChart) -> String? {
        guard !chart.isByName else { return nil }
        let repeats = chart.letters.count > ScheduleChart.alphabet.count ? "letters come again; " : ""
        return repeats
            + zip(chart.letters, workload.threads).prefix(30)
            .map { "\($0) \(TerminalText.escaped($1.name))" }.joined(separator: "  ")
    }

    private var next: String {
        let name = file.map(TerminalText.shellWord) ?? "-"
        guard schedules.count == 1 else {
            let least = schedules.min { ($0.waiting?.mean ?? 0) < ($1.waiting?.mean ?? 0) }
            return
                "next: nusu sched simulate \(name) --policy \(least?.policy.name ?? "fcfs")      its threads one by one"
        }
        return "next: nusu sched simulate \(name)      all policies side by side"
    }
}

/// Words and figures of schedules.
enum ScheduleText {
    static func name(_ policy: SchedulingPolicy) -> String {
        switch policy {
        case .firstComeFirstServed: "first come first served"
        case .shortestJobFirst: "shortest job first"
        case .shortestRemainingTime: "shortest remaining time"
        case .roundRobin(let quantum): "round robin of \(time(quantum))"
        case .priority: "priority with ageing"
        case .feedback: "a multi-level feedback queue"
        case .eevdf: "EEVDF"
        }
    }

    /// As the table calls it.
    static func label(_ policy: SchedulingPolicy) -> String {
        guard case .roundRobin(let quantum) = policy else { return policy.name }
        return "rr \(time(quantum))"
    }

    static func time(_ nanoseconds: Int) -> String { time(Double(nanoseconds)) }

    /// "0", "350 ns", "12.5 us", "5.67 ms", "1.33 s", "4,210 s", "111 h": three digits.
    static func time(_ nanoseconds: Double) -> String {
        guard nanoseconds > 0 else { return "0" }
        if nanoseconds >= 9999.5e9 { return "\(digits(nanoseconds / 3600e9)) h" }
        var value = nanoseconds
        var unit = 0
        let units = ["ns", "us", "ms", "s"]
        while unit < units.count - 1, value >= 999.5 {
            value /= 1000
            unit += 1
        }
        return "\(digits(value)) \(units[unit])"
    }

    private static func digits(_ value: Double) -> String {
        if value >= 99.95 { return Units.grouped(Int(value.rounded())) }
        let scale = value >= 9.995 ? 10 : 100
        let scaled = Int((value * Double(scale)).rounded())
        guard scaled % scale > 0 else { return "\(scaled / scale)" }
        var fraction = String(scaled % scale)
        fraction = String(repeating: "0", count: (scale == 100 ? 2 : 1) - fraction.count) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(scaled / scale).\(fraction)"
    }

    /// "0 %", "0.3 %", "12 %".
    static func percent(_ share: Double) -> String {
        let tenths = Int((share * 1000).rounded())
        if share > 0, tenths == 0 { return "< 0.1 %" }
        return tenths % 10 == 0 || tenths >= 100
            ? "\(Int((share * 100).rounded())) %" : "\(tenths / 10).\(tenths % 10) %"
    }

    /// "0.75", "1.00".
    static func index(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }
}
