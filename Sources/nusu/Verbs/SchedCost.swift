import ArgumentParser
import Capture
import Kernel
import Model
import Report
import SystemPackage

/// `nusu sched cost`: what a switch costs on this machine.
struct SchedCost: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "cost",
        abstract: "What a switch costs here, measured; how many this machine makes, and the time they take.",
        discussion: """
            Two processes, or two threads, of nusu's own hand over to each other, by a byte in a pipe or a word in memory (a \
            futex): on one core, where each hand-over is a switch, and across two cores, where it is a wake-up. What \
            remains of a pipe's hand-over without its calls is the switch. Then each goes through some memory in its turn: \
            what that takes longer than without the other is the cold cache. All of it takes about two seconds and \
            touches no other process. Figures of a busy machine spread: look at the quartiles.

              nusu sched cost
              nusu sched cost --quick
              nusu sched simulate jobs.txt --switch-cost 1.5us      with what was measured
            """)

    @Flag(help: "Half a second instead of two: wider spread.")
    var quick = false

    @OptionGroup var output: OutputOptions

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let (costs, machine) = try Self.measure(isQuick: quick)
        let report = SwitchCostReport(costs: costs, machine: machine)
        try Output.print(self.output.json ? report.json() : report.text(output.style))
        return costs.gaps.isEmpty ? ExitStatus.done : ExitStatus.lowerBound
    }

    /// Measures, and watches the machine before that.
    static func measure(isQuick: Bool) throws(Failure) -> (SwitchCosts, MachineSwitches?) {
        let costs: SwitchCosts
        let machine: MachineSwitches?
        do throws(Errno) {
            // Forks, so it comes before anything may start a thread.
            let bench = try SwitchBench(seconds: isQuick ? 0.35 : 1.6)
            let progress = Progress("measuring what a switch costs")
            defer { progress.end() }
            // First how many the machine makes without nusu's own.
            machine = switches(over: isQuick ? 0.1 : 0.3)
            costs = bench.run()
        } catch {
            throw Failure(
                .internal, what: "cannot start what measures: \(error)", subject: "sched cost",
                remedy: "look at the limits of processes and memory: ulimit -u -v")
        }
        guard !costs.handOvers.isEmpty else {
            throw Failure(
                .internal, what: costs.gaps.last.map { "\($0.what): \($0.reason)" } ?? "nothing could be measured",
                subject: "sched cost", remedy: "try again; where it fails again, report it")
        }
        return (costs, machine)
    }

    private static func switches(over seconds: Double) -> MachineSwitches? {
        let procfs = ProcFS()
        guard let first = procfs.switchCount(), let processors = procfs.processorCount() else { return nil }
        let start = Moment.now
        Pause.sleep(seconds: seconds)
        let passed = Moment.now.seconds(since: start)
        guard let second = procfs.switchCount(), second >= first, passed > 0 else { return nil }
        return MachineSwitches(perSecond: Double(second - first) / passed, seconds: passed, processors: processors)
    }
}
