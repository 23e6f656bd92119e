package import SystemPackage

import CLinux
import Glibc

/// The kernel's records of threads that end, anywhere on the machine (taskstats). What it says are bytes: Capture reads them.
package struct ExitRecords: ~Copyable {
    private let descriptor: Int32
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 << 10, alignment: 16)

    /// Throws EPERM without CAP_NET_ADMIN in the first user namespace, EOPNOTSUPP where the kernel was built without taskstats,
    /// EINVAL in another process namespace than the first.
    ///
    /// The corresponding C functions are `socket` (AF_NETLINK, NETLINK_GENERIC) and `send`.
    package init() throws(Errno) { descriptor = try checked { clinux_open_exit_records() } }

    deinit {
        // The kernel takes a listener that is gone off its lists.
        close(descriptor)
        buffer.deallocate()
    }

    /// Hands over all that has come in, one datagram at a time, without waiting.
    /// - Parameter limit: datagrams at most; the rest stays for the next call.
    /// - Returns: false when the kernel had to leave some out, since nobody read them for too long.
    ///
    /// The corresponding C function is `recv`.
    package borrowing func drain(limit: Int, _ take: (UnsafeRawBufferPointer) -> Void) -> Bool {
        var isWhole = true
        for _ in 0..<limit {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 {
                take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            } else if count < 0, errno == ENOBUFS {
                isWhole = false
            } else if count < 0, errno == EINTR {
                continue
            } else {
                break
            }
        }
        return isWhole
    }
}
