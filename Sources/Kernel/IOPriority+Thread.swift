import CLinux
import Glibc
package import Model
package import SystemPackage

extension IOPriority {
    /// That of a thread, as it was set; a class that is not known to nusu counts as none.
    ///
    /// Throws ESRCH where there is no such thread. The corresponding C function is `ioprio_get`.
    package static func ofThread(_ thread: Int32) throws(Errno) -> IOPriority {
        IOPriority(rawValue: try checked { clinux_ioprio_get(thread) }) ?? IOPriority(.none)
    }

    /// Throws ESRCH where there is no such thread, EPERM for another user's, and for the real-time class without the right to it
    /// (CAP_SYS_NICE or CAP_SYS_ADMIN).
    ///
    /// The corresponding C function is `ioprio_set`.
    package func set(ofThread thread: Int32) throws(Errno) {
        _ = try checked { clinux_ioprio_set(thread, rawValue) }
    }
}
