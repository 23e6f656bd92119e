package import Model

/// What `--dry-run` says of the verbs that look into memory: what would be done to the target, at what price, and what
/// stands against it.
package struct LeakPlanReport: Sendable {
    package var target: ProcessIdentity
    /// How the snapshot would be taken.
    package var method: SnapshotMethod
    /// Why that method, in words.
    package var reason: String
    /// How long all threads would stop, estimated.
    package var pauseSeconds: Double
    package var threads: Int?
    /// Memory that the target's limits must have room for while the snapshot is taken.
    package var neededBytes: UInt64
    /// What the tightest of the target's limits has left; nil: there is no limit.
    package var headroomBytes: UInt64?
    package var residentBytes: UInt64?
    /// The right by which nusu may look ("CAP_SYS_PTRACE", "same user").
    package var right: String
    package var gaps: [Gap]
    /// Whose plan it is: a verb that looks into memory.
    package var verb = "leaks"
    /// What the verb was asked besides the target; may be empty.
    package var question = ""

    package init(
        target: ProcessIdentity, method: SnapshotMethod, reason: String, pauseSeconds: Double, threads: Int?,
        neededBytes: UInt64, headroomBytes: UInt64?, residentBytes: UInt64?, right: String, gaps: [Gap]
    ) {
        self.target = target
        self.method = method
        self.reason = reason
        self.pauseSeconds = pauseSeconds
        self.threads = threads
        self.neededBytes = neededBytes
        self.headroomBytes = headroomBytes
        self.residentBytes = residentBytes
        self.right = right
        self.gaps = gaps
    }

    package func text(_ style: TextStyle) -> String {
        let name = "\(TerminalText.escaped(target.commandBytes)) (\(target.pid))"
        let pause = Units.seconds(pauseSeconds)
        var lines = [
            style.strong(style.fit("Would look into \(name) by \(method.rawValue) and pause it for about \(pause).")),
            "",
        ]
        let stopped = threads.map { "\(Units.counted($0, "thread")), " } ?? ""
        let resident = residentBytes.map { "\(Units.bytes($0)) resident" } ?? "resident size not known"
        let room =
            neededBytes == 0
            ? "nothing"
            : headroomBytes.map { "\(Units.bytes(neededBytes)) of \(Units.bytes($0)) that its limits leave" }
                ?? "\(Units.bytes(neededBytes)); it has no memory limit"
        lines.append(style.fit("  may I     yes: \(TerminalText.escaped(right))"))
        lines.append(style.fit("  target    \(stopped)\(resident)"))
        lines.append(style.fit("  method    \(method.rawValue): \(TerminalText.escaped(reason))"))
        lines.append(style.fit("  needs     \(room)"))
        for gap in gaps.prefix(5) {
            lines.append(
                style.fit("  not seen: \(TerminalText.escaped(gap.what)): \(TerminalText.escaped(gap.reason))"))
        }
        lines += ["", "Nothing was touched."]
        if style.isTerminal {
            lines.append("next: nusu \(verb) \(target.pid)" + (question.isEmpty ? "" : " \(question)"))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// A document of the verb's schema that has `plan` in place of findings.
    package func json() -> String {
        var targetFields: [String: JSONValue] = [
            "pid": JSONValue(target.pid), "residentBytes": JSONValue(residentBytes),
        ]
        targetFields.set("command", bytes: target.commandBytes)
        return JSONValue.object([
            "schema": .string("nusu.\(verb)/1"),
            "target": .object(targetFields),
            "plan": .object([
                "method": .string(method.rawValue), "reason": .string(reason), "right": .string(right),
                "pauseSeconds": JSONValue(seconds: pauseSeconds), "threads": JSONValue(threads),
                "neededBytes": JSONValue(neededBytes), "headroomBytes": JSONValue(headroomBytes),
            ]),
            "gaps": .array(gaps.map(JSONValue.init(gap:))),
        ]).document()
    }
}
