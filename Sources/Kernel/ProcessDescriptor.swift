package import SystemPackage

import CLinux
import Glibc

/// A pidfd (man 2 pidfd_open): means one process for ever, even when its number is another's.
package struct ProcessDescriptor: ~Copyable, Sendable {
    private let descriptor: Int32

    /// Throws ESRCH where there is no such process, ENOSYS where the kernel has no pidfds (before Linux 5.3), and whatever
    /// a sandbox answers.
    ///
    /// The corresponding C function is `pidfd_open`.
    package init(_ pid: Int32) throws(Errno) {
        descriptor = try checked { clinux_pidfd_open(pid) }
    }

    deinit { close(descriptor) }

    /// - Parameter signal: 0 only asks whether one may be sent.
    ///
    /// The corresponding C function is `pidfd_send_signal`.
    package borrowing func send(_ signal: Int32) throws(Errno) {
        _ = try checked { clinux_pidfd_send_signal(descriptor, signal) }
    }

    /// Whether it ends within so many seconds; a zombie has ended.
    ///
    /// The corresponding C function is `poll`.
    package borrowing func hasEnded(within seconds: Double) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, Int32(min(max(seconds, 0), 60) * 1000)) > 0
    }

    /// How it ended, once its parent has waited for it (Linux 6.15); nil where the kernel does not say.
    ///
    /// The corresponding C function is `ioctl` (PIDFD_GET_INFO).
    package borrowing func ending() -> WaitStatus? {
        // PIDFD_INFO_EXIT.
        var info = clinux_pidfd_info()
        info.mask = 1 << 3
        guard clinux_pidfd_info(descriptor, &info) == 0, info.mask & 1 << 3 != 0 else { return nil }
        return WaitStatus(status: info.exit_code)
    }

    /// For kernels without pidfds: whoever has the number at this moment gets the signal.
    ///
    /// The corresponding C function is `kill`.
    package static func send(_ signal: Int32, toNumber pid: Int32) throws(Errno) {
        _ = try checked { Glibc.kill(pid, signal) }
    }
}
