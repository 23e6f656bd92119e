import Analysis
import Model
import Report

/// From a resolved target to a report: plan, snapshot, analysis, again where the snapshot was torn, and once more to confirm.
struct LeakRun {
    let looker: HeapLooker
    let confirm: Confirmation
    /// What is asked; whether a torn heap is taken and what confirms is decided here.
    let analysis: LeakAnalysis.Options

    /// Confirming by itself only where a second pause this short and a heap this small make it cheap.
    private static let cheapPauseSeconds = 0.025
    private static let cheapHeapBytes: UInt64 = 256 << 20
    private static let shortestConfirmSeconds = 0.25

    func report() throws(Failure) -> LeakReport {
        let clock = ContinuousClock()
        let start = clock.now
        let target = looker.target
        let progress = Progress("looking into \(target)")
        defer { progress.end() }
        let resident = try looker.residentBytes()
        let first = try look(against: nil, progress)
        let firstEnd = clock.now
        var result = first.result
        var confirmation: LeakReport.Confirmation?
        if let delay = confirmDelay(after: first) {
            progress.enter("waiting to look at \(target) again")
            HeapLooker.sleep(delay)
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
    private typealias Look = HeapLooker.Look<LeakAnalysis.Result>

    private func look(against earlier: LeakAnalysis.LostBlocks?, _ progress: Progress) throws(Failure) -> Look {
        var options = analysis
        options.confirmAgainst = earlier
        // Names of fields are read late.
        return try looker.look(progress, keep: options.trees > 0 ? .cheaply : .shortly) {
            [options] image, acceptTorn, end in
            var options = options
            options.acceptTorn = acceptTorn
            return switch LeakAnalysis.run(image: image, options: options, whenRead: end) {
            case .done(let result): .done(result)
            case .torn: .torn
            case .refused(let failure): .refused(failure)
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
}
