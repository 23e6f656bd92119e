import ArgumentParser
import Glibc
import Model

@main
enum Main {
    static func main() {
        // Whoever started nusu may ignore the signal; a reader that has gone away must end nusu quietly all the same.
        signal(SIGPIPE, SIG_DFL)
        occupyStandardDescriptors()
        exit(run(Array(CommandLine.arguments.dropFirst())))
    }

    /// Where stdin, stdout or stderr were closed, the next file to be opened would take their place: it could be the
    /// target's memory, and a message would then be written into it. Read-only, so that writing still fails.
    private static func occupyStandardDescriptors() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest free number is given out, which is this one.
            _ = open("/dev/null", O_RDONLY)
        }
    }

    /// Parses and runs; every way to fail ends here and becomes two lines, or a document, and a status.
    private static func run(_ arguments: [String]) -> Int32 {
        let output = Output(arguments: arguments)
        do {
            var command = try NusuCommand.parseAsRoot(Watch.rewritten(Kill.rewritten(arguments)))
            guard let verb = command as? any Verb else {
                // The root without a verb, or `help`, which throw their text.
                try command.run()
                return ExitStatus.done
            }
            return try verb.run(output)
        } catch let failure as Failure {
            return output.write(failure)
        } catch let ambiguity as AmbiguousTarget {
            return output.write(ambiguity)
        } catch {
            let text = NusuCommand.fullMessage(for: error, columns: Output.helpColumns)
            if NusuCommand.exitCode(for: error) == .success {
                let error = Output.write(text.hasSuffix("\n") ? text : text + "\n", to: STDOUT_FILENO)
                return error == nil ? ExitStatus.done : ExitStatus.of(.internal)
            }
            return output.write(usageFailure(error, arguments))
        }
    }

    /// What the parser found wrong, as one of nusu's own failures.
    private static func usageFailure(_ error: any Error, _ arguments: [String]) -> Failure {
        let known = NusuCommand.verbs.compactMap { $0.configuration.commandName }
        if let first = arguments.first, !first.hasPrefix("-"), !known.contains(first), first != "help" {
            return Failure(
                .usage,
                what: "there is no verb '\(first)' in this version of nusu; there is: "
                    + known.joined(separator: ", "), subject: first, remedy: "nusu leaks \(first), or nusu --help")
        }
        let message = NusuCommand.message(for: error)
        let line = message.split(separator: "\n").first.map(String.init) ?? "the command line cannot be understood"
        let verb = arguments.first.map { known.contains($0) ? "\($0) " : "" } ?? ""
        return Failure(
            .usage, what: line.hasSuffix(".") ? String(line.dropLast()) : line, subject: "command line",
            remedy: "nusu \(verb)--help")
    }
}
