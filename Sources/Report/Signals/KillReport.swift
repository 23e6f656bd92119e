package import Analysis
package import Model

/// What `nusu kill` has done, or with `--dry-run` would do.
package struct KillReport: Sendable {
    package enum Result: String, Sendable {
        case sent, gone, notPermitted, failed, planned
    }

    package enum Ending: Hashable, Sendable {
        case exited(status: Int32)
        case killed(signal: Int32)
    }

    /// One signal to one process.
    package struct Step: Sendable {
        /// nil: only asked whether one may be sent (kill -0).
        package var signal: Signal?
        package var result: Result
        /// What was to be expected before it was sent; nil where that could not be read.
        package var outlook: SignalOutlook?
        /// It was gone so many seconds later; nil: it still runs.
        package var endedAfter: Double?

        package init(signal: Signal?, result: Result, outlook: SignalOutlook?) {
            self.signal = signal
            self.result = result
            self.outlook = outlook
        }
    }

    package struct Target: Sendable {
        package var identity: ProcessIdentity
        package var user: String
        package var steps: [Step] = []
        package var hasEnded = false
        /// nil where it still runs, or that cannot be known.
        package var ending: Ending?

        package init(identity: ProcessIdentity, user: String) {
            self.identity = identity
            self.user = user
        }
    }

    package var signal: Signal?
    package var isDryRun = false
    package var targets: [Target] = []
    /// In words: targets that do not exist, nusu itself left out, a kernel without pidfds.
    package var remarks: [String] = []

    package init(signal: Signal?) { self.signal = signal }

    /// 0 all went out, 1 no process, 2 the ladder's end was reached and something still runs, 77 not permitted.
    package func status(endsAll: Bool) -> Int32 {
        let results = targets.compactMap { $0.steps.last?.result }
        if results.isEmpty { return 1 }
        if results.contains(.notPermitted) { return 77 }
        if results.contains(.failed) { return 70 }
        if isDryRun { return 0 }
        if results.allSatisfy({ $0 == .gone }), targets.allSatisfy({ $0.steps.count == 1 }) { return 1 }
        return endsAll && targets.contains { !$0.hasEnded } ? 2 : 0
    }

    /// The document of schema nusu.kill/1.
    package func json() -> String {
        JSONValue.object([
            "schema": "nusu.kill/1", "signal": KillReport.json(signal), "dryRun": JSONValue(isDryRun),
            "targets": .array(targets.map(KillReport.json)), "remarks": .array(remarks.map { .string($0) }),
        ]).document()
    }

    private static func json(_ signal: Signal?) -> JSONValue {
        .object(["number": JSONValue(signal?.number ?? 0), "name": JSONValue(signal?.name)])
    }

    private static func json(_ target: Target) -> JSONValue {
        var fields: [String: JSONValue] = [
            "pid": JSONValue(target.identity.pid), "user": .string(target.user),
            "ended": JSONValue(target.hasEnded), "exitStatus": .null, "endSignal": .null,
            "steps": .array(target.steps.map(json)),
        ]
        fields.set("command", bytes: target.identity.commandBytes)
        switch target.ending {
        case .exited(let status): fields["exitStatus"] = JSONValue(status)
        case .killed(let signal): fields["endSignal"] = json(Signal.number(signal))
        case nil: break
        }
        return .object(fields)
    }

    private static func json(_ step: Step) -> JSONValue {
        .object([
            "signal": json(step.signal), "result": .string(step.result.rawValue),
            "disposition": JSONValue(step.outlook?.disposition.rawValue),
            "effect": JSONValue(step.outlook.map(SignalOutlookText.effect)),
            "endedAfterSeconds": JSONValue(seconds: step.endedAfter),
        ])
    }
}

extension KillReport {
    package func text(_ style: TextStyle) -> String {
        var lines = [style.strong(style.fit(headline))]
        let details = targets.count == 1 ? [] : targets.map(row)
        if !details.isEmpty {
            lines.append("")
            lines += details.prefix(KillReport.shown).map(style.fit)
            if details.count > KillReport.shown {
                lines.append("  and \(Units.grouped(details.count - KillReport.shown)) more (--json lists all)")
            }
        }
        lines += remarks.map { style.fit("  " + TerminalText.escaped($0)) }
        if style.isTerminal, let left = targets.first(where: { !$0.hasEnded && $0.steps.last?.result == .sent }) {
            lines.append(style.fit("next: nusu signal \(left.identity.pid)      what each signal would do to it"))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let shown = 20
    private var signalName: String { signal?.name ?? "signal 0" }

    private var headline: String {
        guard let first = targets.first else { return "No process got \(signalName)." }
        if targets.count == 1 { return "\(KillReport.name(first)): \(outcome(first))." }
        if isDryRun { return "Would send \(signalName) to \(Units.grouped(targets.count)) processes, in this order." }
        let sent = targets.count { $0.steps.contains { $0.result == .sent } }
        let ended = targets.count { $0.hasEnded }
        let refused = targets.count { $0.steps.last?.result == .notPermitted }
        var text =
            "Sent \(signalName) to \(Units.grouped(sent)) of \(Units.grouped(targets.count)) processes: "
            + "\(Units.grouped(ended)) ended"
        if sent > ended { text += ", \(Units.grouped(sent - ended)) still run" }
        return text + (refused > 0 ? ", \(Units.grouped(refused)) not permitted." : ".")
    }

    private func row(_ target: Target) -> String {
        "  \(TerminalText.padded(KillReport.name(target), to: 24))  \(outcome(target))"
    }

    private static func name(_ target: Target) -> String {
        "\(TerminalText.escaped(target.identity.commandBytes)) (\(target.identity.pid))"
    }

    private func outcome(_ target: Target) -> String {
        var text = target.steps.map { KillReport.text($0, of: target) }.joined(separator: "; ")
        switch target.ending {
        case .exited(let status): text += " with exit status \(status)"
        case .killed(let signal):
            text += " by \(Signal.number(signal)?.fullName ?? "signal \(signal)")"
        case nil: break
        }
        return text
    }

    private static func text(_ step: Step, of target: Target) -> String {
        let name = step.signal?.name ?? "signal 0"
        switch step.result {
        case .gone: return "\(name): it had ended already"
        case .failed: return "\(name): could not be sent"
        case .notPermitted:
            return
                "\(name): not permitted; it belongs to \(TerminalText.escaped(target.user)): that user, root or CAP_KILL may"
        case .planned:
            return "\(name) " + (step.outlook.map(SignalOutlookText.effect) ?? "would be sent")
        case .sent:
            guard let signal = step.signal else { return "it exists, and signals may be sent to it" }
            if let seconds = step.endedAfter { return "\(signal.name): ended after \(Units.seconds(seconds))" }
            guard let outlook = step.outlook else { return "\(signal.name): sent, it still runs" }
            // Of a zombie there is nothing left that could run.
            if case .dropped(.zombie) = outlook.outcome { return "\(signal.name) \(SignalOutlookText.effect(outlook))" }
            return "\(signal.name) \(SignalOutlookText.effect(outlook)); it still runs"
        }
    }
}
