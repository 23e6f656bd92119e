package import Model

import Glibc
import Kernel
import SystemPackage

/// Freezes a running process for a short time, or a copy of it for a longer one, and harms nothing.
package enum Snapshot {
    /// Takes the snapshot that was planned, runs `body` with it, and ends it on every path.
    ///
    /// All of it, `body` included, runs on a thread of its own, because an attachment belongs to a thread; the caller waits.
    /// While it lasts SIGINT, SIGTERM, SIGHUP and SIGQUIT are held back on the calling thread: reads then fail, the session
    /// ends, and the failure is `.interrupted`.
    ///
    /// A thread that stands in the kernel (it waits for a disk, say) cannot be stopped. It is waited for without holding the
    /// others, for up to `patienceSeconds`, and tried once more.
    ///
    /// - Parameter observer: told of every step after it was taken, on that thread.
    /// - Throws: what `body` throws; `.noTarget`, `.notPermitted`, `.unsupported` when there is no snapshot, or when it had to
    ///   be given up.
    package static func take<Result>(
        _ plan: SnapshotPlan, procFS: ProcFS = ProcFS(), observer: @Sendable (SnapshotStep) -> Void = { _ in },
        body: @Sendable (SnapshotSession) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let gate = SignalGate()
        defer { gate.hold() }
        do throws(SnapshotCapture.Obstacle) {
            return try attempt(plan, procFS: procFS, observer: observer, body: body)
        } catch {
            guard case .stuck(let thread, _) = error, leavesTheKernel(thread, of: plan.process, procFS) else {
                throw failure(error, plan)
            }
        }
        do throws(SnapshotCapture.Obstacle) {
            return try attempt(plan, procFS: procFS, observer: observer, body: body)
        } catch { throw failure(error, plan) }
    }

    private static let patienceSeconds = 1.0

    /// Waits until a second try can stop the thread; false when it stays where none can.
    private static func leavesTheKernel(_ thread: Int32, of process: ProcessIdentity, _ procFS: ProcFS) -> Bool {
        let deadline = Moment.now.after(seconds: patienceSeconds)
        while (try? procFS.stat(of: process.pid, thread: thread))?.state == UInt8(ascii: "D") {
            guard Moment.now < deadline else { return false }
            Pause.sleep(seconds: 0.005)
        }
        return true
    }

    /// On a thread of its own: only its end lets a thread go that does not stop.
    private static func attempt<Result>(
        _ plan: SnapshotPlan, procFS: ProcFS, observer: @Sendable (SnapshotStep) -> Void,
        body: @Sendable (SnapshotSession) throws(Failure) -> Result
    ) throws(SnapshotCapture.Obstacle) -> Result {
        try OwnerThread.run { () throws(SnapshotCapture.Obstacle) -> Result in
            try withoutActuallyEscapingObserver(observer) { observer throws(SnapshotCapture.Obstacle) in
                let session = try begin(plan, procFS: procFS, observer: observer)
                do throws(Failure) {
                    return try use(session, process: plan.process, body: body)
                } catch { throw .failure(error) }
            }
        } failed: { error in
            .failure(
                Failure(
                    .internal, what: "cannot start a thread: \(error)", subject: plan.process.description,
                    remedy: "free some memory, or raise the limit on processes (ulimit -u)"))
        }
    }

    private static func withoutActuallyEscapingObserver<Result>(
        _ observer: (SnapshotStep) -> Void,
        _ body: (@escaping (SnapshotStep) -> Void) throws(SnapshotCapture.Obstacle) -> Result
    ) throws(SnapshotCapture.Obstacle) -> Result {
        typealias Outcome = Swift.Result<Result, SnapshotCapture.Obstacle>
        let outcome: Outcome = withoutActuallyEscaping(observer) { observer in
            do throws(SnapshotCapture.Obstacle) {
                return .success(try body(observer))
            } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    /// The planned method, or the one it falls back to when the target cannot be made to fork.
    private static func begin(
        _ plan: SnapshotPlan, procFS: ProcFS, observer: @escaping (SnapshotStep) -> Void
    ) throws(SnapshotCapture.Obstacle) -> SnapshotSession {
        do throws(SnapshotCapture.Obstacle) {
            return try SnapshotCapture(plan: plan, method: plan.method, procFS: procFS, observer: observer).session()
        } catch {
            guard case .unforkable = error, let fallback = plan.fallback else { throw error }
            return try SnapshotCapture(plan: plan, method: fallback, procFS: procFS, observer: observer).session()
        }
    }

    private static func failure(_ obstacle: SnapshotCapture.Obstacle, _ plan: SnapshotPlan) -> Failure {
        switch obstacle {
        case .failure(let failure), .stuck(_, let failure): failure
        case .unforkable(let reason): unforkable(plan, reason)
        }
    }

    private static func unforkable(_ plan: SnapshotPlan, _ reason: String) -> Failure {
        let cost = SnapshotCost(anonymousBytes: plan.anonymousBytes, pageTableBytes: 0, threads: plan.threads)
        let pause = cost.pauseSeconds(.copy)
        let allowance = pause > plan.maxPauseSeconds ? " --max-pause \(Measure.option(pause))" : ""
        return Failure(
            .unsupported, what: "\(plan.process) cannot be forked: \(reason)", subject: plan.process.description,
            remedy: "use --snapshot copy\(allowance) (stops \(plan.process.command) for about "
                + "\(Measure.seconds(pause)))")
    }

    static func use<Result>(
        _ session: SnapshotSession, process: ProcessIdentity, body: (SnapshotSession) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let outcome: Swift.Result<Result, Failure>
        do throws(Failure) { outcome = .success(try body(session)) } catch { outcome = .failure(error) }
        session.end()
        switch session.stop {
        case .interrupted(let signal):
            throw Failure(
                .interrupted(signal: signal), what: "ended by signal \(signal); \(process) runs on",
                subject: process.description, remedy: "start it again when it suits")
        case .lowMemory:
            throw Failure(
                .unsupported,
                what: "the memory group of \(process) ran low while the snapshot was read: it was given up",
                subject: process.description, remedy: "use --snapshot stream (no fork, no copy), or raise the limit")
        case .childGone:
            throw Failure(
                .unsupported, what: "the snapshot of \(process) was killed while it was read",
                subject: process.description, remedy: "try again; if memory is short use --snapshot stream")
        case .ended, nil: return try outcome.get()
        }
    }
}
