import Analysis
import ArgumentParser
import Capture
import Model
import Report

/// `nusu signal [NAME|TARGET]`: what signals mean, and what each would do to a process. Sends none.
struct SignalVerb: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "signal",
        abstract: "What signals mean, and what each would do to a process. Only shows; nusu kill sends.",
        discussion: """
              nusu signal                  all signals: number, name, key, meaning
              nusu signal TERM             one of them; SIGTERM means the same
              nusu signal --number 143     a number, or the exit status of a program that a signal ended
              nusu signal 1234             what each would do to process 1234; digits are always a PID

            A word that is no signal's name is a process's.
            """)

    @Argument(help: ArgumentHelp("A signal's name, or a process: a PID, a name, :PORT or container:ID."))
    var target: String?

    @OptionGroup var choice: TargetChoice

    @Option(help: ArgumentHelp("A signal's number (15) or an exit status (143).", valueName: "n"))
    var number: Int32?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if number != nil, target != nil { throw ValidationError("--number and a name or target exclude each other") }
        if let number, Signal.number(number) == nil, Signal.ofExitStatus(number) == nil {
            throw ValidationError(SignalVerb.explained(number))
        }
    }

    /// Numbers that stand for no signal.
    private static func explained(_ number: Int32) -> String {
        switch number {
        case 0: "0 is no signal: as an exit status it means success, and kill -0 only asks whether a process exists"
        case 126: "126 is no signal: as an exit status it is a shell's 'found, but cannot be run'"
        case 127: "127 is no signal: as an exit status it is a shell's 'command not found'"
        default: "\(number) is no signal: those are 1 to 64, and 129 to 192 as exit statuses"
        }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        if let target, Signal.named(target) == nil {
            let procfs = ProcFS()
            let identity = try choice.identity(of: target, procfs, verb: "signal")
            let report = SignalReport(process: try procfs.signals(of: identity.pid))
            try Output.print(self.output.json ? report.json() : report.text(output.style))
            return ExitStatus.done
        }
        let report = SignalListReport(
            signal: target.flatMap(Signal.named) ?? number.flatMap { Signal.number($0) ?? Signal.ofExitStatus($0) },
            exitStatus: number.flatMap { Signal.number($0) == nil ? $0 : nil })
        try Output.print(self.output.json ? report.json() : report.text(output.style))
        return ExitStatus.done
    }
}
