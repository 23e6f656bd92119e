import ArgumentParser
import Capture
import Glibc
import Kernel
import Model
import Report

/// `nusu show TARGET`: the process control block as user space sees it, in plain words.
struct Show: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract:
            "What the kernel knows of a process, in plain words: family, state and why, rights, scheduling, signals.",
        discussion: """
            A process that waits for another (a child, a pipe, a socket, a lock of a file or in memory) names it, and that \
            one's reason; threads that wait in a circle, of one process or of several, are called a deadlock. Needs no \
            right beyond the owner's; what others may see of it is shown to them.
            """)

    @Argument(help: "A PID, a name, :PORT or container:ID; self is nusu.")
    var target: String

    @OptionGroup var choice: TargetChoice

    @Flag(help: "Say what each line means, and which file below /proc/PID it is from.")
    var explain = false

    @Flag(help: "Also a line for each thread.")
    var threads = false

    @Flag(help: "Only its whole command line, as a shell would take it.")
    var command = false

    @Flag(help: "Only the environment that it was started with.")
    var environment = false

    @Flag(help: "Only the locks of files that it has or waits for, and with whom.")
    var locks = false

    @Flag(help: "Only which system call each thread is in; nothing is traced.")
    var calls = false

    @Option(
        help: ArgumentHelp(
            "The time between two looks, which gives the rates: 1s, 500ms; 0 for one look, without rates.",
            valueName: "seconds"))
    var interval = Seconds(0.25)

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if interval.value > 60 { throw ValidationError("--interval takes at most 60s") }
        if parts.count > 1 {
            throw ValidationError("only one of --\(parts.map(\.rawValue).joined(separator: " and --")) at a time")
        }
    }

    private var parts: [ShowPart] {
        [(command, .command), (environment, .environment), (locks, .locks), (calls, ShowPart.calls)]
            .compactMap { isWanted, part in isWanted ? part : nil }
    }

    /// The document has all of it.
    private var scope: PortraitScope {
        parts.isEmpty || output.json ? .whole : calls ? .calls : .record
    }

    private func details(of process: ProcessIdentity, _ procfs: ProcFS) throws(Failure) -> ProcessDetails? {
        if environment { return try procfs.environment(of: process) }
        return locks ? try procfs.fileLocks(of: process) : nil
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let procfs = ProcFS()
        let name = target == "self" ? "\(getpid())" : target
        let identity = try choice.identity(of: name, procfs, verb: "show")
        let details = try details(of: identity, procfs)
        // No part has rates.
        let seconds = parts.isEmpty ? interval.value : 0
        let earlier = seconds > 0 ? procfs.activity(of: identity.pid) : nil
        if seconds > 0 { Pause.sleep(seconds: seconds) }
        var portrait = try procfs.portrait(of: identity, own: getpid(), scope: scope)
        portrait.earlier = earlier
        let report = ShowReport(portrait: portrait, facts: procfs.machineFacts(), details: details)
        if self.output.json {
            try Output.print(report.json())
        } else if let part = parts.first {
            try Output.print(report.text(part, output.style))
        } else {
            try Output.print(report.text(output.style, explains: explain, threads: threads))
        }
        return ExitStatus.done
    }
}
