import Capture
import Model
import Report
import Terminal

/// Changes what the live screen was told to change of processes and threads. Each call returns what came of it, in a line.
struct TopChanger {
    let procfs: ProcFS
    let isReadOnly: Bool

    func renice(_ targets: [TopTarget], by step: Int32) -> String {
        change(
            targets, said: { "nice of \($0) is \($1) now" }, saidOfAll: { _ in "\(TopRenice.signed(step)) nice each" }
        ) { target throws(Failure) in
            try procfs.changeNice(of: target.process, thread: target.thread, by: step)
        }
    }

    /// nil for those that have ended.
    func ioPriorities(of targets: [TopTarget]) -> [IOPriority?] {
        targets.map { procfs.ioPriority(of: $0.process, thread: $0.thread) }
    }

    func setIOPriority(of targets: [TopTarget], to priority: IOPriority) -> String {
        let name = PriorityText.name(priority)
        return change(
            targets, said: { target, _ in "I/O of \(target) is served \(name) now" }, saidOfAll: { _ in "I/O \(name)" }
        ) {
            target throws(Failure) in
            try procfs.setIOPriority(of: target.process, thread: target.thread, to: priority)
        }
    }

    func setPolicy(of targets: [TopTarget], to policy: ThreadPolicy) -> String {
        let name = PriorityText.name(policy)
        return change(
            targets, said: { target, _ in "policy of \(target) is \(name) now" }, saidOfAll: { _ in "policy \(name)" }
        ) { target throws(Failure) in
            try procfs.setPolicy(of: target.process, thread: target.thread, to: policy)
        }
    }

    /// nil for those that have ended.
    func processorUses(of targets: [TopTarget]) -> [ProcessorUse?] {
        targets.map { procfs.processorUse(of: $0.process, thread: $0.thread) }
    }

    func setProcessors(of targets: [TopTarget], _ change: ProcessorChange) -> String {
        self.change(
            targets,
            said: { target, use in
                let threads = use.threadCount > 1 ? ", all its \(Units.grouped(use.threadCount)) threads" : ""
                return "\(target) runs on \(TopChanger.words([use], change)) now\(threads)"
            }, saidOfAll: { "run on \(TopChanger.words($0, change)) now" }
        ) { target throws(Failure) in
            try procfs.changeProcessors(of: target.process, thread: target.thread, change)
        }
    }

    /// "0-1", and what of it their cpusets did not let them have.
    private static func words(_ uses: [ProcessorUse], _ change: ProcessorChange) -> String {
        guard let first = uses.first else { return "" }
        let isSame = uses.allSatisfy { $0.ofAll == first.ofAll && $0.ofSome == first.ofAll }
        let missing = uses.reduce(ProcessorSet()) { $0.union(change.added.subtracting($1.ofAll)) }
        return (isSame ? "\(first.ofAll)" : "several sets")
            + (missing.isEmpty ? "" : " (not on \(missing), by \(uses.count > 1 ? "their cpusets" : "its cpuset"))")
    }

    private func change<Value>(
        _ targets: [TopTarget], said: (TopTarget, Value) -> String, saidOfAll: ([Value]) -> String,
        _ body: (TopTarget) throws(Failure) -> Value
    ) -> String {
        guard !isReadOnly else { return "--read-only: nothing is changed from here" }
        var values: [Value] = []
        var failures: [Failure] = []
        for target in targets {
            do throws(Failure) { values.append(try body(target)) } catch { failures.append(error) }
        }
        if let failure = failures.first {
            let others = failures.count > 1 ? " (and \(Units.grouped(failures.count - 1)) more)" : ""
            return TerminalText.escaped("\(failure.what)\(others); \(failure.remedy)")
        }
        if let target = targets.first, let value = values.first, targets.count == 1 {
            return TerminalText.escaped(said(target, value))
        }
        return "\(TopTarget.counted(targets)): \(saidOfAll(values))"
    }
}
