import Analysis
import ArgumentParser
import Capture
import Dispatch
import Glibc
import Kernel
import Model
import Report
import Synchronization
import Terminal

/// Does what panels of the live screen ask for, on threads of its own, so that no key waits for it.
///
/// A look is nusu's own verb as another process: it prints what it prints in a shell, what it needs of memory goes back to the
/// machine with it, and one that fails takes no screen along.
final class PanelWorker: Sendable {
    private struct Mail {
        var answers: [PanelAnswer] = []
        /// Looks that were begun before this number are not wanted any more.
        var round = 0
    }

    private let mail = Mutex(Mail())
    private let procfs: ProcFS
    private let wake: @Sendable () -> Void
    /// Two at once: a look into memory may take seconds, and must not be taken twice of one process at the same time.
    private let quick = DispatchQueue(label: "looks")
    private let costly = DispatchQueue(label: "looks into memory")
    private let signals = DispatchQueue(label: "signals")

    /// - Parameter wake: called on any thread when there is an answer to take.
    init(procfs: ProcFS, wake: @escaping @Sendable () -> Void) {
        self.procfs = procfs
        self.wake = wake
    }

    /// The pages that there is a verb for.
    static let tabs = PanelTab.allCases.filter { tab in
        NusuCommand.verbs.contains { $0.configuration.commandName == tab.verb }
    }

    func perform(_ request: PanelRequest) {
        switch request {
        case .look(let tab, let target, let isPlan):
            let round = mail.withLock { $0.round }
            let queue = tab.isCostly && !isPlan ? costly : quick
            queue.async { self.look(tab, target, isPlan: isPlan, round) }
        case .stopLooks: stopLooks()
        case .signals(let targets): signals.async { self.answer(.signals(self.signals(of: targets))) }
        case .send(let signal, let targets): signals.async { self.answer(.sent(self.send(signal, to: targets))) }
        }
    }

    /// What has come in since the last call.
    func take() -> [PanelAnswer] {
        mail.withLock { mail in
            defer { mail.answers = [] }
            return mail.answers
        }
    }

    /// Looks that go on are asked to end.
    func stopLooks() { mail.withLock { $0.round += 1 } }

    /// The same, and waits until they have: nothing of nusu's is left behind.
    func end() {
        stopLooks()
        quick.sync {}
        costly.sync {}
        signals.sync {}
    }

    private func answer(_ answer: PanelAnswer) {
        mail.withLock { $0.answers.append(answer) }
        wake()
    }

    // MARK: Looks

    private func look(_ tab: PanelTab, _ target: ProcessIdentity, isPlan: Bool, _ round: Int) {
        let isWanted = { self.mail.withLock { $0.round == round } }
        guard isWanted() else { return }
        let (lines, hasFailed) =
            isStillThere(target)
            ? run(tab, target, isPlan: isPlan, isWanted)
            : (["\(TerminalText.escaped(target.description)) has ended."], true)
        guard isWanted() else { return }
        answer(.looked(tab, target, isPlan: isPlan, lines: lines, hasFailed: hasFailed))
    }

    private func run(
        _ tab: PanelTab, _ target: ProcessIdentity, isPlan: Bool, _ isWanted: () -> Bool
    ) -> (lines: [String], hasFailed: Bool) {
        let arguments = ["nusu"] + tab.arguments(target, isPlan: isPlan) + ["--color", "always"]
        let outcome: CapturedCommand.Outcome
        do {
            outcome = try CapturedCommand(OwnProgram.start, arguments).finish(isWanted: isWanted) { line in
                // Its own name stands in front of it.
                let text = line.hasPrefix("nusu: ") ? String(line.dropFirst(6)) : line
                answer(.progress(tab, target, text))
            }
        } catch {
            return (["nusu \(arguments[1]) cannot be started: \(error)"], true)
        }
        var lines = String(decoding: outcome.output, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last?.isEmpty == true { lines.removeLast() }
        if outcome.isCut { lines.append("… more than is shown here: nusu \(arguments[1]) \(target.pid)") }
        let errors = CapturedCommand.lines(outcome.errors).map(TerminalText.escaped)
        if let first = errors.first {
            lines += (lines.isEmpty ? [] : [""]) + ["\u{1b}[1m\(first)\u{1b}[0m"] + errors.dropFirst()
        }
        // 0, 1 and 2 are findings, what is above is a failure.
        guard case .exited(let code) = outcome.ending else {
            return (lines + ["nusu \(arguments[1]) was ended by a signal."], true)
        }
        return (lines, code > ExitStatus.lowerBound)
    }

    private func isStillThere(_ target: ProcessIdentity) -> Bool {
        (try? procfs.stat(of: target.pid))?.startTicks == target.startTicks
    }

    // MARK: Signals

    /// Whether a group is orphaned takes a look at all processes for each.
    private static let groupLimit = 8

    private func signals(of targets: [ProcessIdentity]) -> [ProcessSignals] {
        targets.compactMap { target in
            guard let found = try? procfs.signals(of: target.pid, looksAtGroup: targets.count <= PanelWorker.groupLimit)
            else { return nil }
            return found.identity.startTicks == target.startTicks ? found : nil
        }
    }

    private func send(_ number: Int32, to targets: [ProcessIdentity]) -> [String] {
        let signal = Signal.number(number)
        var run = KillRun(procfs: procfs, scope: .process, excluded: [getpid()], signal: signal)
        do throws(Failure) {
            try run.hold(targets)
            try run.send(signal)
        } catch {
            return [error.what, "do: \(error.remedy)"]
        }
        if run.expectsEnd { _ = run.wait(seconds: run.isEndCertain ? Kill.certainEnd : Kill.usualEnd) }
        run.finish()
        let text = run.report.text(TextStyle(isTerminal: false, width: nil, color: true))
        return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
}
