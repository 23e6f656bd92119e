import Kernel
package import Model
import SystemPackage

extension ProcFS {
    /// The I/O priority of a process's main thread, or of one of its threads; nil where it has ended.
    package func ioPriority(of process: ProcessIdentity, thread: ProcessIdentity? = nil) -> IOPriority? {
        try? IOPriority.ofThread((thread ?? process).pid)
    }

    /// Sets the I/O priority of all threads of a process, or of one. The kernel keeps it thread by thread: ionice(1) changes that of
    /// the main thread alone.
    /// - Throws: `.noTarget` where it has ended, `.notPermitted`. Threads that were changed before stay so.
    package func setIOPriority(
        of process: ProcessIdentity, thread: ProcessIdentity? = nil, to priority: IOPriority
    ) throws(Failure) {
        let refusal =
            priority.kind == .realTime ? "may not be served before all others" : "may not be changed"
        try change(process, thread, refusal: refusal) { number throws(Errno) in
            try priority.set(ofThread: number)
        }
    }

    /// Sets by which rule all threads of a process, or one, get a processor.
    /// - Throws: `.noTarget` where it has ended, `.notPermitted`. Threads that were changed before stay so.
    package func setPolicy(
        of process: ProcessIdentity, thread: ProcessIdentity? = nil, to policy: ThreadPolicy
    ) throws(Failure) {
        let refusal =
            policy.kind.isRealTime ? "may not run in real time (RLIMIT_RTPRIO is lower)" : "may not be changed"
        try change(process, thread, refusal: refusal) { number throws(Errno) in
            try policy.set(ofThread: number)
        }
    }
}
