import ArgumentParser
import Analysis
import Capture
import Glibc
import Model

/// How a snapshot is taken, and what it may cost.
struct SnapshotCostOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How the snapshot is taken: auto, fork, copy or stream.",
            discussion: """
                fork: one system call makes a frozen child that is read while the target runs on. copy: the target stands \
                still while its memory is copied. stream: it stands still until all is read; needs the least memory.
                """, valueName: "method"))
    var snapshot = SnapshotChoice.auto

    @Option(
        help: ArgumentHelp(
            "The longest that the target may stand still, in seconds or as 250ms; a longer stop is refused.",
            valueName: "seconds"))
    var maxPause = Seconds(0.25)

    @Flag(help: "Say how the snapshot would be taken and what it would cost, and touch nothing.")
    var dryRun = false

    var options: SnapshotOptions { SnapshotOptions(method: snapshot.method, maxPauseSeconds: maxPause.value) }

    /// Looks into the one process that is meant; a file has no resident set and no pause.
    func looker(_ target: TargetOptions, verb: String) throws -> HeapLooker {
        if SavedFile.isPath(target.target) {
            throw Failure(
                .usage, what: "\(verb) looks into a process, and \(target.target) is a file", subject: target.target,
                remedy: "name a process; nusu heap FILE says what a saved snapshot holds")
        }
        return try looker(target.target, target.choice, verb: verb)
    }

    func looker(_ target: String, _ choice: TargetChoice, verb: String) throws -> HeapLooker {
        let procfs = ProcFS()
        return HeapLooker(
            target: try choice.resolve(target, procfs, verb: verb), procfs: procfs,
            snapshot: options)
    }
}

/// What every verb understands that takes a snapshot which can be kept.
struct LookOptions: ParsableArguments {
    @OptionGroup var cost: SnapshotCostOptions

    @Option(
        help: ArgumentHelp(
            "Also save the object graph in this file (- for stdout, without a report): types, sizes, pointers, roots; no contents.",
            discussion: "The file, which only its owner may read, can be given in place of a process, on any machine.",
            valueName: "file"))
    var save: String?

    var snapshot: SnapshotChoice { cost.snapshot }
    var dryRun: Bool { cost.dryRun }

    /// The one process that is meant, or the saved snapshot.
    func source(_ target: TargetOptions, verb: String) throws -> GraphSource {
        try source(target.target, target.choice, verb: verb)
    }

    func source(_ target: String, _ choice: TargetChoice, verb: String) throws -> GraphSource {
        if SavedFile.isPath(target) {
            let source = GraphSource.saved(try SavedFile.read(target), path: target)
            if save != nil { _ = try source.running("--save looks into a process") }
            if dryRun { _ = try source.running("--dry-run is about looking into a process") }
            return source
        }
        if let save { try SavedFile.check(save, isTerminal: isatty(STDOUT_FILENO) == 1) }
        return .running(try cost.looker(target, choice, verb: verb))
    }

    /// Saves what was looked at, if that was asked for.
    /// - Parameter residentBytes: of the target when it was looked at.
    func save<Result>(
        _ look: GraphSource.Look<Result>, of source: GraphSource, residentBytes: UInt64?
    ) throws(Failure) {
        guard let path = save else { return }
        try SavedFile.save(look, of: source, residentBytes: residentBytes, to: path)
    }

    /// Stdout is the file's.
    var isReportLeftOut: Bool { save == SavedFile.standardOutput }
}
