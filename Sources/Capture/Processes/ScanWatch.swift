import Kernel
import Model

/// Watches the thread that walks. Where that one got stuck at a locked memory map, another goes on behind it.
struct ScanWatch {
    /// How many threads may be left stuck; from there on no lockable file is opened.
    static let stuckLimit = 16

    private let walk: any WatchedWalk
    private let patience: Double
    private let first: WatchedThread

    /// Starts the walk.
    init(_ walk: any WatchedWalk, patience: Double) throws(Failure) {
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
                if isStuck(thread), walk.giveUp(walker, patience: patience) { break }
            }
            if walk.isDone { return }
        }
        walk.run(as: ScanWatch.stuckLimit + 1, mayWait: false)
    }

    private static func start(_ walk: any WatchedWalk, as walker: Int) throws(Failure) -> WatchedThread {
        do {
            return try WatchedThread { walk.run(as: walker, mayWait: true) }
        } catch {
            throw Failure(
                .internal, what: "cannot start a thread: \(error)", subject: "nusu",
                remedy: "look at the limits: ulimit -u, and pids.max of nusu's control group")
        }
    }

    /// Waited for long enough, and not for a processor.
    private func isStuck(_ thread: WatchedThread) -> Bool {
        guard let since = walk.waitingSince, Moment.now.seconds(since: since) > patience else {
            return false
        }
        return thread.isAsleep
    }
}
