import Capture
import Dispatch
import Kernel
import Model
import Report
import Synchronization
import Terminal

/// Takes the looks of the live screen on a thread of its own, so that a key never waits for one.
final class TopSampler: Sendable {
    private struct Mail {
        var demand: TopDemand
        var sample: TopSample?
        var failure: Failure?
        var isOver = false
    }

    private let mail: Mutex<Mail>
    private let calls = DispatchSemaphore(value: 0)
    private let procfs: ProcFS
    private let interval: Double
    private let firstDemand: @Sendable (TopSample?) -> TopDemand
    private let ready: @Sendable () -> Void

    /// The second look comes soon, so that there are rates to see.
    private static let secondLookSeconds = 0.5

    /// - Parameters:
    ///   - firstDemand: what the first look has to read: before anything was seen, and given what was.
    ///   - ready: called on the sampler's thread when there is something to take.
    init(
        procfs: ProcFS, interval: Double, firstDemand: @escaping @Sendable (TopSample?) -> TopDemand,
        ready: @escaping @Sendable () -> Void
    ) {
        mail = Mutex(Mail(demand: firstDemand(nil)))
        self.procfs = procfs
        self.interval = interval
        self.firstDemand = firstDemand
        self.ready = ready
    }

    /// - Throws: `.internal` where there is no thread to be had.
    func start() throws(Failure) {
        do { _ = try WatchedThread { [self] in run() } } catch {
            throw Failure(
                .internal, what: "cannot start a thread: \(error)", subject: "nusu",
                remedy: "look at the limits: ulimit -u, and pids.max of nusu's control group")
        }
    }

    /// What the next look is to read.
    func want(_ demand: TopDemand) { mail.withLock { $0.demand = demand } }

    /// The next look comes now.
    func lookNow() { calls.signal() }

    func end() {
        mail.withLock { $0.isOver = true }
        calls.signal()
    }

    /// The latest sample, once.
    func take() throws(Failure) -> TopSample? {
        let (sample, failure) = mail.withLock { mail in
            defer { mail.sample = nil }
            return (mail.sample, mail.failure)
        }
        if let failure { throw failure }
        return sample
    }

    private func run() {
        let look = TopLook(procfs: procfs, argumentLimit: TopLook.screenArguments)
        var next = Moment.now
        var isFirst = true
        var before = TopDemand(hasThreads: true)
        while true {
            let (demand, isOver) = mail.withLock { ($0.demand, $0.isOver) }
            if isOver { return }
            do throws(Failure) {
                let sample = try isFirst ? look.first(firstDemand) : look.look(demand)
                mail.withLock { $0.sample = sample }
            } catch {
                mail.withLock { $0.failure = error }
            }
            ready()
            // What is looked at for the first time has no rates yet.
            let isNew =
                isFirst || demand.hasThreads && !before.hasThreads
                || !demand.everywhere.isSubset(of: before.everywhere)
            next = max(next.after(seconds: isNew ? min(interval, TopSampler.secondLookSeconds) : interval), Moment.now)
            isFirst = false
            before = demand
            let left = next.seconds(since: Moment.now)
            // Called, the look is taken now and the next one an interval later.
            if calls.wait(timeout: .now() + left) == .success {
                next = Moment.now
                while calls.wait(timeout: .now()) == .success {}
            }
        }
    }
}
