import ArgumentParser

/// `nusu sched`: scheduling, by subcommands.
struct Sched: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sched",
        abstract:
            "Scheduling: who ran when and who waited, what a switch costs here, and what would become of a workload under each policy.",
        subcommands: [SchedTrace.self, SchedSimulate.self, SchedCost.self])
}
