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

    /// For who may read the process's files, but not trace it: opens the reading end of a pipe without a name once more. Not
    /// that of a FIFO: a first reader would let a writer go on that waits for one.
    ///
    /// Throws ESPIPE where that is no pipe, or not any more: nothing else is ever opened, for a device may do something then.
    ///
    /// The corresponding C functions are `open` (O_PATH, O_NONBLOCK) and `fstat`.
    package init(readingPipeAt link: String) throws(Errno) {
        // Means the file, without opening it.
        let file = try checked { open(link, ChannelFill.openPath | O_CLOEXEC) }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFIFO else { throw .illegalSeek }
        descriptor = try checked { open("/proc/self/fd/\(file)", O_RDONLY | O_NONBLOCK | O_CLOEXEC) }
    }

    /// O_PATH, which Glibc's headers show only to those who define _GNU_SOURCE.
    private static let openPath: Int32 = 0o10_000_000

    deinit { close(descriptor) }

    /// Bytes that lie unread in a pipe, and how many fit; nil for what is no pipe.
    ///
    /// The corresponding C functions are `ioctl` (FIONREAD) and `fcntl` (F_GETPIPE_SZ).
    package borrowing func pipe() -> (unread: Int, capacity: Int)? {
        var (unread, capacity): (Int32, Int32) = (0, 0)
        guard clinux_pipe_fill(descriptor, &unread, &capacity) == 0 else { return nil }
        return (Int(unread), Int(capacity))
    }

    /// The bytes that lie unread in a pipe, at most `limit`, which stay there; empty for what is no pipe.
    ///
    /// The corresponding C function is `tee`.
    package borrowing func unreadBytes(limit: Int) -> [UInt8] {
        guard let pipe = pipe(), pipe.unread > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: min(pipe.unread, limit))
        let count = bytes.withUnsafeMutableBytes { clinux_pipe_peek(descriptor, $0.baseAddress, $0.count) }
        return Array(bytes.prefix(max(count, 0)))
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
