import Analysis
import Capture
import Model
import Report

/// Runs a command to its end and reports what it had lost by then.
struct CommandLeakRun {
    let command: [String]
    let analysis: LeakAnalysis.Options

    func report() throws(Failure) -> LeakReport {
        let clock = ContinuousClock()
        let procfs = ProcFS()
        var options = analysis
        // There is no second moment to look at: what a thread had begun to change when the end met it stays so.
        options.acceptTorn = true
        let (look, ending) = try CommandSnapshot.run(command, procFS: procfs) {
            [options] (session, process) throws(Failure) in
            let start = clock.now
            let resident = try procfs.status(of: process.pid).residentBytes
            let progress = Progress("looking into \(process)")
            defer { progress.end() }
            switch LeakAnalysis.run(image: session.image, options: options) {
            case .done(let result):
                return Look(
                    process: process, findings: result.findings, facts: session.facts, residentBytes: resident,
                    seconds: (clock.now - start).inSeconds)
            case .refused(let failure): throw failure
            case .torn(let reason):
                throw Failure(
                    .internal, what: "its heap does not hang together: \(reason)", subject: process.description,
                    remedy: "run it again")
            }
        }
        var facts = look.facts
        facts.pauseSeconds = ending.heldSeconds
        var report = LeakReport(
            target: look.process, snapshot: facts, confirmation: nil, totalSeconds: look.seconds, attempts: 1,
            findings: look.findings, residentBytes: look.residentBytes)
        report.ended = LeakReport.Ended(command: command, status: ending.status)
        return report
    }

    private struct Look: Sendable {
        let process: ProcessIdentity
        let findings: LeakFindings
        let facts: SnapshotFacts
        let residentBytes: UInt64?
        let seconds: Double
    }
}
