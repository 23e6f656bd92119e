import Analysis
package import Model

/// What was looked at, how, and at what cost: the same for every verb that looks at a heap without confirming.
package struct HeapLook: Sendable {
    package var target: ProcessIdentity
    /// Of the snapshot that hung together; the last one where two were taken.
    package var snapshot: SnapshotFacts
    /// From the resolved target to the findings.
    package var totalSeconds: Double
    /// Snapshots taken until one showed a heap that hangs together.
    package var attempts: Int
    /// nil where it cannot be told.
    package var residentBytes: UInt64?
    /// The names of the places where paths begin, by address, as far as files have them.
    package var symbols: [UInt64: Symbol]
    /// The fields of C++ classes on those paths, as far as debug information has them.
    package var fields: FieldNames
    /// nil for a process that runs.
    package var saved: SavedLook?

    package init(
        target: ProcessIdentity, snapshot: SnapshotFacts, totalSeconds: Double, attempts: Int, residentBytes: UInt64?,
        symbols: [UInt64: Symbol], fields: FieldNames = .none, saved: SavedLook? = nil
    ) {
        self.target = target
        self.snapshot = snapshot
        self.totalSeconds = totalSeconds
        self.attempts = attempts
        self.residentBytes = residentBytes
        self.symbols = symbols
        self.fields = fields
        self.saved = saved
    }

    /// What names it in a command: the process's number, or the file.
    var subject: String { SavedLook.subject(saved, target) }
}

extension HeapLook {
    private static let gapLimit = 3

    /// What it cost, and what was not seen; neither indented nor cut.
    func facts(exact: Bool, _ gaps: [Gap]) -> [String] {
        let again = attempts > 1 ? "; took \(attempts) (malloc was at work)" : ""
        let threads = Units.counted(snapshot.threads, "thread")
        let when = saved.map { "saved \($0.time): " } ?? ""
        var lines = [
            "\(when)paused \(Units.seconds(snapshot.pauseSeconds)) (\(snapshot.method.rawValue), \(threads)); "
                + "done in \(Units.seconds(totalSeconds))\(again)"
        ]
        if !exact { lines.append("a part of the heap did not hang together: every number is a lower bound") }
        for gap in gaps.prefix(HeapLook.gapLimit) {
            lines.append("not seen: \(TerminalText.escaped(gap.what)): \(TerminalText.escaped(gap.reason))")
        }
        let others = gaps.count - HeapLook.gapLimit
        if others > 0 { lines.append("not seen: \(Units.counted(others, "other thing")) (--json)") }
        return lines
    }

    /// The keys that every document of a look has.
    func fields(schema: String, exact: Bool, _ gaps: [Gap]) -> [String: JSONValue] {
        var targetFields: [String: JSONValue] = [
            "pid": JSONValue(target.pid), "residentBytes": JSONValue(residentBytes),
        ]
        targetFields.set("command", bytes: target.commandBytes)
        return [
            "schema": .string(schema),
            "target": .object(targetFields),
            "snapshot": .object([
                "method": .string(snapshot.method.rawValue),
                "pauseSeconds": JSONValue(seconds: snapshot.pauseSeconds),
                "totalSeconds": JSONValue(seconds: totalSeconds),
                "threads": JSONValue(snapshot.threads),
                "attempts": JSONValue(attempts),
                "exact": JSONValue(exact),
                "savedAt": JSONValue(saved?.time),
            ]),
            "gaps": .array(gaps.map(JSONValue.init(gap:))),
        ]
    }
}

extension JSONValue {
    init(heap: HeapSummary) {
        self = .object([
            "allocator": .string(heap.allocator),
            "version": JSONValue(heap.version),
            "arenas": JSONValue(heap.arenas),
            "blocks": JSONValue(heap.live.blocks),
            "bytes": JSONValue(heap.live.bytes),
            "freeBytes": JSONValue(heap.freeBytes),
            "residentBytes": JSONValue(heap.populatedBytes),
        ])
    }

    init(cycle: [CycleStep]) {
        self = .array(cycle.map { .object(["type": .string($0.type), "field": .string($0.field)]) })
    }

    init(kinds: [LeakGroup.HeldKind]) {
        self = .array(kinds.map { .object(["name": .string($0.name), "blocks": JSONValue($0.blocks)]) })
    }
}
