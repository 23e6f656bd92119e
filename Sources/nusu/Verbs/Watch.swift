import Analysis
import ArgumentParser
import Capture
import Glibc
import Kernel
import Model
import Report

/// `nusu watch TARGET…`, `nusu watch -- COMMAND`: whether memory, descriptors and threads grow, and when the limit is reached.
struct Watch: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Whether a process's memory, descriptors or threads grow, how fast, and when the limit is reached.",
        usage: """
            nusu watch <target> ... [options]
            nusu watch [options] -- <command> ...
            """,
        discussion: """
            Takes a sample every second, without stopping anything, until Ctrl+C, the process's end or --for. Growth is told \
            from noise, warm-up and saw-teeth by the slope of Theil and Sen with its 95 % interval and by tests for a trend; \
            what is not sure is called so.

              nusu watch 1234                        until Ctrl+C
              nusu watch 1234 worker --all --for 10m several, for ten minutes
              nusu watch -- ./server --port 80       a program from its start to its end
              nusu watch 1234 --until-growth         ends with status 1 as soon as something surely grows
              nusu watch 1234 --save-at 90%          a snapshot and a report before the kernel ends it
              nusu watch 1234 --json                 one document a line for each sample, the last is the summary

            Resident, anonymous and swapped memory, descriptors, threads and faults are told to every user (descriptors by \
            kernels before 6.2 only to its owner). What malloc holds is read from its own counts, and needs the right to trace.

            A command's input and output are nusu's own; the report comes after its end. Only its first process is watched. It \
            gets the first Ctrl+C; a second ends the watch, and the command runs on.

            The status is 1 when something surely grows, or the kernel ended a process for lack of memory; 0 when nothing \
            does; 2 when it was watched too short to tell. With a command it is 1, or else the command's own.
            """)

    @Argument(help: ArgumentHelp("Processes: PIDs, names, :PORT or container:ID.", valueName: "target"))
    var targets: [String] = []

    /// What stands after `--`. The parser cannot have it beside a list of targets: see `rewritten`.
    @Option(name: .customLong(Watch.commandOption), parsing: .remaining, help: .hidden)
    var command: [String] = []

    private static let commandOption = "then-watch-command"

    @Flag(help: "All processes that a name fits.")
    var all = false

    @OptionGroup var choice: TargetChoice

    @Option(help: ArgumentHelp("The time between two samples, in seconds or as 100ms.", valueName: "seconds"))
    var interval = Seconds(1)

    @Option(name: .customLong("for"), help: ArgumentHelp("Watch for so long: 60s, 10m, 8h.", valueName: "duration"))
    var duration: Seconds?

    @Flag(help: "End as soon as something surely grows.")
    var untilGrowth = false

    @Option(
        help: ArgumentHelp(
            "Keep a snapshot and a report when a control group is so full, before the kernel ends the process.",
            discussion: "Page cache does not count. Near the limit it is looked at fifty times a second.",
            valueName: "percent"))
    var saveAt: Percent?

    @Option(help: ArgumentHelp("Keep a snapshot and a report every so often: 10m.", valueName: "duration"))
    var saveEvery: Seconds?

    @Option(help: ArgumentHelp("How many of these are kept for each process; older ones are deleted.", valueName: "n"))
    var keep = 5

    @Option(help: ArgumentHelp("Where they are kept: nusu-NAME-PID-DATE.nusu and .txt.", valueName: "folder"))
    var directory = "."

    @Option(
        help: ArgumentHelp(
            "The longest that a snapshot may let the process stand still; where that is not enough, only the report is kept.",
            valueName: "seconds"))
    var maxPause = Seconds(0.25)

    @Option(help: ArgumentHelp("How many processes to show; 0 for all.", valueName: "n"))
    var limit: Int?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if targets.isEmpty == command.isEmpty {
            throw ValidationError(
                targets.isEmpty
                    ? "Missing expected argument '<target>', or a command after --"
                    : "targets and a command after -- exclude each other")
        }
        if all, choice.newest || choice.oldest { throw ValidationError("--all excludes --newest and --oldest") }
        if interval.value < 0.01 { throw ValidationError("--interval takes 10ms or more") }
        if let duration, duration.value <= 0 { throw ValidationError("--for takes a time above 0") }
        if let saveEvery, saveEvery.value < 0.1 { throw ValidationError("--save-every takes 100ms or more") }
        if keep < 1 { throw ValidationError("--keep takes 1 or more") }
        if let limit, limit < 0 { throw ValidationError("--limit takes 0 or more") }
    }

    /// `--` made the option that takes all words behind it.
    static func rewritten(_ arguments: [String]) -> [String] {
        guard arguments.first == configuration.commandName, let end = arguments.firstIndex(of: "--") else {
            return arguments
        }
        var result = arguments
        result[end] = "--" + commandOption
        return result
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let procfs = ProcFS()
        let evidence = WatchEvidence(
            directory: directory, keep: keep, maxPauseSeconds: maxPause.value, procfs: procfs)
        if saveAt != nil || saveEvery != nil { try evidence.check() }
        let options = WatchRun.Options(
            intervalSeconds: interval.value, seconds: duration?.value, untilGrowth: untilGrowth, saveAt: saveAt?.share,
            saveEverySeconds: saveEvery?.value, isJSON: self.output.json)
        let identities = try identities(procfs)
        if saveAt != nil {
            for identity in identities { try WatchRun.checkLimit(of: identity.pid, "\(identity)", procfs: procfs) }
            if let name = command.first { try WatchRun.checkLimit(of: getpid(), name, procfs: procfs) }
        }
        let gate = SignalGate(children: true)
        var run =
            command.isEmpty
            ? try WatchRun(identities, options: options, evidence: evidence, procfs: procfs)
            : try WatchRun(command: command, mask: gate, options: options, evidence: evidence, procfs: procfs)
        try run.run()
        let report = run.report()
        gate.hold()
        try Output.print(self.output.json ? report.json() : report.text(output.style, limit: limit))
        if let signal = run.signal, signal != SIGINT { return ExitStatus.of(.interrupted(signal: signal)) }
        if report.grew { return ExitStatus.found }
        if let status = run.commandStatus, status != 0 { return status }
        return report.sawEverything ? ExitStatus.done : ExitStatus.lowerBound
    }

    private func identities(_ procfs: ProcFS) throws -> [ProcessIdentity] {
        let resolver = TargetResolver(procfs: procfs, own: getpid())
        var result: [ProcessIdentity] = []
        for target in targets {
            var found: [ProcessIdentity]
            if all, case .several(let candidates, _) = try resolver.resolve(target) {
                found = candidates.map(\.identity)
            } else {
                found = [try choice.identity(of: target, resolver, verb: "watch")]
            }
            for identity in found where !result.contains(identity) {
                try resolver.checkMemory(of: identity)
                result.append(identity)
            }
        }
        guard result.count <= ProcessWatch.limit else {
            throw Failure(
                .usage,
                what:
                    "\(Units.grouped(result.count)) processes are meant, and watch takes at most \(ProcessWatch.limit)",
                subject: targets.first ?? "", remedy: "name fewer, or list them with: nusu ps -e")
        }
        return result
    }
}
