import Dispatch

/// Looks again and again at the memory that a target's control groups have left, for as long as a forked child lives: what
/// the target writes to meanwhile is copied, whether or not anybody reads.
final class HeadroomWatch {
    /// The fastest programs write to new pages at about 400 MiB/s, so to 4 MiB between two looks.
    private static let milliseconds = 10

    private let queue = DispatchQueue(label: "nusu.headroom")
    private let timer: any DispatchSourceTimer

    /// - Parameters:
    ///   - isLow: whether the groups are about to run out.
    ///   - onLow: called once, on another thread, when they are; never after `end()`.
    init(isLow: @escaping @Sendable () -> Bool, onLow: @escaping @Sendable () -> Void) {
        let timer = DispatchSource.makeTimerSource(queue: queue)
        self.timer = timer
        timer.schedule(deadline: .now(), repeating: .milliseconds(HeadroomWatch.milliseconds))
        timer.setEventHandler {
            // A cancelled timer does not fire again; the queue is serial.
            if isLow() { onLow() }
        }
        timer.activate()
    }

    deinit { end() }

    /// After this the watch does nothing any more, and is not just about to either.
    func end() {
        timer.cancel()
        queue.sync {}
    }
}
