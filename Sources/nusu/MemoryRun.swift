import Analysis
import Capture
import Model
import Report

/// From a resolved target to where its memory goes: what the kernel says of residency, a snapshot for the heap, and both
/// once more with `--over`.
struct MemoryRun {
    let looker: HeapLooker
    /// Between two looks; nil for one.
    let overSeconds: Double?

    private struct Look {
        var findings: MemoryFindings
        /// nil where no snapshot could be taken.
        var snapshot: GraphSource.Look<MemoryFindings>?
    }

    func report() throws(Failure) -> MemoryReport {
        let clock = ContinuousClock()
        let start = clock.now
        let progress = Progress("looking into \(looker.target)")
        defer { progress.end() }
        var last = try look(progress)
        var first: (findings: MemoryFindings, seconds: Double)?
        if let overSeconds {
            let end = clock.now
            progress.enter("waiting to look at \(looker.target) again")
            HeapLooker.sleep(overSeconds)
            first = (last.findings, (clock.now - end).inSeconds)
            last = try look(progress)
        }
        let findings = last.findings
        progress.enter("looking for names")
        let growth = first.map { MemoryReport.Growth(seconds: $0.seconds, before: $0.findings, after: findings) }
        let verdict = MemoryVerdict.judge(findings.evidence, before: first?.findings.evidence)
        let status = try? looker.procfs.status(of: looker.target.pid)
        return MemoryReport(
            target: looker.target,
            look: last.snapshot.map { heapLook($0, findings, totalSeconds: (clock.now - start).inSeconds) },
            findings: findings, verdict: verdict,
            group: (try? looker.procfs.groupMemory(of: looker.target.pid)) ?? nil,
            pageTableBytes: status?.pageTableBytes, growth: growth)
    }

    /// Residency first: while a forked snapshot lives, the kernel counts every page as shared with it.
    private func look(_ progress: Progress) throws(Failure) -> Look {
        progress.enter("reading which pages of \(looker.target) are in memory")
        let space = AddressSpace(try looker.procfs.addressSpace(of: looker.target))
        guard space.total != nil else {
            throw Failure(
                .unsupported, what: "this kernel does not say what of \(looker.target) is in memory (no smaps)",
                subject: looker.target.description, remedy: "nusu heap \(looker.target.pid) shows what is alive in it")
        }
        do throws(Failure) {
            let look = try looker.look(progress, keep: .cheaply) { image, acceptTorn, end in
                MemoryRun.analyse(space, image, acceptTorn: acceptTorn, whenRead: end)
            }
            return Look(findings: look.result, snapshot: look)
        } catch {
            // Everything but the heap is known without a right to trace, and without a heap that nusu can read.
            guard error.kind == .unsupported || error.kind == .notPermitted else { throw error }
            var findings = MemoryAnalysis.run(space, graph: nil)
            findings.gaps.append(MemoryRun.gap(error))
            return Look(findings: findings)
        }
    }

    private static func analyse(
        _ space: AddressSpace, _ image: MemoryImage, acceptTorn: Bool, whenRead: () -> Void
    ) -> HeapLooker.Outcome<MemoryFindings> {
        switch ProcessGraph.build(image: image, acceptTorn: acceptTorn, keepsLayout: true, whenRead: whenRead) {
        case .done(let graph): return .done(MemoryAnalysis.run(space, graph: graph))
        case .torn: return .torn
        case .refused(let failure):
            var findings = MemoryAnalysis.run(space, graph: nil)
            findings.gaps.append(gap(failure))
            return .done(findings)
        }
    }

    private static func gap(_ failure: Failure) -> Gap {
        Gap(what: "what the heap consists of", reason: failure.what, remedy: failure.remedy)
    }

    private func heapLook(
        _ look: GraphSource.Look<MemoryFindings>, _ findings: MemoryFindings, totalSeconds: Double
    ) -> HeapLook {
        let source = GraphSource.running(looker)
        let paths = findings.owners.map(\.path)
        return HeapLook(
            target: looker.target, snapshot: look.facts, totalSeconds: totalSeconds, attempts: look.attempts,
            residentBytes: findings.kernelBytes,
            symbols: source.symbols(paths.flatMap { $0.root?.namedAddresses ?? [] }, mappings: look.mappings),
            fields: source.fields(of: Set(paths.flatMap(\.unnamedClasses)), in: look))
    }
}
