/// Where this kernel keeps what a program at its scheduler's hooks reads. Offsets are bytes.
package struct SchedulerLayout: Hashable, Sendable {
    /// The hooks, by the numbers of their types in BTF.
    package struct Hooks: Hashable, Sendable {
        package var leaving: UInt32
        package var waking: UInt32
        package var wakeupNew: UInt32
        package var migration: UInt32

        package init(leaving: UInt32, waking: UInt32, wakeupNew: UInt32, migration: UInt32) {
            self.leaving = leaving
            self.waking = waking
            self.wakeupNew = wakeupNew
            self.migration = migration
        }
    }

    package var hooks: Hooks
    /// In task_struct: the thread's number, its process's, the core that it is on.
    package var thread: Int
    package var process: Int
    package var core: Int
    /// In task_struct: a pointer to its queue; in that, one to the core's.
    package var fairQueue: Int
    package var coreQueue: Int
    /// From a core's queue to the same core's count of what must not be interrupted.
    package var preemptCount: Int

    package init(
        hooks: Hooks, thread: Int, process: Int, core: Int, fairQueue: Int, coreQueue: Int, preemptCount: Int
    ) {
        self.hooks = hooks
        self.thread = thread
        self.process = process
        self.core = core
        self.fairQueue = fairQueue
        self.coreQueue = coreQueue
        self.preemptCount = preemptCount
    }
}
