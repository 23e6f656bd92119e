import ArgumentParser
import Capture
import Model

/// What every verb understands that takes a snapshot.
struct LookOptions: ParsableArguments {
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

    /// Takes snapshots of the one process that is meant.
    func looker(at target: TargetOptions, verb: String) throws -> HeapLooker {
        let procfs = ProcFS()
        return HeapLooker(
            target: try target.resolve(procfs, verb: verb), procfs: procfs,
            snapshot: SnapshotOptions(method: snapshot.method, maxPauseSeconds: maxPause.value))
    }
}
