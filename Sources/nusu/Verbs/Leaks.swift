import Analysis
import ArgumentParser
import Model
import Report

/// `nusu leaks TARGET`: what a process has lost.
struct Leaks: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "leaks",
        abstract: "What a running process has lost: blocks that nothing in it can reach any more.",
        discussion: """
            Takes a snapshot of the process (it stands still for milliseconds), finds every block of its heap and every \
            place that may hold a pointer, and reports blocks that no pointer leads to, in groups of like ones.

              nusu leaks 1234                      the answer, and the largest groups
              nusu leaks 1234 --limit 0            every group
              nusu leaks 1234 --min-bytes 1M       only what matters
              nusu leaks 1234 --tree               with what hangs below one block of each group
              nusu leaks 1234 --exclude Session    without the lost blocks of a type and what only they hold
              nusu leaks -- ./prog -v              runs a program and looks at it when it exits
              nusu leaks 1234 --snapshot stream    without a fork and without a copy
              nusu leaks 1234 --dry-run            what it would cost; touches nothing

            In the report: a lost block is one that nothing points to; what only it holds is lost with it and stands below \
            it. A cycle is a ring of blocks that hold only each other. Blocks reached only by pointers into their middle \
            are set aside as possibly lost (--possible). The six digits at the right name a group: they are the same in \
            every run. Fields that metadata does not name are asked of nusu-symbols, where it lies beside nusu: C++'s from \
            debug information, parts of Swift's from libswiftRemoteMirror.so; else they show as offsets.

            What is known and accepted can be named in a file .nusuignore in the working directory, one pattern of \
            --exclude a line. The report counts what that leaves out, and names patterns that fit nothing.

            The status is 1 when something is lost (beyond what is left out), 0 when nothing is, 2 when nothing was found but \
            not all could be seen.
            """)

    @Argument(
        help: ArgumentHelp(
            "The process: a PID, a name, :PORT or container:ID; or a file that --save made.",
            discussion:
                "A thread's number means its process. A name is literal: the command name, or the program's file. What has a slash in it, or ends in .nusu, is a file."
        ))
    var target: String?

    @Argument(
        parsing: .postTerminator,
        help: ArgumentHelp(
            "After --: a command that is run, and looked at when it exits.",
            discussion: """
                Its input and output are nusu's own. Only its first process is looked at, not what it starts. The status is \
                that of its leaks, or its own if that is not 0 and nothing has leaked. What main's own variables held \
                is lost when main has returned; what global variables hold is not.
                """, valueName: "command"))
    var command: [String] = []

    @OptionGroup var choice: TargetChoice
    @OptionGroup var look: LookOptions
    @OptionGroup var output: OutputOptions

    @Option(
        help: ArgumentHelp(
            "Take a second snapshot after so many seconds and report what is lost in both; auto where that is cheap, or never.",
            valueName: "seconds"))
    var confirm = Confirmation.automatic

    @Option(
        help: ArgumentHelp("How many groups to show; 0 for all. As many as fit in 25 lines otherwise.", valueName: "n"))
    var limit: Int?

    @Option(
        help: ArgumentHelp("Leave out groups that lost less in all; 64K, 1M and 2G are understood.", valueName: "n"))
    var minBytes = ByteSize(0)

    @Flag(help: "Show where the lost blocks lie.")
    var addresses = false

    @Flag(help: "Also show the groups that are only possibly lost.")
    var possible = false

    @Flag(
        help: ArgumentHelp(
            "Show what hangs below one block of each group shown, by field and type.",
            discussion: "Like ones are one line, so is a list; the 24 largest lines. A block that two hold stands once."
        ))
    var tree = false

    @OptionGroup var excludes: ExcludeOptions

    @Option(
        help: ArgumentHelp(
            "Say what holds the block at this address, and whether it is lost; may be given several times.",
            valueName: "address"))
    var about: [HexAddress] = []

    func validate() throws {
        if let limit, limit < 0 { throw ValidationError("--limit takes 0 or more") }
        if target == nil, command.isEmpty {
            throw ValidationError("Missing expected argument '<target>', or a command after --")
        }
        if target != nil, !command.isEmpty {
            throw ValidationError("a target and a command after -- exclude each other")
        }
        if target == nil { try validateForCommand() }
    }

    /// A command stands still at its end, once.
    private func validateForCommand() throws {
        if look.dryRun { throw ValidationError("--dry-run is for processes that run already") }
        if look.snapshot != .auto { throw ValidationError("--snapshot is for processes that run already") }
        if look.isReportLeftOut { throw ValidationError("--save - would write into the command's own output") }
        if case .after = confirm { throw ValidationError("--confirm is for processes that run already") }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let exclude = try excludes.patterns()
        var analysis = LeakAnalysis.Options(
            addressLimit: addresses ? Leaks.allAddresses : Leaks.sampleAddresses, about: about.map(\.value))
        analysis.exclude = exclude
        analysis.trees = tree ? limit.flatMap { $0 > 0 ? $0 : nil } ?? .max : 0
        let report: LeakReport
        if let target {
            let source = try look.source(target, choice, verb: "leaks")
            if look.dryRun {
                let plan = try source.running("--dry-run").plan(verb: "leaks")
                try Output.print(self.output.json ? plan.json() : plan.text(output.style))
                return ExitStatus.done
            }
            report = try LeakRun(source: source, confirm: confirm, analysis: analysis, saving: look).report()
        } else {
            report = try CommandLeakRun(command: command, analysis: analysis, saving: look).report()
        }
        let options = LeakReport.Options(
            limit: limit, minBytes: minBytes.count, addresses: addresses, possible: possible)
        if look.isReportLeftOut {
            // The file went where the report would have gone.
        } else if self.output.json {
            try Output.print(report.json(options))
        } else {
            try Output.print(about.isEmpty ? report.text(options, output.style) : report.aboutText(output.style))
        }
        if report.foundLost { return ExitStatus.found }
        if let status = report.ended?.status, status != 0 { return status }
        return report.sawEverything ? ExitStatus.done : ExitStatus.lowerBound
    }

    /// Kept for each group, without and with `--addresses`.
    private static let sampleAddresses = 8
    private static let allAddresses = 1_000_000
}
