package import Analysis
import Model

/// What `nusu sched trace` says.
package struct TraceReport: Sendable {
    package var summary: TraceSummary
    /// The file that was read back, or written with `--save`.
    package var file: String?
    /// How many threads are shown with their lanes; 0: all. nil: as many as the screen has room for.
    package var shownThreads: Int?
    /// The command that was traced ended with this status.
    package var commandStatus: Int32?

    package init(summary: TraceSummary, file: String? = nil, shownThreads: Int? = nil, commandStatus: Int32? = nil) {
        self.summary = summary
        self.file = file
        self.shownThreads = shownThreads
        self.commandStatus = commandStatus
    }

    /// Whether nothing that was asked for is missing.
    package var sawEverything: Bool { summary.lost == 0 && summary.gaps.isEmpty }

    // MARK: - JSON

    /// The document of schema nusu.sched/1.
    package func json() -> String {
        var fields: [String: JSONValue] = [
            "schema": "nusu.sched/1", "subcommand": "trace", "seconds": Self.seconds(summary.nanoseconds),
            "source": .string(Self.name(summary.header.source)), "lost": .unsigned(summary.lost),
            "startedAtSeconds": .number(summary.header.startedAt),
            "wakeupsSeen": JSONValue(summary.header.wakeupsSeen), "reasonsSeen": JSONValue(summary.header.reasonsSeen),
            "file": JSONValue(file), "commandStatus": JSONValue(commandStatus),
            "waitSeconds": Self.seconds(summary.wait), "waitAtLeastSeconds": Self.seconds(summary.waitAtLeast),
            "runSeconds": Self.seconds(summary.run), "threads": .array(summary.threads.map(json)),
            "foldedThreads": .object([
                "count": JSONValue(summary.folded.count), "runSeconds": Self.seconds(summary.folded.run),
                "waitSeconds": Self.seconds(summary.folded.wait),
                "voluntarySwitches": JSONValue(summary.folded.voluntary),
                "involuntarySwitches": JSONValue(summary.folded.involuntary),
            ]),
            "ranInstead": Self.json(summary.ranInstead),
            "cores": .array(
                summary.cores.map {
                    .object([
                        "core": JSONValue($0.number), "busySeconds": Self.seconds($0.busy),
                        "idleSeconds": Self.seconds($0.idle), "unknownSeconds": Self.seconds($0.unknown),
                    ])
                }),
            "gaps": .array(summary.gaps.map(JSONValue.init(gap:))),
        ]
        switch summary.header.scope {
        case .machine:
            fields["scope"] = "machine"
            fields["pid"] = .null
            fields["command"] = .null
        case .process(let process), .command(let process):
            fields["scope"] = .string(isCommand ? "command" : "process")
            fields["pid"] = JSONValue(process.pid)
            fields.set("command", bytes: process.commandBytes)
        }
        return JSONValue.object(fields).document()
    }

    private var isCommand: Bool {
        if case .command = summary.header.scope { true } else { false }
    }

    private func json(_ thread: ThreadSchedule) -> JSONValue {
        var fields: [String: JSONValue] = [
            "pid": JSONValue(thread.key.pid > 0 ? thread.key.pid : nil), "tid": JSONValue(thread.key.tid),
            "runSeconds": Self.seconds(thread.run), "waitSeconds": Self.seconds(thread.wait),
            "waitAtLeastSeconds": Self.seconds(thread.waitAtLeast),
            "waitMeanSeconds": Self.number(thread.waits.map { $0.mean / 1e9 }),
            "waitP99Seconds": Self.seconds(thread.waits?.p99), "waitWorstSeconds": Self.seconds(thread.waits?.worst),
            "waitWorstAtSeconds": Self.seconds(thread.worstWaitAt),
            "waitsSeen": .string(
                thread.waits == nil ? "none" : thread.waitsArePreempted ? "after losing the core" : "all"),
            "blockedSeconds": Self.seconds(thread.blocked),
            "blockedAtMostSeconds": Self.seconds(thread.blocked ?? thread.blockedAtMost),
            "unknownSeconds": Self.seconds(thread.unknown), "voluntarySwitches": JSONValue(thread.voluntary),
            "involuntarySwitches": JSONValue(thread.involuntary), "migrations": JSONValue(thread.migrations),
            "slices": JSONValue(thread.slices), "sliceMeanSeconds": Self.number(thread.meanSlice.map { $0 / 1e9 }),
            "sliceLongestSeconds": Self.seconds(thread.longestSlice), "beganSeconds": Self.seconds(thread.began),
            "endedSeconds": Self.seconds(thread.ended), "ranInstead": Self.json(thread.ranInstead),
            "blockedOn": .array(
                thread.blockedOn.items.map {
                    .object([
                        "state": JSONValue($0.state.map { String(UnicodeScalar($0.letter)) }),
                        "channel": JSONValue($0.channel), "call": JSONValue($0.call),
                        "seconds": Self.seconds($0.nanoseconds), "times": JSONValue($0.times),
                    ])
                }),
        ]
        fields["wokenBy"] =
            summary.header.wakeupsSeen
            ? .array(
                thread.wokenBy.items.map {
                    var fields: [String: JSONValue] = [
                        "pid": JSONValue($0.pid), "times": JSONValue($0.times), "command": .null,
                        "interrupt": JSONValue($0.who == .interrupt),
                    ]
                    if case .command(let name) = $0.who { fields.set("command", bytes: name.bytes) }
                    return .object(fields)
                }) : .null
        fields.set("command", bytes: thread.command.bytes)
        return .object(fields)
    }

    private static func json(_ rivals: Ranking<ThreadSchedule.Rival>) -> JSONValue {
        .array(
            rivals.items.map {
                var fields: [String: JSONValue] = [
                    "pid": JSONValue($0.pid), "seconds": seconds($0.nanoseconds), "idle": JSONValue($0.name == nil),
                    "command": .null,
                ]
                if let name = $0.name { fields.set("command", bytes: name.bytes) }
                return .object(fields)
            })
    }

    static func name(_ source: TraceHeader.Source) -> String {
        switch source {
        case .cpuWide: "cpu-wide"
        case .ownThreads: "own-threads"
        case .schedstat: "schedstat"
        }
    }

    /// Times of switches are exact to the nanosecond.
    private static func seconds(_ nanoseconds: Int?) -> JSONValue { number(nanoseconds.map { Double($0) / 1e9 }) }
    private static func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }
}
