import Glibc
package import Model
package import SystemPackage

extension ThreadPolicy {
    /// That a child is to start with a normal policy stays as it is (SCHED_RESET_ON_FORK).
    ///
    /// Throws ESRCH where there is no such thread, EPERM for another user's, and for what its user may not have without
    /// CAP_SYS_NICE. The corresponding C functions are `sched_getscheduler` and `sched_setscheduler`.
    package func set(ofThread thread: Int32) throws(Errno) {
        let before = try checked { sched_getscheduler(thread) }
        var parameters = sched_param()
        parameters.sched_priority = priority
        _ = try checked { sched_setscheduler(thread, kind.rawValue | before & ThreadPolicy.resetOnFork, &parameters) }
    }

    /// SCHED_RESET_ON_FORK (include/uapi/linux/sched.h)
    private static let resetOnFork: Int32 = 0x4000_0000
}
