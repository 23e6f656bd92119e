import CLinux
import Glibc
package import SystemPackage

/// What the kernel counted of threads that run (taskstats), one question for each. What it says are bytes: Capture reads them.
package struct ThreadRecords: ~Copyable {
    private let descriptor: Int32
    private let family: UInt16
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)

    /// Throws EOPNOTSUPP where the kernel was built without taskstats.
    ///
    /// The corresponding C functions are `socket` (AF_NETLINK, NETLINK_GENERIC) and `connect`.
    package init() throws(Errno) {
        var family: UInt16 = 0
        descriptor = try checked { clinux_open_thread_records(&family) }
        self.family = family
    }

    deinit {
        close(descriptor)
        buffer.deallocate()
    }

    /// The datagram about a thread, valid until the next call.
    ///
    /// Throws EPERM without CAP_NET_ADMIN in the first user namespace, EINVAL in another process namespace than the first, ESRCH where
    /// there is no such thread. The corresponding C functions are `send` and `recv`.
    package borrowing func read(ofThread thread: Int32) throws(Errno) -> UnsafeRawBufferPointer {
        let count = try checked {
            clinux_read_thread_record(descriptor, family, thread, buffer.baseAddress, buffer.count)
        }
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }
}
