package import Analysis
package import Model

/// What `nusu sched simulate` says: one workload under several policies.
package struct ScheduleReport: Sendable {
    /// The file that the workload was read from; nil for standard input.
    package var file: String?
    package var workload: Workload
    package var machine: SchedulingMachine
    /// At least one, all of `workload` on `machine`.
    package var schedules: [Schedule]
    /// What the workload is not, where it was made of a trace.
    package var gaps: [Gap]

    package init(
        file: String?, workload: Workload, machine: SchedulingMachine, schedules: [Schedule], gaps: [Gap] = []
    ) {
        self.file = file
        self.workload = workload
        self.machine = machine
        self.schedules = schedules
        self.gaps = gaps
    }

    /// Spans of a timeline in JSON; Schedule keeps more for the chart.
    private static let listedSpans = 10_000

    /// The document of schema nusu.sched/1.
    package func json() -> String {
        JSONValue.object([
            "schema": "nusu.sched/1", "subcommand": "simulate", "file": JSONValue(file),
            "cores": JSONValue(machine.cores), "switchCostSeconds": Self.seconds(machine.switchCost),
            "tickSeconds": Self.seconds(machine.tick), "sliceSeconds": Self.seconds(machine.slice),
            "schedules": .array(schedules.map(json)), "gaps": .array(gaps.map(JSONValue.init(gap:))),
        ]).document()
    }

    private func json(_ schedule: Schedule) -> JSONValue {
        var quantum: Int?
        if case .roundRobin(let value) = schedule.policy { quantum = value }
        let spans = schedule.spans.prefix(Self.listedSpans)
        // What was left out begins no earlier than the first span that is not listed.
        let complete = spans.count < schedule.spans.count ? schedule.spans[spans.count].start : schedule.spansEnd
        return .object([
            "policy": .string(schedule.policy.name), "quantumSeconds": Self.seconds(quantum),
            "seconds": Self.seconds(schedule.makespan), "events": JSONValue(schedule.events),
            "turnaround": Self.json(schedule.turnaround), "response": Self.json(schedule.response),
            "waiting": Self.json(schedule.waiting), "threadsPerSecond": Self.number(schedule.threadsPerSecond),
            "switches": JSONValue(schedule.switches), "switchSeconds": Self.seconds(schedule.switchTime),
            "overheadShare": Self.number(schedule.overhead), "utilisation": Self.number(schedule.utilisation),
            "fairness": Self.number(schedule.fairness),
            "threads": .array(
                zip(workload.threads, schedule.threads).map { plan, outcome in
                    .object([
                        "name": .string(plan.name), "nice": JSONValue(plan.nice),
                        "arrivalSeconds": Self.seconds(outcome.arrival), "endSeconds": Self.seconds(outcome.end),
                        "runSeconds": Self.seconds(outcome.ran), "blockedSeconds": Self.seconds(outcome.blocked),
                        "waitSeconds": Self.seconds(outcome.waited),
                        "turnaroundSeconds": Self.seconds(outcome.turnaround),
                        "firstResponseSeconds": Self.seconds(outcome.firstResponse),
                    ])
                }),
            "timeline": .array(
                spans.map {
                    .object([
                        "core": JSONValue($0.core), "thread": JSONValue($0.thread),
                        "startSeconds": Self.seconds($0.start), "endSeconds": Self.seconds($0.end),
                    ])
                }),
            "timelineCompleteUntilSeconds": Self.seconds(complete ?? schedule.end),
        ])
    }

    /// Simulated times are exact to the nanosecond.
    private static func seconds(_ nanoseconds: Int?) -> JSONValue { number(nanoseconds.map { Double($0) / 1e9 }) }

    private static func number(_ value: Double?) -> JSONValue { value.map { .number($0) } ?? .null }

    private static func json(_ summary: TimeSummary?) -> JSONValue {
        guard let summary else { return .null }
        return .object([
            "meanSeconds": .number(summary.mean / 1e9), "p99Seconds": seconds(summary.p99),
            "worstSeconds": seconds(summary.worst),
        ])
    }
}
