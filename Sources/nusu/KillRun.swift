import Analysis
import Capture
import Glibc
import Kernel
import Model
import Report
import SystemPackage

/// Sends to processes that were resolved, follows them, and keeps what came of it.
struct KillRun {
    /// Who is meant besides the target itself.
    enum Scope {
        case process, tree, group, session
    }

    private struct Entry {
        var held: HeldProcess
        var target: KillReport.Target
        var sentAt = Moment.now
        /// Signals that it has not taken yet: it may end by one when it is let go on.
        var hasPending = false
    }

    let procfs: ProcFS
    let scope: Scope
    /// Never sent anything to.
    let excluded: Set<Int32>
    private(set) var report: KillReport
    private var entries: [Entry] = []
    private var roots: [ProcessIdentity] = []
    private let stopGuard = StopGuard()

    /// Rounds in which new members of a scope are looked for: who forks faster than that is said to be left.
    private static let rounds = 100

    init(procfs: ProcFS, scope: Scope, excluded: Set<Int32>, signal: Signal?) {
        self.procfs = procfs
        self.scope = scope
        self.excluded = excluded
        report = KillReport(signal: signal)
    }

    mutating func remark(_ text: String) {
        if !report.remarks.contains(text) { report.remarks.append(text) }
    }

    /// Takes hold of the targets and of who belongs to them.
    mutating func hold(_ targets: [ProcessIdentity]) throws(Failure) {
        roots = targets
        for target in targets { hold(target) }
        _ = try holdNewMembers()
    }

    private mutating func hold(_ identity: ProcessIdentity) {
        // A zombie that nobody waits for is found again in every round.
        guard !entries.contains(where: { isSame($0.held.identity, identity) }) else { return }
        if stopGuard.contains(identity.pid) { return }
        if excluded.contains(identity.pid) {
            remark("left out: \(identity), nusu itself or what it runs in")
            return
        }
        do {
            let held = try HeldProcess(identity, procfs)
            if held.isByNumber {
                remark("this kernel has no pidfds (Linux 5.3): the start time is looked at before each signal instead")
            }
            let user = (try? procfs.status(of: identity.pid).user.effective) ?? 0
            let target = KillReport.Target(identity: identity, user: procfs.userName(user) ?? "user \(user)")
            entries.append(Entry(held: held, target: target))
        } catch {
            if error.kind == .noTarget { remark("\(identity) ended before anything was sent") }
        }
    }

    private func isSame(_ held: ProcessIdentity, _ found: ProcessIdentity) -> Bool {
        held.pid == found.pid && held.startTicks == found.startTicks
    }

    /// Returns how many entries were new: their indexes are the last.
    private mutating func holdNewMembers() throws(Failure) -> Int {
        guard scope != .process else { return 0 }
        let before = entries.count
        let relatives = try ProcessRelatives(procfs)
        // Of those that live still: the number of one that has ended may be another's.
        let starts = roots + entries.filter { !$0.held.hasEnded() }.map(\.held.identity)
        for start in starts where relatives.identity(start.pid) == start {
            let members =
                switch scope {
                case .process: [start.pid]
                case .tree: relatives.tree(of: start.pid)
                case .group: relatives.group(of: start.pid)
                case .session: relatives.session(of: start.pid)
                }
            for member in members { relatives.identity(member).map { hold($0) } }
        }
        return entries.count - before
    }

    /// What would be done, without doing it.
    mutating func plan(_ signal: Signal?) {
        if freezes(for: signal) { entries.reverse() }
        for index in entries.indices { note(signal, .planned, index) }
        report.isDryRun = true
        finish()
    }

    /// Sends to all that are held, parents first: a parent that sees its child end might start another, or go on to the
    /// next command. A tree that stands still goes children first: where the last that ties a group to its session ends, the
    /// kernel sends HUP and CONT to those of the group that are stopped. Then to whom they have started meanwhile.
    mutating func send(_ signal: Signal?) throws(Failure) {
        // nusu should not be ended while the target is held still. Against a KILL there is the guard.
        let gate = SignalGate()
        defer { stopGuard.release() }
        if freezes(for: signal) {
            try freeze()
            entries.reverse()
        }
        var index = 0
        var round = 0
        while index < entries.count {
            while index < entries.count {
                send(signal, index)
                index += 1
            }
            round += 1
            if round == KillRun.rounds { remark("it starts processes faster than they can be found") }
            if round < KillRun.rounds, try holdNewMembers() == 0 { break }
        }
        gate.hold()
    }

