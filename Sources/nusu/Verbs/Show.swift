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

    @Option(
        help: ArgumentHelp(
            "The time between two looks, which gives the rates: 1s, 500ms; 0 for one look, without rates.",
            valueName: "seconds"))
    var interval = Seconds(0.25)

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if interval.value > 60 { throw ValidationError("--interval takes at most 60s") }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let procfs = ProcFS()
        let name = target == "self" ? "\(getpid())" : target
        let identity = try choice.identity(of: name, procfs, verb: "show")
        let earlier = interval.value > 0 ? procfs.activity(of: identity.pid) : nil
        if interval.value > 0 { Pause.sleep(seconds: interval.value) }
        var portrait = try procfs.portrait(of: identity, own: getpid())
        portrait.earlier = earlier
        let report = ShowReport(portrait: portrait, facts: procfs.machineFacts())
        try Output.print(
            self.output.json ? report.json() : report.text(output.style, explains: explain, threads: threads))
        return ExitStatus.done
    }
}
