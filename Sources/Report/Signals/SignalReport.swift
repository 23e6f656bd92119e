import Analysis
package import Model

/// All that `nusu signal TARGET` says: what each signal would do to one process.
package struct SignalReport: Sendable {
    package var process: ProcessSignals

    package init(process: ProcessSignals) { self.process = process }

    /// The document of schema nusu.signal/1.
    package func json() -> String {
        var target: [String: JSONValue] = ["pid": JSONValue(process.identity.pid)]
        target.set("command", bytes: process.identity.commandBytes)
        return JSONValue.object([
            "schema": "nusu.signal/1", "target": .object(target), "exitStatus": .null,
            "signals": .array(process.outlooks.map { .object(fields($0)) }),
            "gaps": .array(process.gaps.map(JSONValue.init(gap:))),
        ]).document()
    }

    private func fields(_ outlook: SignalOutlook) -> [String: JSONValue] {
        var fields = SignalListReport.fields(outlook.signal)
        fields["disposition"] = .string(outlook.disposition.rawValue)
        fields["effect"] = .string(SignalOutlookText.effect(outlook))
        fields["wouldEnd"] = JSONValue(outlook.isEnd)
        fields["isPending"] = JSONValue(outlook.isPending)
        return fields
    }

    package func text(_ style: TextStyle) -> String {
        let name = "\(TerminalText.escaped(process.identity.commandBytes)) (\(process.identity.pid))"
        var lines = [style.strong(style.fit(headline(name))), ""]
        for group in groups {
            lines += wrapped(group.names, label: group.label, style)
        }
        let pending = process.outlooks.filter(\.isPending)
        if !pending.isEmpty {
            lines.append(
                style.fit("  pending: " + pending.map(\.signal.name).joined(separator: " ") + " (sent, not yet taken)"))
        }
        for gap in process.gaps {
            lines.append(style.fit("  not seen: \(gap.what); \(gap.reason)"))
        }
        if style.isTerminal { lines.append(style.fit(next)) }
        return lines.joined(separator: "\n") + "\n"
    }

    private func headline(_ name: String) -> String {
        if process.hasEnded {
            return "No signal does anything to \(name): it has ended, and its parent \(process.parent) must take "
                + "its entry away."
        }
        if process.isKernelThread { return "No signal does anything to \(name): it is a thread of the kernel." }
        let term = SignalOutlookText.effect(process.outlooks[Int(Signal.terminate) - 1])
        let kill = SignalOutlookText.effect(process.outlooks[Int(Signal.kill) - 1])
        return term == kill ? "TERM or KILL to \(name) \(term)." : "TERM to \(name) \(term); KILL \(kill)."
    }

    /// Signals with the same effect, those first that do most.
    private var groups: [(label: String, names: [String])] {
        var order: [String] = []
        var names: [String: [String]] = [:]
        for outlook in process.outlooks.sorted(by: { rank($0) < rank($1) }) {
            let label = SignalOutlookText.effect(outlook)
            if names[label] == nil { order.append(label) }
            names[label, default: []].append(outlook.signal.name)
        }
        return order.map { ($0, SignalReport.folded(names[$0] ?? [])) }
    }

    private func rank(_ outlook: SignalOutlook) -> Int {
        switch outlook.outcome {
        case .runsHandler, .wakesWaiter: 0
        case .held: 1
        case .ends: 2
        case .endsWithCore: 3
        case .stops, .resumes: 4
        case .dropped: 5
        }
    }

    /// Real-time signals that all have one fate are one word.
    private static func folded(_ names: [String]) -> [String] {
        let realTime = Signal.all.filter(\.isRealTime).map(\.name)
        guard Set(realTime).isSubset(of: names) else { return names }
        return names.filter { !$0.hasPrefix("RTM") } + ["RTMIN..RTMAX"]
    }

    private func wrapped(_ names: [String], label: String, _ style: TextStyle) -> [String] {
        var lines = [style.fit("  \(label)")]
        var line = "     "
        for name in names {
            if line.utf8.count + 1 + name.utf8.count > TextStyle.columns {
                lines.append(style.fit(line))
                line = "     "
            }
            line += " " + name
        }
        return lines + [style.fit(line)]
    }

    private var next: String {
        process.hasEnded
            ? "next: nusu signal \(process.parent)      its parent"
            : "next: nusu kill --ladder \(process.identity.pid) --dry-run      how it would be ended"
    }
}
