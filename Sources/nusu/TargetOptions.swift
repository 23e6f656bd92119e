import ArgumentParser
import Capture
import Glibc
import Model
import Report

/// What every verb that takes one target understands.
struct TargetOptions: ParsableArguments {
    @Argument(
        help: ArgumentHelp(
            "The process: a PID, a name, :PORT or container:ID; or a file that --save made.",
            discussion:
                "A thread's number means its process. A name is literal: the command name, or the program's file. What has a slash in it, or ends in .nusu, is a file."
        ))
    var target: String

    @OptionGroup var choice: TargetChoice
}

/// Which of several processes is meant.
struct TargetChoice: ParsableArguments {
    @Flag(help: "Of several that fit, take the one started last.")
    var newest = false

    @Flag(help: "Of several that fit, take the one started first.")
    var oldest = false

    func validate() throws {
        if newest && oldest { throw ValidationError("--newest and --oldest exclude each other") }
    }

    /// The one process that is meant, and that has memory to look into.
    func resolve(_ target: String, _ procfs: ProcFS, verb: String) throws -> ProcessIdentity {
        let identity = try identity(of: target, procfs, verb: verb)
        try TargetResolver(procfs: procfs, own: getpid()).checkMemory(of: identity)
        return identity
    }

    /// The one process that is meant, whatever its state.
    func identity(of target: String, _ procfs: ProcFS, verb: String) throws -> ProcessIdentity {
        try self.identity(of: target, TargetResolver(procfs: procfs, own: getpid()), verb: verb)
    }

    func identity(of target: String, _ resolver: TargetResolver, verb: String) throws -> ProcessIdentity {
        let preference: TargetResolver.Preference? = newest ? .newest : oldest ? .oldest : nil
        switch try resolver.resolve(target, preferring: preference) {
        case .one(let identity): return identity
        case .several(let candidates, let what):
            let first = candidates.first?.identity.pid ?? 0
            let failure = Failure(
                .usage, what: what, subject: target,
                remedy: "choose one: nusu \(verb) \(first), or add --newest or --oldest")
            throw AmbiguousTarget(failure: failure, candidates: candidates.map(TargetChoice.shown))
        }
    }

    private static func shown(_ candidate: TargetCandidate) -> FailureReport.Candidate {
        FailureReport.Candidate(
            pid: candidate.identity.pid, user: candidate.userName ?? "\(candidate.userID)",
            ageSeconds: candidate.ageSeconds, arguments: candidate.arguments,
            commandBytes: candidate.identity.commandBytes)
    }
}

/// What every verb understands.
struct OutputOptions: ParsableArguments {
    @Flag(help: "One JSON document instead of text; bytes and seconds, unknown values null.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Colours: auto, always or never. NO_COLOR in the environment means never.", valueName: "when"))
    var color = ColorChoice.auto
}
