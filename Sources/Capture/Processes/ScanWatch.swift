import Kernel
import Model
import Synchronization

/// Watches the thread that walks. Where that one got stuck at a locked memory map, another goes on behind it.
struct ScanWatch {
    /// How many threads may be left stuck; from there on no lockable file is opened.
    static let stuckLimit = 16

    private let walk: ScanWalk
    private let patience: Double
    private let first: WatchedThread

    /// Starts the walk.
    init(_ walk: ScanWalk, patience: Double) throws(Failure) {
        self.walk = walk
        self.patience = patience
        first = try ScanWatch.start(walk, as: 0)
    }

    /// Waits for the end of the walk, whatever it takes to get there.
    func finish() throws(Failure) {
        var thread = first
        for walker in 0...ScanWatch.stuckLimit {
            if walker > 0 { thread = try ScanWatch.start(walk, as: walker) }
            while !thread.waitForEnd(seconds: patience / 2) {
                if isStuck(thread), giveUp(walker) { break }
            }
            if walk.state.withLock({ $0.isDone }) { return }
        }
        walk.run(as: ScanWatch.stuckLimit + 1, mayWait: false)
    }

    private static func start(_ walk: ScanWalk, as walker: Int) throws(Failure) -> WatchedThread {
        do {
            return try WatchedThread { walk.run(as: walker) }
        } catch {
            throw Failure(
                .internal, what: "cannot start a thread: \(error)", subject: "nusu",
                remedy: "look at the limits: ulimit -u, and pids.max of nusu's control group")
        }
    }

    /// Waited for long enough, and not for a processor.
    private func isStuck(_ thread: WatchedThread) -> Bool {
        guard let since = walk.state.withLock({ $0.waiting?.since }), Moment.now.seconds(since: since) > patience else {
            return false
        }
        return thread.isAsleep
    }

    /// Keeps what is known of the process, and takes the walk from its walker; false when that one has just gone on.
    private func giveUp(_ walker: Int) -> Bool {
        walk.state.withLock { state in
            guard let waiting = state.waiting, state.walker == walker,
                Moment.now.seconds(since: waiting.since) > patience
            else { return false }
            var record = waiting.record
            record.locked = walk.lockable
            state.records.append(record)
            state.waiting = nil
            state.walker += 1
            return true
        }
    }
}
