package import SystemPackage

import CLinux
import Glibc

/// How much lies in another process's channel. Asks by a copy of the process's own descriptor (man 2 pidfd_getfd), which
/// takes nothing out, opens no end anew, and is closed at once: whoever waits for the last holder to close waits some
/// microseconds longer at most.
package struct ChannelFill: ~Copyable {
    private let descriptor: Int32

    /// Throws EPERM without the right to trace the process, ENOSYS before Linux 5.6, EBADF where it is closed. Waits while
    /// the process becomes another program (exec).
    ///
    /// The corresponding C functions are `pidfd_open` and `pidfd_getfd`.
    package init(process: Int32, descriptor: Int32) throws(Errno) {
        let handle = try checked { clinux_pidfd_open(process) }
        defer { close(handle) }
        self.descriptor = try checked { clinux_pidfd_getfd(handle, descriptor) }
    }

    /// For who may read the process's files, but not trace it: opens a pipe's reading end once more. Only where somebody has
    /// it open already: a first reader would let a writer go on that waits for one.
    ///
    /// The corresponding C function is `open` (O_NONBLOCK), on the link in `/proc/PID/fd`.
    package init(readingAt link: String) throws(Errno) {
        descriptor = try checked { open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY) }
    }

    deinit { close(descriptor) }

    /// Bytes that lie unread in a pipe, and how many fit; nil for what is no pipe.
    ///
    /// The corresponding C functions are `ioctl` (FIONREAD) and `fcntl` (F_GETPIPE_SZ).
    package borrowing func pipe() -> (unread: Int, capacity: Int)? {
        var (unread, capacity): (Int32, Int32) = (0, 0)
        guard clinux_pipe_fill(descriptor, &unread, &capacity) == 0 else { return nil }
        return (Int(unread), Int(capacity))
    }

    /// Messages in a POSIX queue, how many it may hold, and the bytes of one; nil for what is no queue.
    ///
    /// The corresponding C function is `mq_getattr`.
    package borrowing func queue() -> (messages: Int, limit: Int, messageBytes: Int)? {
        var (messages, limit, size) = (0, 0, 0)
        guard clinux_queue_fill(descriptor, &messages, &limit, &size) == 0 else { return nil }
        return (messages, limit, size)
    }
}
