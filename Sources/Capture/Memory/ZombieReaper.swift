import Kernel
import Model
import SystemPackage

/// Takes zombie children without an exit signal away: only their parent can, so that it is made to, in a moment in which a
/// single thread of it stands still.
struct ZombieReaper {
    let process: ProcessIdentity
    let procFS: ProcFS
    let memory: OpenMemory
    let gadgets: Gadgets

    /// How long one thread may take to stop, and its call to return.
    private static let seconds = 0.25
    private static let threadsTried = 16
    private static let rounds = 5

    /// What a killed run of nusu left: children that have ended and told nobody. Their identifiers as nusu sees them.
    static func leftovers(of pid: Int32, procFS: ProcFS) -> [Int32] {
        let children = (try? procFS.children(of: pid)) ?? []
        return children.filter { child in
            guard let stat = try? procFS.stat(of: child) else { return false }
            return stat.state == UInt8(ascii: "Z") && stat.parent == pid && stat.exitSignal == 0
        }
    }

    /// Best effort, bounded: returns whether all are gone.
    @discardableResult
    func reap(_ zombies: [Int32], observer: (SnapshotStep) -> Void) -> Bool {
        for round in 0..<ZombieReaper.rounds {
            if round > 0 { Pause.sleep(seconds: 0.002) }
            for thread in threadsByCalm().prefix(ZombieReaper.threadsTried) {
                if reap(zombies, in: thread, observer: observer) { return true }
            }
            if zombies.allSatisfy({ !isStillChild($0) }) { return true }
        }
        return false
    }

    /// The call as it names the child in the target's own pid namespace; nil when the child is gone.
    func call(for zombie: Int32) -> InjectedCall? {
        guard let child = try? procFS.status(of: zombie), let own = try? procFS.status(of: process.pid) else {
            return nil
        }
        // From nusu's namespace down to the process's own.
        let depth = max(own.namespacePids.count, 1) - 1
        let pid = child.namespacePids.count > depth ? child.namespacePids[depth] : zombie
        return .reap(pid)
    }

    private func reap(_ zombies: [Int32], in thread: Int32, observer: (SnapshotStep) -> Void) -> Bool {
        let calls = zombies.compactMap { call(for: $0) }
        guard !calls.isEmpty else { return true }
        var attachment = Attachment(process: process.pid)
        do throws(StopFailure) {
            try attachment.stop(thread, within: ZombieReaper.seconds) { observer(SnapshotStep(reapStopping: $0)) }
        } catch { return false }
        let isDone = run(calls, in: thread, observer: observer)
        attachment.release()
        observer(.reapReleased)
        return isDone
    }

    /// Runs the calls in a thread that is held stopped. False when it cannot run any.
    func run(_ calls: [InjectedCall], in thread: Int32, observer: (SnapshotStep) -> Void) -> Bool {
        guard let stopped = try? StoppedThread(thread), let mappings = try? procFS.mappings(of: process.pid),
            InjectionPlace(mappings: mappings, memory: memory, gadgets: gadgets).isSuitable(stopped),
            gadgets.areIntact(in: memory.file)
        else { return false }
        for call in calls {
            do throws(Injection.Refusal) {
                let injection = try Injection(into: stopped, gadgets: gadgets, within: ZombieReaper.seconds)
                _ = try injection.call(call, memory: memory.file) { observer(SnapshotStep(reaping: $0)) }
            } catch { return false }
        }
        return true
    }

    private func isStillChild(_ child: Int32) -> Bool {
        (try? procFS.stat(of: child))?.parent == process.pid
    }

    /// The threads of the target, first those whose system call is restarted unnoticed.
    private func threadsByCalm() -> [Int32] {
        guard let threads = try? procFS.threadIDs(of: process.pid) else { return [] }
        var calm: [Int32] = []
        var other: [Int32] = []
        for thread in threads.prefix(256) {
            guard let call = procFS.currentCall(of: process.pid, thread: thread) else { continue }
            if let number = call.number, ZombieReaper.interruptedCalls.contains(number) {
                other.append(thread)
            } else {
                calm.append(thread)
            }
            if calm.count >= ZombieReaper.threadsTried { break }
        }
        return calm + other
    }

    /// The calls that return EINTR after a stop, by their numbers on x86-64 (signal(7)): msgsnd, msgrcv, semop,
    /// rt_sigtimedwait, io_getevents, semtimedop, epoll_wait, epoll_pwait, io_pgetevents, io_uring_enter, epoll_pwait2.
    private static let interruptedCalls: Set<Int> = [69, 70, 65, 128, 208, 220, 232, 281, 333, 426, 441]
}
