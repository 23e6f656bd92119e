// Rings through tasks and timers.

import DemoTruth
import Dispatch
import Glibc
import Synchronization

private let started = Atomic<Int>(0)

/// Its task waits for an answer that never comes.
final class Stuck: Sendable {
    let task = Mutex<Task<Void, Never>?>(nil)
    let count = Atomic<Int>(0)

    @inline(never)
    func start() {
        let new = Task {
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in
                // Whoever was to resume it has forgotten it.
                _ = started.add(1, ordering: .relaxed)
            }
            self.count.add(1, ordering: .relaxed)
        }
        task.withLock { $0 = new }
    }
}

/// The same without a lock in between.
final class Waiting: @unchecked Sendable {
    var task: Task<Void, Never>?
    var count = 0

    @inline(never)
    func start() {
        task = Task {
            await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in
                _ = started.add(1, ordering: .relaxed)
            }
            self.count += 1
        }
    }
}

/// Ticks for ever: in use as long as its timer is, whoever has forgotten it.
final class Ticker: @unchecked Sendable {
    let timer = DispatchSource.makeTimerSource()
    var ticks = 0

    @inline(never)
    func start() {
        timer.setEventHandler { self.ticks += 1 }
        timer.schedule(deadline: .now() + 3600)
        timer.resume()
    }
}

/// Sleeps for an hour and then goes on: in use.
final class Sleeper: @unchecked Sendable {
    var task: Task<Void, Never>?
    var count = 0

    @inline(never)
    func start() {
        task = Task {
            _ = started.add(1, ordering: .relaxed)
            try? await Task.sleep(nanoseconds: 3_600_000_000_000)
            self.count += 1
        }
    }
}

/// What tasks do.
func taskCycles(_ argument: UnsafePointer<CChar>?) {
    expect(
        "Stuck.task -> Task.frame -> Stuck",
        breakAt: "the task in Stuck.task never ends: resume or cancel it, or capture self weakly", isCertain: false)
    repeatedly {
        let stuck = Stuck()
        stuck.start()
        loseRing(stuck)
    }
    expect(
        "Waiting.task -> Task.frame -> Waiting",
        breakAt: "the task in Waiting.task never ends: resume or cancel it, or capture self weakly", isCertain: false)
    repeatedly {
        let waiting = Waiting()
        waiting.start()
        loseRing(waiting)
    }
    silent("Ticker", "Sleeper")
    repeatedly { Ticker().start() }
    repeatedly { Sleeper().start() }
    while started.load(ordering: .relaxed) < 3 * ringCount { usleep(1000) }
    // The last ones still have to get from counting to waiting.
    usleep(50_000)
}
