import Analysis
import Capture
import Model
import Report

/// Runs a command to its end and reports what it had lost by then.
struct CommandLeakRun {
    let command: [String]
    let analysis: LeakAnalysis.Options
    /// Says whether what is seen is to be saved, and where.
    let saving: LookOptions

    func report() throws(Failure) -> LeakReport {
        let (look, ending) = try CommandSnapshot.run(command) { (session, process) throws(Failure) -> Look in
            try self.look(session, process)
        }
        var facts = look.facts
        facts.pauseSeconds = ending.heldSeconds
        var report = LeakReport(
            target: look.process, snapshot: facts, confirmation: nil, totalSeconds: look.seconds, attempts: 1,
            findings: look.findings, residentBytes: look.residentBytes)
        report.descriptors = look.descriptors
        report.ended = LeakReport.Ended(command: command, status: ending.status)
        return report
    }

    private struct Look: Sendable {
        let process: ProcessIdentity
        let findings: LeakFindings
        let descriptors: DescriptorTable?
        let facts: SnapshotFacts
        let residentBytes: UInt64?
        let seconds: Double
    }

    /// The command stands still; afterwards nothing is left to be asked.
    private func look(_ session: SnapshotSession, _ process: ProcessIdentity) throws(Failure) -> Look {
        let clock = ContinuousClock()
        let start = clock.now
        let looker = HeapLooker(target: process, procfs: ProcFS(), snapshot: SnapshotOptions())
        let resident = try looker.residentBytes()
        let progress = Progress("looking into \(process)")
        defer { progress.end() }
        // There is no second moment to look at: what a thread had begun to change when the end met it stays so.
        let outcome = ProcessGraph.build(
            image: session.image, acceptTorn: true, keepsPositions: saving.save != nil)
        switch outcome {
        case .done(let graph):
            let source = GraphSource.running(looker)
            var analysis = analysis
            analysis.openDescriptors = source.openDescriptors()
            let result = LeakAnalysis.result(of: graph, analysis)
            let memory = try? LiveMemory(of: process.pid, procFS: looker.procfs)
            var facts = session.facts
            facts.pauseSeconds = (clock.now - start).inSeconds
            let look = GraphSource.Look(
                result: result, facts: facts, attempts: 1, mappings: session.image.mappings,
                swift: memory.map { SwiftClasses(of: graph, reader: $0) },
                savable: saving.save == nil ? nil : SavableGraph(graph))
            try saving.save(look, of: source, residentBytes: resident)
            var findings = result.findings
            source.name(&findings, in: look)
            return Look(
                process: process, findings: findings, descriptors: source.descriptors(of: findings), facts: facts,
                residentBytes: resident,
                seconds: (clock.now - start).inSeconds)
        case .refused(let failure): throw failure
        case .torn(let reason):
            throw Failure(
                .internal, what: "its heap does not hang together: \(reason)", subject: process.description,
                remedy: "run it again")
        }
    }
}
