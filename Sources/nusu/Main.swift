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
            var command = try parse(arguments)
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
            let root: any ParsableCommand.Type = isFrontDoor(arguments) ? Overview.self : NusuCommand.self
            let text = root.fullMessage(for: error, columns: Output.helpColumns)
            if root.exitCode(for: error) == .success {
                let error = Output.write(text.hasSuffix("\n") ? text : text + "\n", to: STDOUT_FILENO)
                return error == nil ? ExitStatus.done : ExitStatus.of(.internal)
            }
            return output.write(usageFailure(error, arguments))
        }
    }

    /// A first word that is no verb is a target: `nusu 1234`.
    private static func isFrontDoor(_ arguments: [String]) -> Bool {
        guard let first = arguments.first, !first.hasPrefix("-"), first != "help" else { return false }
        return !NusuCommand.verbs.contains { $0.configuration.commandName == first }
    }

    private static func parse(_ arguments: [String]) throws -> any ParsableCommand {
        if isFrontDoor(arguments) { return try Overview.parseAsRoot(arguments) }
        return try NusuCommand.parseAsRoot(Watch.rewritten(try Kill.rewritten(arguments)))
    }

    /// What the parser found wrong, as one of nusu's own failures.
    private static func usageFailure(_ error: any Error, _ arguments: [String]) -> Failure {
        let known = NusuCommand.verbs.compactMap { $0.configuration.commandName }
        // Of several words the first should have been a verb.
        if let first = arguments.first, isFrontDoor(arguments),
            arguments.dropFirst().contains(where: { !$0.hasPrefix("-") })
        {
            return Failure(
                .usage,
                what: "there is no verb '\(first)' in this version of nusu; there is: "
                    + known.joined(separator: ", "), subject: first, remedy: "nusu leaks \(first), or nusu --help")
        }
        let message = (isFrontDoor(arguments) ? Overview.self as any ParsableCommand.Type : NusuCommand.self)
            .message(for: error)
        let line = message.split(separator: "\n").first.map(String.init) ?? "the command line cannot be understood"
        let verb = NusuCommand.verbs.first { $0.configuration.commandName == arguments.first }
        let part = verb?.configuration.subcommands.first { $0.configuration.commandName == arguments.dropFirst().first }
        let words = [verb, part].compactMap { $0?.configuration.commandName }
        return Failure(
            .usage, what: line.hasSuffix(".") ? String(line.dropLast()) : line, subject: "command line",
            remedy: (["nusu"] + words + ["--help"]).joined(separator: " "))
    }
}
