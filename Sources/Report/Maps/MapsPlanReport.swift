package import Model

/// What `nusu maps --dry-run` says: what would be read, and who is stopped for it.
package struct MapsPlanReport: Sendable {
    /// The snapshot by which a block is looked up.
    package enum Snapshot: Sendable {
        case planned(LeakPlanReport)
        case refused(Failure)
    }

    package var target: ProcessIdentity
    package var mayReadMappings: Bool
    package var mayReadMemory: Bool
    package var residentBytes: UInt64?
    /// nil where all of the address space is asked for.
    package var address: UInt64?
    /// Taken only if the address turns out to be malloc's; nil without an address.
    package var snapshot: Snapshot?

    package init(
        target: ProcessIdentity, mayReadMappings: Bool, mayReadMemory: Bool, residentBytes: UInt64?,
        address: UInt64? = nil, snapshot: Snapshot? = nil
    ) {
        self.target = target
        self.mayReadMappings = mayReadMappings
        self.mayReadMemory = mayReadMemory
        self.residentBytes = residentBytes
        self.address = address
        self.snapshot = snapshot
    }

    private var planned: LeakPlanReport? {
        if case .planned(let plan) = snapshot { plan } else { nil }
    }

    package func text(_ style: TextStyle) -> String {
        let name = "\(TerminalText.escaped(target.commandBytes)) (\(target.pid))"
        let pause = planned.map { "pause it for about \(Units.seconds($0.pauseSeconds)) at most" } ?? "stop nobody"
        func may(_ right: Bool) -> String { right ? "yes" : "no: that needs its own user, or CAP_SYS_PTRACE" }
        var lines = [
            style.strong(style.fit("Would read what the kernel counts of \(name), and \(pause).")), "",
            style.fit("  target    \(residentBytes.map(Units.bytes) ?? "size not known") resident"),
            style.fit("  mappings  smaps, pagemap: \(may(mayReadMappings))"),
            style.fit("  memory    malloc's and threads' own records, only of pages in memory: \(may(mayReadMemory))"),
        ]
        if let snapshot { lines.append(style.fit("  snapshot  \(text(snapshot))")) }
        let stops = planned == nil ? "nobody" : "nobody else"
        lines += [
            style.fit("  stops     \(stops); while smaps is read the target may wait a moment for its own mmap"), "",
            "Nothing was touched.",
        ]
        if style.isTerminal {
            lines.append("next: nusu maps \(target.pid)" + (address.map { " \(Address($0))" } ?? ""))
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func text(_ snapshot: Snapshot) -> String {
        switch snapshot {
        case .planned(let plan):
            "only if the address is malloc's, to find the block: by \(plan.method.rawValue); it needs "
                + (plan.neededBytes == 0 ? "no memory" : Units.bytes(plan.neededBytes))
        case .refused(let failure): "none: \(TerminalText.escaped(failure.what))"
        }
    }

    package func json() -> String {
        var fields: [String: JSONValue] = [
            "pid": JSONValue(target.pid), "residentBytes": JSONValue(residentBytes), "core": .null, "saved": .null,
        ]
        fields.set("command", bytes: target.commandBytes)
        var gaps: [JSONValue] = []
        if case .refused(let failure) = snapshot {
            gaps.append(JSONValue(gap: Gap(what: "blocks of malloc", reason: failure.what, remedy: failure.remedy)))
        }
        return JSONValue.object([
            "schema": "nusu.maps/1", "target": .object(fields), "gaps": .array(gaps),
            "plan": .object([
                "pauseSeconds": planned.map { JSONValue(seconds: $0.pauseSeconds) } ?? .integer(0),
                "mayReadMappings": JSONValue(mayReadMappings), "mayReadMemory": JSONValue(mayReadMemory),
                "snapshot": planned.map {
                    .object([
                        "method": .string($0.method.rawValue), "neededBytes": JSONValue($0.neededBytes),
                        "headroomBytes": JSONValue($0.headroomBytes), "threads": JSONValue($0.threads),
                    ])
                } ?? .null,
            ]),
        ]).document()
    }
}
