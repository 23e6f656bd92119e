package import Model

/// What `nusu sched cost` says.
package struct SwitchCostReport: Sendable {
    package var costs: SwitchCosts
    /// nil where /proc/stat could not be read.
    package var machine: MachineSwitches?

    package init(costs: SwitchCosts, machine: MachineSwitches?) {
        self.costs = costs
        self.machine = machine
    }

    // MARK: - Text

    /// The text for people: 25 lines and 100 columns.
    package func text(_ style: TextStyle) -> String {
        var lines = [style.strong(style.fit(headline)), ""]
        lines.append(
            style.faint(style.fit(Self.line("one way, from one to the other", "median", "quartiles", "switches"))))
        lines += costs.handOvers.map { style.fit(row($0)) }
        if !costs.turns.isEmpty {
            lines += [
                "",
                style.faint(
                    style.fit(Self.turnLine("to go through own memory", "alone", "after another did so", "cold cache"))),
            ]
            lines += costs.turns.map { style.fit(row($0)) }
        }
        lines += [""] + notes.map(style.fit)
        if style.isTerminal { lines += [style.fit(next)] }
        return lines.joined(separator: "\n") + "\n"
    }

    private var headline: String {
        var text =
            costs.switchSeconds.map { "A switch between processes costs \(Self.time($0)) here" }
            ?? "What a switch costs is lost in the noise here"
        if let machine {
            text += "; the machine makes \(Units.rate(machine.perSecond)) a second"
            if let cost = costs.switchSeconds {
                text += ", \(ScheduleText.percent(machine.share(of: cost))) of its time"
            }
        }
        return text + "."
    }

    private func row(_ handOver: SwitchCosts.HandOver) -> String {
        Self.line(
            Self.name(handOver.way), Self.time(handOver.time.median), Self.quartiles(handOver.time),
            ScheduleText.index(handOver.switches))
    }

    private func row(_ turn: SwitchCosts.Turn) -> String {
        return Self.turnLine(
            Units.bytes(UInt64(turn.bytes)), Self.time(turn.alone.median),
            "\(Self.time(turn.shared.median))  (\(Self.quartiles(turn.shared)))",
            turn.isClear ? "+\(Self.time(turn.extra))" : "none to be seen")
    }

    private var notes: [String] {
        var notes = [
            "  the switch: same core, pipe, processes, less the calls alone; switches: the kernel's count",
            "  measured on core \(costs.core)" + (costs.otherCore.map { " and core \($0)" } ?? "")
                + ", in batches of 0.5 ms, of which the quartiles are",
        ]
        notes += costs.gaps.map { "  not measured: \($0.what): \($0.reason)" + ($0.remedy.map { "; \($0)" } ?? "") }
        return notes
    }

    private var next: String {
        let cost = costs.switchSeconds.map { " --switch-cost \(max(Int(($0 * 1e9).rounded()), 1))ns" } ?? ""
        return "next: nusu sched simulate FILE\(cost)      what it means for a workload"
    }

    private static func line(_ name: String, _ median: String, _ quartiles: String, _ switches: String) -> String {
        "  " + TerminalText.padded(name, to: 38) + TerminalText.padded(median, to: 10, right: true)
            + TerminalText.padded(quartiles, to: 24, right: true) + TerminalText.padded(switches, to: 10, right: true)
    }

    private static func turnLine(_ size: String, _ alone: String, _ shared: String, _ extra: String) -> String {
        "  " + TerminalText.padded(size, to: 26) + TerminalText.padded(alone, to: 10, right: true)
            + TerminalText.padded(shared, to: 36, right: true) + TerminalText.padded(extra, to: 20, right: true)
    }

    private static func quartiles(_ spread: SwitchCosts.Spread) -> String {
        "\(time(spread.lowerQuartile)) - \(time(spread.upperQuartile))"
    }

    private static func time(_ seconds: Double) -> String { ScheduleText.time(seconds * 1e9) }

    private static func name(_ way: SwitchCosts.Way) -> String {
        switch way {
        case .pipeAlone: "no switch: a pipe's calls alone"
        case .pipeProcesses: "same core, pipe, processes"
        case .pipeThreads: "same core, pipe, threads"
        case .futexThreads: "same core, futex, threads"
        case .pipeProcessesAcross: "across cores, pipe, processes"
        case .pipeThreadsAcross: "across cores, pipe, threads"
        case .futexThreadsAcross: "across cores, futex, threads"
        }
    }

    // MARK: - JSON

    /// The document of schema nusu.sched/1.
    package func json() -> String {
        JSONValue.object([
            "schema": "nusu.sched/1", "subcommand": "cost", "switchSeconds": Self.number(costs.switchSeconds),
            "core": JSONValue(costs.core), "otherCore": JSONValue(costs.otherCore),
            "handOvers": .array(
                costs.handOvers.map {
                    var fields = Self.fields($0.time)
                    let (means, between) = Self.words($0.way)
                    fields["means"] = .string(means)
                    fields["between"] = .string(between)
                    fields["acrossCores"] = JSONValue($0.way.isAcross)
                    fields["switchesPerHandOver"] = .number($0.switches)
                    return .object(fields)
                }),
            "coldCache": .array(
                costs.turns.map {
                    .object([
                        "bytes": JSONValue($0.bytes), "alone": .object(Self.fields($0.alone)),
                        "shared": .object(Self.fields($0.shared)), "extraSeconds": .number($0.extra),
                    ])
                }),
            "machine": machine.map { machine in
                .object([
                    "switchesPerSecond": .number(machine.perSecond), "seconds": JSONValue(seconds: machine.seconds),
                    "processors": JSONValue(machine.processors),
                    "share": Self.number(costs.switchSeconds.map { machine.share(of: $0) }),
                ])
            } ?? .null,
            "gaps": .array(costs.gaps.map(JSONValue.init(gap:))),
        ]).document()
    }

    private static func fields(_ spread: SwitchCosts.Spread) -> [String: JSONValue] {
        [
            "medianSeconds": .number(spread.median), "lowerQuartileSeconds": .number(spread.lowerQuartile),
            "upperQuartileSeconds": .number(spread.upperQuartile), "batches": JSONValue(spread.batches),
        ]
    }

    private static func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }

    private static func words(_ way: SwitchCosts.Way) -> (means: String, between: String) {
        switch way {
        case .pipeAlone: ("pipe", "itself")
        case .pipeProcesses, .pipeProcessesAcross: ("pipe", "processes")
        case .pipeThreads, .pipeThreadsAcross: ("pipe", "threads")
        case .futexThreads, .futexThreadsAcross: ("futex", "threads")
        }
    }
}
