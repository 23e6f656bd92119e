/// How a snapshot is made. The names are a promise to scripts (`--snapshot`).
package enum SnapshotMethod: String, CaseIterable, Sendable {
    /// The target is forked by an injected system call; the frozen child is read, the target runs on.
    case fork
    /// The target is stopped while its writable memory is copied.
    case copy
    /// The target is stopped while its memory is read in windows; nothing is copied.
    case stream
}

/// How a snapshot went: what the user is told of its cost.
package struct SnapshotFacts: Hashable, Sendable {
    package var method: SnapshotMethod
    /// From the first thread's stop to the last thread's release, in seconds.
    package var pauseSeconds: Double
    /// Number of threads that were stopped.
    package var threads: Int

    package init(method: SnapshotMethod, pauseSeconds: Double, threads: Int) {
        self.method = method
        self.pauseSeconds = pauseSeconds
        self.threads = threads
    }
}
