import Analysis
import Capture
import Glibc
import Model
import Report

/// Takes snapshots of one process until one shows a heap that hangs together, and has it analysed.
struct HeapLooker {
    let target: ProcessIdentity
    let procfs: ProcFS
    let snapshot: SnapshotOptions

    /// A snapshot that hangs together costs little to retake; one that is still torn after so many is taken as it is.
    private static let maximumAttempts = 5

    /// What an analysis makes of one snapshot.
    enum Outcome<Result: Sendable>: Sendable {
        case done(Result)
        /// The allocator was caught in mid-operation.
        case torn
        case refused(Failure)
    }

    typealias Look = GraphSource.Look

    /// How long a snapshot is kept: names of fields are read late, and a standing target waits for them.
    enum Keep: Sendable {
        /// Until the graph is built.
        case shortly
        /// Until the analysis is done, unless the target stands still for it.
        case cheaply
        /// Until the analysis is done.
        case throughout
    }

    /// - Parameter analyse: gets the image, whether a torn heap is to be taken as it is, and what to call when the graph is
    ///   built; the snapshot ends after `analyse` in any case.
    func look<Result: Sendable>(
        _ progress: Progress, keep: Keep, analyse: @Sendable (MemoryImage, Bool, () -> Void) -> Outcome<Result>
    ) throws(Failure) -> Look<Result> {
        var attempt = 1
        while true {
            let isLast = attempt == HeapLooker.maximumAttempts
            let plan = try resolvedPlan()
            progress.enter("reading the heap of \(target)")
            let (outcome, facts, mappings) = try Snapshot.take(plan, procFS: procfs) { session in
                let outcome = analyse(session.image, isLast) {
                    if keep == .shortly || (keep == .cheaply && session.facts.method == .stream) { session.end() }
                }
                // Before the facts are asked for: a streaming snapshot's pause lasts until here.
                session.end()
                return (outcome, session.facts, session.image.mappings)
            }
            switch outcome {
            case .done(let result):
                return Look(result: result, facts: facts, attempts: attempt, mappings: mappings, savable: nil)
            case .refused(let failure): throw failure
            case .torn:
                // 1, 4, 16, 64 ms: a program in the middle of malloc is out of it at once, one that never leaves it is rare.
                HeapLooker.sleep(0.001 * Double(1 << (2 * (attempt - 1))))
                attempt += 1
            }
        }
    }

    /// The same for an analysis that works on the whole graph.
    /// - Parameter saving: also keep what is needed to save the graph.
    func lookAtGraph<Result: Sendable>(
        _ progress: Progress, keep: Keep, saving: Bool = false, analyse: @Sendable (inout ProcessGraph) -> Result
    ) throws(Failure) -> Look<Result> {
        // What is saved is read again from the same moment.
        let keep = saving && keep == .shortly ? .cheaply : keep
        let procfs = procfs
        let look: Look<(Result, SavableGraph?, SwiftClasses?)> = try look(progress, keep: keep) {
            image, acceptTorn, end in
            let memory = try? LiveMemory(of: image.process.pid, procFS: procfs)
            switch ProcessGraph.build(image: image, acceptTorn: acceptTorn, keepsPositions: saving, whenRead: end) {
            case .done(var graph):
                let result = analyse(&graph)
                return .done(
                    (result, saving ? SavableGraph(graph) : nil, memory.map { SwiftClasses(of: graph, reader: $0) }))
            case .torn: return .torn
            case .refused(let failure): return .refused(failure)
            }
        }
        return Look(
            result: look.result.0, facts: look.facts, attempts: look.attempts, mappings: look.mappings,
            swift: look.result.2, savable: look.result.1)
    }

    /// What `--dry-run` says.
    func plan(verb: String, question: String = "") throws(Failure) -> LeakPlanReport {
        let plan = try resolvedPlan()
        var report = LeakPlanReport(
            target: target, method: plan.method, reason: reason(for: plan), pauseSeconds: plan.estimatedPauseSeconds,
            threads: plan.threads, neededBytes: plan.neededBytes, headroomBytes: plan.headroomBytes,
            residentBytes: try residentBytes(), right: try right(), gaps: [])
        report.verb = verb
        report.question = question
        return report
    }

    /// The resident set of the target now; nil where it cannot be told.
    func residentBytes() throws(Failure) -> UInt64? { try procfs.status(of: target.pid).residentBytes }

    /// The names of these addresses, as far as the files that the target has mapped know them.
    func symbols(_ addresses: [UInt64], mappings: [Mapping]) -> [UInt64: Symbol] {
        let source = ModuleSymbols(of: target.pid, mappings: mappings, procFS: procfs)
        var result: [UInt64: Symbol] = [:]
        for address in addresses where result[address] == nil { result[address] = source.symbol(at: address) }
        return result
    }

    /// A plan for the very process that was resolved: its number may have been given to another one since.
    private func resolvedPlan() throws(Failure) -> SnapshotPlan {
        let plan = try Snapshot.plan(target.pid, options: snapshot, procFS: procfs)
        guard plan.process.startTicks == target.startTicks else {
            throw Failure(
                .noTarget, what: "\(target) ended, and another process has its number now",
                subject: target.description, remedy: "look for it with: ps -e")
        }
        return plan
    }

    private func reason(for plan: SnapshotPlan) -> String {
        if !plan.notes.isEmpty { return plan.notes.joined(separator: "; ") }
        if snapshot.method != nil { return "as asked for" }
        return switch plan.method {
        case .fork: "shorter than a copy for this much memory"
        case .copy: "as short as a fork for this little memory, and without after-effects"
        case .stream: "neither forks nor copies"
        }
    }

    private func right() throws(Failure) -> String {
        let own = try procfs.status(of: getpid())
        if own.mayTraceOthers { return "nusu has CAP_SYS_PTRACE" }
        return "nusu runs as the target's user, and this machine lets it look"
    }

    /// The corresponding C function is `nanosleep`; an interrupt ends it early.
    static func sleep(_ seconds: Double) {
        let whole = Int(seconds)
        var time = timespec(tv_sec: whole, tv_nsec: Int((seconds - Double(whole)) * 1e9))
        nanosleep(&time, nil)
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
