package import Model

import Kernel
import SystemPackage

/// A snapshot while it can be read. It belongs to the thread that `Snapshot.take` runs its body on; the image's reader may be
/// used from any thread.
package final class SnapshotSession {
    package let image: MemoryImage
    /// In `stream` the pause lasts until `end()`, and is 0 before.
    package private(set) var facts: SnapshotFacts

    private let observer: (SnapshotStep) -> Void
    private let state: ReadingState
    /// Stream: the standing target.
    private var attachment: Attachment?
    private var child: FrozenChild?
    private let watch: HeadroomWatch?
    private let reaper: ZombieReaper?
    private var zombies: [Int32]
    private var isEnded = false

    init(
        image: MemoryImage, facts: SnapshotFacts, state: ReadingState, attachment: consuming Attachment?,
        child: consuming FrozenChild?, watch: HeadroomWatch?, reaper: ZombieReaper?, zombies: [Int32],
        observer: @escaping (SnapshotStep) -> Void
    ) {
        self.image = image
        self.facts = facts
        self.state = state
        self.attachment = attachment
        self.child = child
        self.watch = watch
        self.reaper = reaper
        self.zombies = zombies
        self.observer = observer
    }

    /// Why reading came to an early end; nil when it did not.
    var stop: ReadingState.Stop? { state.stop }

    /// Ends the snapshot: the target runs, the child is gone and nothing is left in the target. Afterwards copies
    /// are read as before, and everything else from the target as it then is. A second call does nothing.
    package func end() {
        guard !isEnded else { return }
        isEnded = true
        // Before the child's end: its identifier may then belong to another.
        watch?.end()
        state.pollSignals()
        if child?.hasEnded() == true { state.loseChild() }
        state.end()
        if var held = attachment.take() {
            held.release()
            facts.pauseSeconds = held.pauseSeconds
            observer(.released)
        }
        if var held = child.take() {
            if held.end(within: 5, note: { observer(.childKilled) }) { observer(.childEnded) }
        }
        if let reaper {
            // Asked again: the child of a run that was killed a moment ago may have ended only now.
            let left = Set(zombies).union(ZombieReaper.leftovers(of: reaper.process.pid, procFS: reaper.procFS))
            if !left.isEmpty { reaper.reap(left.sorted(), observer: observer) }
        }
        zombies = []
        observer(.ended)
    }

    deinit { end() }
}
