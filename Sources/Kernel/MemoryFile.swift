package import SystemPackage

import Glibc
import Model

/// `/proc/PID/mem`: the memory of one process, read and written at its own addresses (man 5 proc_pid_mem).
///
/// It belongs to the memory, not to the process identifier: after an execve or the process's end reads give nothing.
/// Reading it never makes a private copy of a page that the process shares with others, as process_vm_readv does.
package struct MemoryFile: ~Copyable, Sendable {
    private let descriptor: Int32

    /// - Parameter pid: of a process or a thread.
    package init(_ pid: Int32, writable: Bool = false, root: String = "/proc") throws(Errno) {
        let flags = (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC
        descriptor = try checked { open("\(root)/\(pid)/mem", flags) }
    }

    deinit { close(descriptor) }

    /// Reads until `buffer` is full or up to the first byte that cannot be read; the number of bytes read.
    ///
    /// The corresponding C function is `pread`.
    package func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let base = buffer.baseAddress else { return 0 }
        var done = 0
        while done < buffer.count {
            let (at, overflow) = address.addingReportingOverflow(UInt64(done))
            // The kernel takes a signed offset; no address of user space is that high.
            guard !overflow, at < 1 << 63 else { break }
            let count = pread(descriptor, base + done, buffer.count - done, off_t(at))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            done += count
        }
        return done
    }

    /// The `count` bytes at `address`, or nil when not all can be read.
    package func bytes(at address: UInt64, count: Int) -> [UInt8]? {
        var got = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            got = read(at: address, into: UnsafeMutableRawBufferPointer(buffer))
            initialized = got
        }
        return got == count ? bytes : nil
    }

    /// A 64-bit word, or nil when it cannot be read.
    package func word(at address: UInt64) -> UInt64? {
        var value: UInt64 = 0
        let count = withUnsafeMutableBytes(of: &value) { read(at: address, into: $0) }
        return count == 8 ? value : nil
    }

    /// Writes all of `bytes`; EIO when a part could not be written.
    ///
    /// The corresponding C function is `pwrite`.
    package func write(_ bytes: [UInt8], at address: UInt64) throws(Errno) {
        guard address < 1 << 63 else { throw .badAddress }
        let count = try checked {
            bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, off_t(address)) }
        }
        guard count == bytes.count else { throw .ioError }
    }
}
