/// The fields of `/proc/PID/status` that nusu uses (man 5 proc_pid_status). A field that this kernel lacks, or that a
/// process without memory lacks (kernel threads, zombies), is nil or empty.
package struct ProcessStatus: Hashable, Sendable {
    package struct Owner: Hashable, Sendable {
        package var real: UInt32
        package var effective: UInt32
        package var saved: UInt32

        package init(real: UInt32, effective: UInt32, saved: UInt32) {
            self.real = real
            self.effective = effective
            self.saved = saved
        }
    }

    /// The process that a thread belongs to; its own number for a main thread.
    package var processID: Int32 = 0
    /// 0: nobody traces it.
    package var tracerPid: Int32 = 0
    package var user = Owner(real: 0, effective: 0, saved: 0)
    package var group = Owner(real: 0, effective: 0, saved: 0)
    /// The process's number in each pid namespace it is in, from the one /proc belongs to down to its own.
    package var namespacePids: [Int32] = []
    /// VmSize.
    package var virtualBytes: UInt64?
    /// VmRSS: as the kernel counts it, exact to a few pages per processor.
    package var residentBytes: UInt64?
    /// RssAnon.
    package var anonymousResidentBytes: UInt64?
    /// RssShmem.
    package var sharedResidentBytes: UInt64?
    /// VmSwap.
    package var swappedBytes: UInt64?
    /// VmPTE.
    package var pageTableBytes: UInt64?
    /// VmLck: locked in memory; a forked child's copy is not.
    package var lockedBytes: UInt64?
    package var threadCount: Int?
    /// Bit n-1 stands for signal n. Of the thread, of the whole process, blocked, ignored, caught.
    package var signalsPending: UInt64 = 0
    package var signalsPendingShared: UInt64 = 0
    package var signalsBlocked: UInt64 = 0
    package var signalsIgnored: UInt64 = 0
    package var signalsCaught: UInt64 = 0
    /// CapEff: bit n stands for capability n (include/uapi/linux/capability.h).
    package var effectiveCapabilities: UInt64 = 0
    /// 0 none, 1 strict, 2 filter; nil where the kernel has no seccomp.
    package var seccompMode: Int32?
    /// How often it gave its processor up to wait (voluntary), and how often it was pushed off (involuntary). Of the thread.
    package var voluntarySwitches: UInt64?
    package var involuntarySwitches: UInt64?
    /// The thread runs with a shadow stack (x86_Thread_features: shstk): returning through a made-up frame would end it.
    package var shadowStack = false

    package init() {}

    /// CAP_SYS_PTRACE in the effective set.
    package var mayTraceOthers: Bool { effectiveCapabilities & (1 << 19) != 0 }
}
