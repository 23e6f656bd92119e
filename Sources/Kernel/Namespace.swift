package import SystemPackage

import CLinux
import Glibc

/// Looking around in another namespace (man 7 namespaces), from a thread that ends there.
package enum Namespace {
    package enum Kind: Sendable {
        case network
        /// Of System V's objects and of message queues.
        case ipc
    }

    /// Runs `body` on a thread of its own in the namespace at `path` (`/proc/PID/ns/net`).
    ///
    /// Throws EPERM without CAP_SYS_ADMIN there.
    ///
    /// The corresponding C function is `setns`.
    package static func visit<Result>(
        _ path: String, _ kind: Kind, _ body: () throws(Errno) -> Result
    ) throws(Errno) -> Result {
        try OwnerThread.run(
            { () throws(Errno) -> Result in
                let file = try checked { open(path, O_RDONLY | O_CLOEXEC) }
                defer { close(file) }
                _ = try checked { kind == .network ? clinux_enter_network(file) : clinux_enter_ipc(file) }
                return try body()
            }, failed: { $0 })
    }
}
