import Analysis
import ArgumentParser
import Capture
import Glibc
import Kernel
import Model
import Report

/// `nusu sched trace`: who ran on which core when.
struct SchedTrace: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Who ran on which core when, who waited for one, and who ran instead.",
        usage: """
            nusu sched trace <target> [options]
            nusu sched trace --all [options]
            nusu sched trace [options] -- <command> ...
            """,
        discussion: """
            Reads the kernel's own records of switches; nothing is stopped. With the right (root, CAP_PERFMON) all cores and \
            all threads are seen, and who woke whom; without it a user's own process where the kernel allows that; else \
            only the counters of /proc, before and after. What was used and what cannot be shown is said.

              nusu sched trace 1234                  five seconds of a process
              nusu sched trace --all --for 10s       the whole machine
              nusu sched trace -- make -j8           a command from its first instruction to its end
              nusu sched trace 1234 --save t.nusu    keeps what was seen; nusu sched trace t.nusu shows it again

            A command's input and output are nusu's own, and its status is passed on.
            """)

    @Argument(help: "The process: a PID, a name, :PORT or container:ID; or a file that --save made.")
    var target: String?

    @Argument(parsing: .postTerminator, help: ArgumentHelp("After --: a command that is run.", valueName: "command"))
    var command: [String] = []

    @Flag(help: "All threads of the machine.")
    var all = false

    @OptionGroup var choice: TargetChoice

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(
            "How long: 500ms, 10s, 10m. Five seconds, or for a command until it ends.", valueName: "duration"))
    var duration: Seconds?

    @Option(help: ArgumentHelp("Keep what is seen in this file.", valueName: "file"))
    var save: String?

    @Option(
        help: ArgumentHelp(
            "How large that file may become; there it ends, and says so.", valueName: "size"))
    var saveLimit = ByteSize(256 << 20)

    @OptionGroup var output: OutputOptions

    func validate() throws {
        let subjects = (target == nil ? 0 : 1) + (command.isEmpty ? 0 : 1) + (all ? 1 : 0)
        guard subjects == 1 else {
            throw ValidationError(
                subjects == 0
                    ? "Missing expected argument '<target>', --all, or a command after --"
                    : "a target, --all and a command after -- exclude each other")
        }
        if let duration, duration.value <= 0 { throw ValidationError("--for takes a time above 0") }
        if saveLimit.count < 1 << 20 { throw ValidationError("--save-limit takes 1M or more") }
        if save != nil, let target, SavedFile.isPath(target) {
            throw ValidationError("--save is for what runs: \(target) is saved already")
        }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        if let target, SavedFile.isPath(target) { return try showSaved(target, output) }
        let procfs = ProcFS()
        let gate = SignalGate(children: true)
        var run = try TraceRun(try subject(procfs), seconds: seconds, mask: gate, procfs: procfs)
        let progress = Progress(
            "tracing" + (seconds.map { " for \($0) s" } ?? ""), isEnabled: command.isEmpty && isatty(STDERR_FILENO) == 1
        )
        defer { progress.end() }
        var counts = TraceCounts(run.header)
        let end: TraceEnd
        if let save {
            end = try SavedFile.replace(save) { (descriptor) throws(Failure) in
                var writer = try TraceFile.writer(
                    run.header, limitBytes: Int(saveLimit.count), descriptor: descriptor, save)
                let end = try run.run { (batch) throws(Failure) in
                    try writer.add(batch)
                    counts.add(batch)
                }
                try writer.finish(end)
                return end
            }
        } else {
            end = try run.run { (batch) throws(Failure) in counts.add(batch) }
        }
        progress.end()
        gate.hold()
        try Output.print(counts.text(end))
        if let signal = run.signal, signal != SIGINT { return ExitStatus.of(.interrupted(signal: signal)) }
        if let status = run.commandStatus { return status }
        return end.lost == 0 && run.header.gaps.isEmpty && end.gaps.isEmpty ? ExitStatus.done : ExitStatus.lowerBound
    }

    private var seconds: Double? { duration?.value ?? (command.isEmpty ? 5 : nil) }

    private func subject(_ procfs: ProcFS) throws -> TraceRun.Subject {
        if all { return .machine }
        if let target { return .process(try choice.identity(of: target, procfs, verb: "sched trace")) }
        return .command(command)
    }

    private func showSaved(_ path: String, _ output: Output) throws -> Int32 {
        var counts: TraceCounts?
        let end = try TraceFile.read(path) { (header) throws(Failure) in
            counts = TraceCounts(header)
        } _: { (batch) throws(Failure) in
            counts?.add(batch)
        }
        if let counts { try Output.print(counts.text(end)) }
        return end.lost == 0 && end.gaps.isEmpty ? ExitStatus.done : ExitStatus.lowerBound
    }
}
