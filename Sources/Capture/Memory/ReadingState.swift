import Kernel
import Model
import Synchronization

/// Whether a snapshot may still be read, shared by all who read it. Asks now and then for the user's signals and for the
/// memory that the target's control groups have left, so that a long read ends when it must.
final class ReadingState: Sendable {
    enum Stop: Hashable {
        /// The session has ended as it should.
        case ended
        case interrupted(signal: Int32)
        case lowMemory
        /// The child was killed, by the kernel or by somebody else.
        case childGone
    }

    private static let open = 0
    private static let ended = 1
    private static let lowMemory = 2
    private static let childGone = 3
    private static let signalBase = 1000

    private static let bytesBetweenPolls = 256 << 10
    private static let callsBetweenPolls = 64
    private static let bytesBetweenLooks = 8 << 20

    private let state = Atomic<Int>(open)
    private let calls = Atomic<Int>(0)
    private let polledBytes = Atomic<Int>(0)
    private let watchedBytes = Atomic<Int>(0)
    /// The child, killed as soon as memory runs low; 0: none.
    private let child = Atomic<Int32>(0)
    private let watch: (@Sendable () -> Bool)?

    /// - Parameter isLow: whether the target's groups are about to run out of memory; nil: nobody has a limit.
    init(isLow: (@Sendable () -> Bool)?) { watch = isLow }

    var stop: Stop? {
        switch state.load(ordering: .acquiring) {
        case ReadingState.open: nil
        case ReadingState.ended: .ended
        case ReadingState.lowMemory: .lowMemory
        case ReadingState.childGone: .childGone
        case let value: .interrupted(signal: Int32(truncatingIfNeeded: value - ReadingState.signalBase))
        }
    }

    func guardChild(_ pid: Int32) { child.store(pid, ordering: .releasing) }

    func end() { become(ReadingState.ended) }
    func loseChild() { become(ReadingState.childGone) }

    /// Counts a read; false when nothing may be read any more.
    func admit(bytes: Int) -> Bool {
        if polledBytes.add(bytes, ordering: .relaxed).newValue >= ReadingState.bytesBetweenPolls
            || calls.add(1, ordering: .relaxed).newValue >= ReadingState.callsBetweenPolls
        {
            polledBytes.store(0, ordering: .relaxed)
            calls.store(0, ordering: .relaxed)
            pollSignals()
        }
        if let watch, watchedBytes.add(bytes, ordering: .relaxed).newValue >= ReadingState.bytesBetweenLooks {
            watchedBytes.store(0, ordering: .relaxed)
            if watch() {
                become(ReadingState.lowMemory)
                // At once: to wait for the reader's own end could be too late for the target.
                let pid = child.load(ordering: .acquiring)
                if pid > 0 { FrozenChild.kill(pid) }
            }
        }
        return state.load(ordering: .acquiring) == ReadingState.open
    }

    /// Takes up a signal that has come in.
    func pollSignals() {
        if let signal = SignalGate.poll() { become(ReadingState.signalBase + Int(signal)) }
    }

    /// Only the first reason counts, save that a signal is never forgotten.
    private func become(_ value: Int) {
        let (exchanged, old) = state.compareExchange(
            expected: ReadingState.open, desired: value, ordering: .acquiringAndReleasing)
        if !exchanged, value >= ReadingState.signalBase, old < ReadingState.signalBase {
            state.store(value, ordering: .releasing)
        }
    }
}
