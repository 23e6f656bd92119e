import Analysis
import Capture
import Glibc
import Model
import Report

/// From a resolved target to a report: plan, snapshot, analysis, again where the snapshot was torn, and once more to confirm.
struct LeakRun {
    let target: ProcessIdentity
    let procfs: ProcFS
    let snapshot: SnapshotOptions
    let confirm: Confirmation
    /// Addresses kept for each group.
    let addressLimit: Int
    /// Addresses whose verdict and holders are asked for.
    let about: [UInt64]

    /// A snapshot that hangs together costs little to retake; one that is still torn after so many is taken as it is.
    private static let maximumAttempts = 5
    /// Confirming by itself only where a second pause this short and a heap this small make it cheap.
    private static let cheapPauseSeconds = 0.025
    private static let cheapHeapBytes: UInt64 = 256 << 20
    private static let shortestConfirmSeconds = 0.25

    /// What `--dry-run` says.
    func plan() throws(Failure) -> LeakPlanReport {
        let plan = try resolvedPlan()
        return LeakPlanReport(
            target: target, method: plan.method, reason: reason(for: plan), pauseSeconds: plan.estimatedPauseSeconds,
            threads: plan.threads, neededBytes: plan.neededBytes, headroomBytes: plan.headroomBytes,
            residentBytes: try procfs.status(of: target.pid).residentBytes, right: try right(), gaps: [])
    }

    func report() throws(Failure) -> LeakReport {
        let clock = ContinuousClock()
        let start = clock.now
        let progress = Progress("looking into \(target)")
        defer { progress.end() }
        let resident = try procfs.status(of: target.pid).residentBytes
        let first = try look(against: nil, progress)
        let firstEnd = clock.now
        var result = first.result
        var confirmation: LeakReport.Confirmation?
        if let delay = confirmDelay(after: first) {
            progress.enter("waiting to look at \(target) again")
            LeakRun.sleep(delay)
            let apart = (clock.now - firstEnd).inSeconds
            if let second = try lookAgain(against: first.result.lost, progress) {
                result = second.result
                confirmation = LeakReport.Confirmation(facts: second.facts, afterSeconds: apart)
            }
        }
        return LeakReport(
            target: target, snapshot: first.facts, confirmation: confirmation,
            totalSeconds: (clock.now - start).inSeconds, attempts: first.attempts, findings: result.findings,
            residentBytes: resident)
    }
}

extension LeakRun {
    private struct Look {
        var result: LeakAnalysis.Result
        var facts: SnapshotFacts
        var attempts: Int
    }

    /// Snapshots until one shows a heap that hangs together.
    private func look(against earlier: LeakAnalysis.LostBlocks?, _ progress: Progress) throws(Failure) -> Look {
        var attempt = 1
        while true {
            let isLast = attempt == LeakRun.maximumAttempts
            let options = LeakAnalysis.Options(
                acceptTorn: isLast, confirmAgainst: earlier, addressLimit: addressLimit, about: about)
            let plan = try resolvedPlan()
            progress.enter("reading the heap of \(target)")
            let (outcome, facts) = try Snapshot.take(plan, procFS: procfs) { session in
                let outcome = LeakAnalysis.run(image: session.image, options: options) { session.end() }
                // Before the facts are asked for: a streaming snapshot's pause lasts until here.
                session.end()
                return (outcome, session.facts)
            }
            switch outcome {
            case .done(let result): return Look(result: result, facts: facts, attempts: attempt)
            case .refused(let failure): throw failure
            case .torn:
                // 1, 4, 16, 64 ms: a program in the middle of malloc is out of it at once, one that never leaves it is rare.
                LeakRun.sleep(0.001 * Double(1 << (2 * (attempt - 1))))
                attempt += 1
            }
        }
    }

    /// The confirming look; nil where the target went away in the meantime: what was seen once still holds.
    private func lookAgain(against lost: LeakAnalysis.LostBlocks, _ progress: Progress) throws(Failure) -> Look? {
        do {
            return try look(against: lost, progress)
        } catch {
            if error.kind == .noTarget { return nil }
            throw error
        }
    }

    /// nil: no second snapshot. Nothing found needs no confirmation.
    private func confirmDelay(after look: Look) -> Double? {
        guard look.result.findings.lost.blocks > 0 else { return nil }
        switch confirm {
        case .never: return nil
        case .after(let seconds): return max(seconds.value, LeakRun.shortestConfirmSeconds)
        case .automatic:
            let isCheap =
                look.facts.pauseSeconds < LeakRun.cheapPauseSeconds
                && look.result.findings.heap.populatedBytes < LeakRun.cheapHeapBytes
            return isCheap ? LeakRun.shortestConfirmSeconds : nil
        }
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
    private static func sleep(_ seconds: Double) {
        let whole = Int(seconds)
        var time = timespec(tv_sec: whole, tv_nsec: Int((seconds - Double(whole)) * 1e9))
        nanosleep(&time, nil)
    }
}

extension Duration {
    fileprivate var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
