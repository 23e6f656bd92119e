import Kernel
import Model
import Synchronization

/// Whether a snapshot may still be read, shared by all who read it. Asks now and then for the user's signals, so that a long
/// read ends when it must.
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

    private let state = Atomic<Int>(open)
    private let calls = Atomic<Int>(0)
    private let polledBytes = Atomic<Int>(0)

    var stop: Stop? {
        switch state.load(ordering: .acquiring) {
        case ReadingState.open: nil
        case ReadingState.ended: .ended
        case ReadingState.lowMemory: .lowMemory
        case ReadingState.childGone: .childGone
        case let value: .interrupted(signal: Int32(truncatingIfNeeded: value - ReadingState.signalBase))
        }
    }

    func end() { become(ReadingState.ended) }
    func loseChild() { become(ReadingState.childGone) }
    func runLow() { become(ReadingState.lowMemory) }

    /// Counts a read; false when nothing may be read any more.
    func admit(bytes: Int) -> Bool {
        if polledBytes.add(bytes, ordering: .relaxed).newValue >= ReadingState.bytesBetweenPolls
            || calls.add(1, ordering: .relaxed).newValue >= ReadingState.callsBetweenPolls
        {
            polledBytes.store(0, ordering: .relaxed)
            calls.store(0, ordering: .relaxed)
            pollSignals()
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
