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
            The kernel tells of each switch; nothing is stopped. With the right (root, CAP_PERFMON) all cores and \
            all threads are seen, and who woke whom; without it a user's own process where the kernel allows that; else \
            only the counters of /proc, before and after. What was used and what cannot be shown is said.

              nusu sched trace 1234                  five seconds of a process
              nusu sched trace --all --for 10s       the whole machine
              nusu sched trace -- make -j8           a command from its first instruction to its end
              nusu sched trace 1234 --save t.nusu    keeps what was seen
              nusu sched trace t.nusu --threads 20   shows it again, with more threads
              nusu sched trace 1234 --perfetto t.pftrace      every single switch, for ui.perfetto.dev
              nusu sched simulate t.nusu             the same threads under other policies

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

    @Option(
        help: ArgumentHelp("Keep what is seen in this file; - is stdout, which then has no report.", valueName: "file"))
    var save: String?

    @Option(
        help: ArgumentHelp(
            "How large that file, and that of --perfetto, may become; there it ends, and says so.", valueName: "size"))
    var saveLimit = ByteSize(256 << 20)

    @Option(help: ArgumentHelp("Write every switch into this file too, for ui.perfetto.dev.", valueName: "file"))
    var perfetto: String?

    @Option(help: ArgumentHelp("How many threads to show, with their lanes; 0 for all, and all cores.", valueName: "n"))
    var threads: Int?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let threads, threads < 0 { throw ValidationError("--threads takes 0 or more") }
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
        if isReportLeftOut {
            if save == perfetto { throw ValidationError("--save - and --perfetto - exclude each other") }
            if !command.isEmpty { throw ValidationError("stdout is the command's: give a file in the place of -") }
        }
    }

    /// Stdout is a file's.
    private var isReportLeftOut: Bool { save == SavedFile.standardOutput || perfetto == SavedFile.standardOutput }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        try checkFiles()
        if let target, SavedFile.isPath(target) { return try showSaved(target, output) }
        let procfs = ProcFS()
        let gate = SignalGate(children: true)
        var run = try TraceRun(try subject(procfs), seconds: seconds, mask: gate, procfs: procfs)
        let progress = Progress(
            "tracing" + (seconds.map { " for \($0) s" } ?? ""), isEnabled: command.isEmpty && isatty(STDERR_FILENO) == 1
        )
        defer { progress.end() }
        let summary = try TraceConsumer.withFile(save) { (saved) throws(Failure) in
            try TraceConsumer.withFile(perfettoFile(run.header)) { (descriptor) throws(Failure) in
                var consumer = consumer(run.header, descriptor)
                guard let saved, let save else {
                    return try consumer.finish(run.run { (batch) throws(Failure) in try consumer.add(batch) })
                }
                var writer = try TraceFile.writer(
                    run.header, limitBytes: Int(saveLimit.count), descriptor: saved, save)
                let end = try run.run { (batch) throws(Failure) in
                    try writer.add(batch)
                    try consumer.add(batch)
                }
                try writer.finish(end)
                return try consumer.finish(end)
            }
        }
        progress.end()
        gate.hold()
        let report = TraceReport(
            summary: told(summary), file: save, shownThreads: threads, commandStatus: run.commandStatus)
        try show(report, output)
        if let signal = run.signal, signal != SIGINT { return ExitStatus.of(.interrupted(signal: signal)) }
        if let status = run.commandStatus { return status }
        return report.sawEverything ? ExitStatus.done : ExitStatus.lowerBound
    }

    private func consumer(_ header: TraceHeader, _ descriptor: Int32?) -> TraceConsumer {
        TraceConsumer(header, perfetto: perfetto, descriptor: descriptor, limitBytes: Int(saveLimit.count))
    }

    /// nil where none was asked for, or there is nothing to be written.
    private func perfettoFile(_ header: TraceHeader) -> String? { header.source == .schedstat ? nil : perfetto }

    /// With what became of the file for Perfetto.
    private func told(_ summary: TraceSummary) -> TraceSummary {
        var summary = summary
        if let perfetto, perfettoFile(summary.header) == nil {
            summary.gaps.append(
                Gap(
                    what: "\(perfetto), which was not written", reason: "single switches were not seen",
                    remedy: "run nusu as root or with CAP_PERFMON"))
        }
        return summary
    }

    private var seconds: Double? { duration?.value ?? (command.isEmpty ? 5 : nil) }

    private func subject(_ procfs: ProcFS) throws -> TraceRun.Subject {
        if all { return .machine }
        if let target { return .process(try choice.identity(of: target, procfs, verb: "sched trace")) }
        return .command(command)
    }

    private func showSaved(_ path: String, _ output: Output) throws -> Int32 {
        guard TraceFile.isSaved(path) || !SavedFile.isSaved(path) else {
            throw Failure(
                .usage, what: "\(path) is a snapshot of memory, and no trace", subject: path,
                remedy: "record one: nusu sched trace PID --save FILE; or ask the snapshot: nusu leaks \(path)")
        }
        let header = try TraceFile.header(path)
        let summary = try TraceConsumer.withFile(perfettoFile(header)) { (descriptor) throws(Failure) in
            var consumer = consumer(header, descriptor)
            let end = try TraceFile.read(path) { (batch) throws(Failure) in try consumer.add(batch) }
            return try consumer.finish(end)
        }
        let report = TraceReport(summary: told(summary), file: path, shownThreads: threads)
        try show(report, output)
        return report.sawEverything ? ExitStatus.done : ExitStatus.lowerBound
    }

    /// Before a command is started, which would run on.
    private func checkFiles() throws(Failure) {
        let isTerminal = isatty(STDOUT_FILENO) == 1
        for (path, option) in [(save, "--save"), (perfetto, "--perfetto")] {
            guard let path else { continue }
            try SavedFile.check(
                path, isTerminal: isTerminal, what: "a trace's file", option: option,
                remedy: "send it somewhere: nusu sched trace PID \(option) - | ssh HOST 'cat > FILE'")
            if path != SavedFile.standardOutput { try SavedFile.checkFolder(of: path) }
        }
    }

    private func show(_ report: TraceReport, _ output: Output) throws {
        guard !isReportLeftOut else {
            for gap in report.summary.gaps { output.note(gap) }
            return
        }
        try Output.print(self.output.json ? report.json() : report.text(output.style))
    }
}
