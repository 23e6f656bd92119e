/// Which processors the threads of a process may run on, or one of them (man 7 sched: CPU affinity). The kernel keeps that thread by
/// thread.
package struct ProcessorUse: Hashable, Sendable {
    /// Every one of the threads may run on these, and at least one of them on those.
    package var ofAll: ProcessorSet
    package var ofSome: ProcessorSet
    /// What their cpuset leaves them of the processors that are online (man 7 cpuset); nothing else can be chosen.
    package var allowed: ProcessorSet
    /// Threads that this is about.
    package var threadCount: Int

    package init(ofAll: ProcessorSet, ofSome: ProcessorSet, allowed: ProcessorSet, threadCount: Int = 1) {
        self.ofAll = ofAll
        self.ofSome = ofSome
        self.allowed = allowed
        self.threadCount = threadCount
    }
}

/// The machine's own processors.
package struct MachineProcessors: Hashable, Sendable {
    /// They run.
    package var online: ProcessorSet
    /// There are more, which were taken off line.
    package var present: ProcessorSet

    package init(online: ProcessorSet, present: ProcessorSet) {
        self.online = online
        self.present = present.union(online)
    }
}

/// What is to become of them: a processor that is in neither stays as each thread has it.
package struct ProcessorChange: Hashable, Sendable {
    package var added: ProcessorSet
    package var removed: ProcessorSet

    package init(added: ProcessorSet = ProcessorSet(), removed: ProcessorSet = ProcessorSet()) {
        self.added = added
        self.removed = removed
    }

    package var isEmpty: Bool { added.isEmpty && removed.isEmpty }

    package func applied(to set: ProcessorSet) -> ProcessorSet { set.union(added).subtracting(removed) }
}
