import Analysis
package import Model

/// What `nusu ps` shows: rows, columns, and what could not be seen.
package struct ProcessList: Sendable {
    package var columns: [ProcessColumn]
    package var rows: [ProcessRow]
    package var hasTitles: Bool
    /// Seconds between two looks; nil for one look.
    package var interval: Double?
    private let context: ProcessContext

    package init(
        columns: [ProcessColumn], rows: [ProcessRow], hasTitles: Bool = true, interval: Double? = nil,
        context: ProcessContext
    ) {
        self.columns = columns
        self.rows = rows
        self.hasTitles = hasTitles
        self.interval = interval
        self.context = context
    }

    package func text(_ style: TextStyle) -> String {
        ProcessTable(columns, context).text(rows, hasTitles: hasTitles, style)
    }

    /// The document of schema nusu.ps/1.
    package func json() -> String {
        JSONValue.object([
            "schema": "nusu.ps/1",
            "intervalSeconds": JSONValue(seconds: interval),
            "processes": .array(rows.map { $0.json(columns.map(\.field)) }),
            "gaps": .array(gaps.map(JSONValue.init(gap:))),
        ]).document()
    }

    /// What could not be seen, one for each reason.
    package var gaps: [Gap] {
        var gaps: [Gap] = []
        let locked = rows.filter { !$0.record.locked.isEmpty }.map { "\($0.record.processID)" }
        if !locked.isEmpty {
            gaps.append(
                Gap(
                    what: "arguments of \(Units.counted(locked.count, "process", plural: "processes")): "
                        + locked.prefix(10).joined(separator: ", "),
                    reason: "the kernel keeps the memory map locked, so that reading them would wait for ever",
                    remedy: "look at what it waits for: nusu ps -o pid,stat,wchan:32 -p \(locked[0])"))
        }
        if columns.contains(where: \.field.isOfDelays), context.facts.countsDelays == false {
            gaps.append(
                Gap(
                    what: "how long processes waited for storage", reason: "the kernel does not count that",
                    remedy: "have it counted from now on, as root: sysctl kernel.task_delayacct=1"))
        } else if rows.contains(where: { $0.record.denied.contains(.delays) }) {
            gaps.append(
                Gap(
                    what: "how long processes waited for their memory to come back from swap",
                    reason: "the kernel tells that with CAP_NET_ADMIN on the machine itself only (taskstats)",
                    remedy: "run it as root, outside of containers"))
        }
        let asked = sources(of: columns).subtracting(.delays)
        let denied = rows.filter { !$0.record.denied.isDisjoint(with: asked) }.count
        if denied > 0 {
            gaps.append(
                Gap(
                    what: "fields of \(Units.counted(denied, "process", plural: "processes")) of other users",
                    reason: "the kernel shows them to their user and to CAP_SYS_PTRACE only", remedy: "sudo nusu ps …"))
        }
        return gaps
    }
}

extension ProcessRow {
    /// The keys that every process has in JSON, whatever columns were asked for.
    private static let always = [
        "pid", "ppid", "pgid", "sid", "tty", "user", "uid", "s", "comm", "args", "started", "time", "pcpu", "nlwp",
        "ni",
        "rss", "vsz",
    ].compactMap { ProcessField.named($0)?.field }

    /// What those need besides `stat`, which has the sizes of memory too.
    package static let sourcesOfJSON: ProcessSources = [.owner, .arguments]

    /// Its fields by their keys; what is not known is null.
    func json(_ fields: [ProcessField]) -> JSONValue { .object(object(ProcessRow.always + fields)) }

    func object(_ fields: [ProcessField]) -> [String: JSONValue] {
        var object: [String: JSONValue] = [:]
        for field in fields {
            if field.key == "args" {
                object.set("arguments", list: arguments)
                continue
            }
            switch field.value(self) {
            case .unknown: object[field.json] = .null
            case .integer(let value): object[field.json] = .integer(value)
            case .number(let value): object[field.json] = JSONValue(seconds: value)
            case .bytes(let bytes): object.set(field.json, bytes: bytes)
            }
        }
        return object
    }
}
