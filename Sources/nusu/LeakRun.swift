import Analysis
import Capture
import Model
import Report

/// From a resolved target to a report: plan, snapshot, analysis, again where the snapshot was torn, and once more to confirm.
struct LeakRun {
    let source: GraphSource
    let confirm: Confirmation
    /// What is asked; what confirms is decided here.
    let analysis: LeakAnalysis.Options
    /// Says whether the last look is to be saved, and where.
    let saving: LookOptions

    /// Confirming by itself only where a second pause this short and a heap this small make it cheap.
    private static let cheapPauseSeconds = 0.025
    private static let cheapHeapBytes: UInt64 = 256 << 20
    private static let shortestConfirmSeconds = 0.25

    func report() throws(Failure) -> LeakReport {
        let clock = ContinuousClock()
        let start = clock.now
        let progress = Progress("looking into \(source.description)")
        defer { progress.end() }
        let resident = source.residentBytes()
        let first = try look(against: nil, progress)
        let firstEnd = clock.now
        var last = first
        var confirmation: LeakReport.Confirmation?
        if let delay = confirmDelay(after: first) {
            progress.enter("waiting to look at \(source.description) again")
            HeapLooker.sleep(delay)
            let apart = (clock.now - firstEnd).inSeconds
            if let second = try lookAgain(against: first.result.lost, progress) {
                last = second
                confirmation = LeakReport.Confirmation(facts: second.facts, afterSeconds: apart)
            }
        }
        var findings = last.result.findings
        source.name(&findings, in: last)
        last.result.findings = findings
        try saving.save(last, of: source, residentBytes: resident)
        var report = LeakReport(
            target: source.target, snapshot: first.facts, confirmation: confirmation,
            totalSeconds: (clock.now - start).inSeconds, attempts: first.attempts, findings: last.result.findings,
            residentBytes: resident, saved: source.saved)
        report.descriptors = source.descriptors(of: last.result.findings)
        return report
    }
}

extension LeakRun {
    private typealias Look = GraphSource.Look<LeakAnalysis.Result>

    private func look(against earlier: LeakAnalysis.LostBlocks?, _ progress: Progress) throws(Failure) -> Look {
        var options = analysis
        options.openDescriptors = source.openDescriptors()
        // Who points to single addresses is looked for in all memory once more; names of fields are read late.
        let keep: HeapLooker.Keep = !options.about.isEmpty ? .throughout : options.trees > 0 ? .cheaply : .shortly
        return try source.look(progress, keep: keep, saving: saving.save != nil) { [options] graph in
            if let earlier { graph.demote(unless: earlier) }
            return LeakAnalysis.result(of: graph, options)
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
        guard look.result.findings.lost.blocks > 0, source.saved == nil else { return nil }
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
