import Analysis
import ArgumentParser
import Model
import Report

/// `nusu sched simulate FILE`: a workload under several scheduling policies.
struct SchedSimulate: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "A workload under several scheduling policies: who waits how long, who runs when.",
        discussion: """
            The file has a line for each thread; times have a unit (ns, us, ms, s), # begins a comment:

              # name  arrives  runs and blocks in turn           options
              web     0ms      run 2ms block 8ms                 repeat 50
              batch   5ms      run 200ms                         nice 10
              audio   0ms      run 0.5ms block 9.5ms             repeat 50 slice 0.5ms

            Policies: fcfs (first come first served), sjf (shortest job first), srtf (shortest remaining time), rr (round \
            robin), priority (by nice value, with ageing), mlfq (multi-level feedback queue), eevdf (as Linux has it \
            since 6.6). All have one queue for all cores.

              nusu sched simulate jobs.txt
              nusu sched simulate jobs.txt --policy rr --quantum 1ms,4ms,20ms
              nusu sched simulate jobs.txt --cores 4 --switch-cost 5us
              nusu sched simulate jobs.txt --policy eevdf --tick 4ms
              nusu sched simulate t.nusu --cores 4      what was traced, on four cores

            Response is the time from becoming ready to running; waiting is all time ready but not running; cost the share of \
            processor time that switches took; fair Jain's index of how alike the threads got on (1 is best).
            """)

    @Argument(help: "The workload's file, or a trace that sched trace --save made; - for standard input.")
    var file: String

    @Option(
        help: ArgumentHelp("Only these, separated by commas: fcfs,sjf,srtf,rr,priority,mlfq,eevdf.", valueName: "names")
    )
    var policy: PolicyNames?

    @Option(
        help: ArgumentHelp("How long a thread may run under rr; several are shown side by side.", valueName: "times"))
    var quantum = SimulatedTimes([4_000_000])

    @Option(
        help: ArgumentHelp(
            "How many cores there are, 1 to \(SchedulingMachine.maximumCores); 1, or as many as were traced.",
            valueName: "number"))
    var cores: Int?

    @Option(
        help: ArgumentHelp(
            "What a core loses when it begins another thread: 5us; or 'measured' here.", valueName: "time"))
    var switchCost: SwitchCostChoice?

    @Option(
        help: ArgumentHelp("EEVDF's slice; 0.7ms on one core, more on several, as the kernel's.", valueName: "time"))
    var slice: SimulatedTime?

    @Option(
        help: ArgumentHelp("EEVDF ends slices only at the timer's ticks: 4ms is a kernel of 250 Hz.", valueName: "time")
    )
    var tick: SimulatedTime?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let cores, !(1...SchedulingMachine.maximumCores).contains(cores) {
            throw ValidationError("--cores takes a number from 1 to \(SchedulingMachine.maximumCores)")
        }
        if let slice, !(100_000...100_000_000).contains(slice.nanoseconds) {
            throw ValidationError("--slice takes a time from 0.1ms to 100ms")
        }
        if let tick, !(10_000...1_000_000_000).contains(tick.nanoseconds) {
            throw ValidationError("--tick takes a time from 10us to 1s")
        }
        if case .time(let time) = switchCost, time.nanoseconds > 1_000_000_000 {
            throw ValidationError("--switch-cost takes a time up to 1s")
        }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let recording = TraceFile.isSaved(file) ? try TraceFile.workload(file) : nil
        let workload = try recording?.workload ?? WorkloadFile.read(file)
        let machine = SchedulingMachine(
            cores: cores ?? recording.map { min($0.cores, SchedulingMachine.maximumCores) } ?? 1,
            switchCost: try switchNanoseconds(), tick: tick?.nanoseconds, slice: slice?.nanoseconds)
        let progress = Progress("simulating \(Units.counted(workload.threads.count, "thread"))")
        defer { progress.end() }
        var schedules: [Schedule] = []
        for policy in policies {
            guard let schedule = policy.schedule(workload, on: machine) else {
                throw Failure(
                    .unsupported,
                    what:
                        "this workload under \(policy.name) makes over \(SchedulingPolicy.maximumEvents / 1_000_000) million events",
                    subject: file, remedy: "shorten it, take a longer --quantum or --slice, or other policies")
            }
            schedules.append(schedule)
        }
        progress.end()
        let report = ScheduleReport(
            file: file == WorkloadFile.standardInput ? nil : file, workload: workload, machine: machine,
            schedules: schedules, gaps: recording?.gaps ?? [])
        try Output.print(self.output.json ? report.json() : report.text(output.style))
        if !self.output.json { for gap in report.gaps { output.note(gap) } }
        return ExitStatus.done
    }

    private func switchNanoseconds() throws(Failure) -> Int {
        switch switchCost {
        case nil: return 0
        case .time(let time): return time.nanoseconds
        case .measured:
            let (costs, _) = try SchedCost.measure(isQuick: true)
            guard let seconds = costs.switchSeconds else {
                throw Failure(
                    .internal, what: "what a switch costs here is lost in the noise", subject: "--switch-cost measured",
                    remedy: "give a time: --switch-cost 5us; nusu sched cost shows what was measured")
            }
            return Int((seconds * 1e9).rounded())
        }
    }

    private var policies: [SchedulingPolicy] {
        (policy?.names ?? PolicyNames.all).flatMap { name -> [SchedulingPolicy] in
            switch name {
            case .fcfs: [.firstComeFirstServed]
            case .sjf: [.shortestJobFirst]
            case .srtf: [.shortestRemainingTime]
            case .rr: quantum.nanoseconds.map { .roundRobin(quantum: $0) }
            case .priority: [.priority]
            case .mlfq: [.feedback]
            case .eevdf: [.eevdf]
            }
        }
    }
}

/// `--policy`.
struct PolicyNames: ExpressibleByArgument {
    enum Name: String, CaseIterable { case fcfs, sjf, srtf, rr, priority, mlfq, eevdf }

    static let all = Name.allCases
    let names: [Name]

    init?(argument: String) {
        var names: [Name] = []
        for word in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let name = Name(rawValue: String(word)), !names.contains(name) else { return nil }
            names.append(name)
        }
        self.names = names
    }
}

/// A time above 0 with its unit, to the nanosecond: `5us`.
struct SimulatedTime: ExpressibleByArgument {
    let nanoseconds: Int

    init?(argument: String) {
        guard let nanoseconds = WorkloadParser.nanoseconds(argument), nanoseconds > 0 else { return nil }
        self.nanoseconds = nanoseconds
    }
}

/// `--switch-cost`.
enum SwitchCostChoice: ExpressibleByArgument {
    case time(SimulatedTime)
    /// As `nusu sched cost` finds it.
    case measured

    init?(argument: String) {
        if argument == "measured" {
            self = .measured
        } else if let time = SimulatedTime(argument: argument) {
            self = .time(time)
        } else {
            return nil
        }
    }
}

/// Up to five of them, separated by commas: what stands side by side on a screen.
struct SimulatedTimes: ExpressibleByArgument {
    let nanoseconds: [Int]

    init(_ nanoseconds: [Int]) { self.nanoseconds = nanoseconds }

    init?(argument: String) {
        let words = argument.split(separator: ",", omittingEmptySubsequences: false)
        let times = words.compactMap { SimulatedTime(argument: String($0))?.nanoseconds }
        guard times.count == words.count, (1...5).contains(times.count), Set(times).count == times.count else {
            return nil
        }
        nanoseconds = times
    }

    var defaultValueDescription: String { "4ms" }
}