    /// A tree that is to be killed stands still first: with its parent gone a child could not be found any more.
    private func freezes(for signal: Signal?) -> Bool { signal?.number == Signal.kill && scope == .tree }

    private mutating func freeze() throws(Failure) {
        var next = 0
        for _ in 0..<KillRun.rounds {
            // Who stands still already is not to be continued either.
            let running = entries[next...].map(\.held).filter { !$0.hasEnded() && !isStopped($0.identity.pid) }
            next = entries.count
            do throws(Errno) {
                try stopGuard.cover { for held in running { try? held.send(SIGCONT) } }
            } catch {
                remark("no process could be started that would let it run on (\(error)): it was not stopped before")
                return
            }
            // A process with a signal before it cannot fork: what is not there now will not come.
            for held in running { try? held.send(Signal.stop) }
            if try holdNewMembers() == 0 { return }
        }
    }

    private func isStopped(_ pid: Int32) -> Bool { (try? procfs.stat(of: pid))?.isStopped ?? false }

    private mutating func send(_ signal: Signal?, _ index: Int) {
        // From an earlier step of the ladder.
        if entries[index].target.hasEnded { return }
        note(signal, .sent, index)
        let step = entries[index].target.steps.count - 1
        entries[index].sentAt = Moment.now
        do throws(Errno) {
            try entries[index].held.send(signal?.number ?? 0)
        } catch {
            let result: KillReport.Result =
                error == .noSuchProcess ? .gone : error == .notPermitted ? .notPermitted : .failed
            entries[index].target.steps[step].result = result
            entries[index].target.hasEnded = result == .gone
        }
    }

    /// Notes what is to be expected.
    private mutating func note(_ signal: Signal?, _ result: KillReport.Result, _ index: Int) {
        let state = try? procfs.signals(of: entries[index].held.identity.pid)
        let outlook = signal.flatMap { signal in state?.outlook(of: signal) }
        entries[index].hasPending = state?.outlooks.contains(where: \.isPending) ?? false
        entries[index].target.steps.append(KillReport.Step(signal: signal, result: result, outlook: outlook))
    }

    /// Waits until all that got the last signal have ended, or so long. Returns whether they have.
    mutating func wait(seconds: Double) -> Bool {
        let deadline = Moment.now.after(seconds: seconds)
        while true {
            var isAll = true
            for index in entries.indices where !entries[index].target.hasEnded && isAwaited(index) {
                // The others are looked at between: who ends last must not hide when the first did.
                guard entries[index].held.hasEnded(within: isAll ? 0.01 : 0) else {
                    isAll = false
                    continue
                }
                let step = entries[index].target.steps.count - 1
                entries[index].target.steps[step].endedAfter = Moment.now.seconds(since: entries[index].sentAt)
                entries[index].target.hasEnded = true
            }
            if isAll { return true }
            if Moment.now >= deadline { return false }
        }
    }

    private func isAwaited(_ index: Int) -> Bool { entries[index].target.steps.last?.result == .sent }

    /// Whether the end of all is to be expected from what was sent.
    var expectsEnd: Bool {
        entries.contains { entry in
            guard let outlook = entry.target.steps.last?.outlook else { return false }
            let asksToEnd = [Signal.terminate, SIGINT, SIGHUP, SIGQUIT].contains(outlook.signal.number)
            return outlook.isEnd || (asksToEnd && outlook.outcome == .runsHandler)
                || (entry.hasPending && outlook.outcome == .resumes)
        }
    }

    /// Whether the kernel ends all that were sent the last signal, whatever they would do themselves.
    var isEndCertain: Bool {
        entries.indices.allSatisfy { !isAwaited($0) || entries[$0].target.steps.last?.outlook?.isEnd == true }
    }

    mutating func finish() {
        for index in entries.indices where entries[index].target.hasEnded {
            guard entries[index].target.steps.last?.result == .sent else { continue }
            entries[index].target.ending =
                switch entries[index].held.ending() {
                case .exited(let status): .exited(status: status)
                case .killed(let signal): .killed(signal: signal)
                case nil: nil
                }
        }
        report.targets = entries.map(\.target)
    }
}
