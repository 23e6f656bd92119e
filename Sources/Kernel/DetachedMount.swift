package import SystemPackage

import CLinux
import Glibc

/// A file system of the kernel's that is mounted nowhere: only nusu can reach it, and it is gone with nusu.
package struct DetachedMount: ~Copyable {
    private let descriptor: Int32

    /// - Parameter type: "tracefs".
    ///
    /// Throws EPERM without CAP_SYS_ADMIN, ENOSYS before Linux 5.2, ENODEV where the kernel has no such file system.
    ///
    /// The corresponding C functions are `fsopen` and `fsmount`.
    package init(_ type: String) throws(Errno) { descriptor = try checked { clinux_detached_mount(type) } }

    deinit { close(descriptor) }

    /// What leads to its top folder while this lives.
    package var path: String { "/proc/self/fd/\(descriptor)" }
}
