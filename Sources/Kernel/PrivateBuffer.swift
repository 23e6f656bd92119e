package import SystemPackage

import Glibc

/// Memory of nusu's own from mmap, populated before it is needed: the first touch of a page is the dearest, and must
/// not fall into a target's pause.
package struct PrivateBuffer: ~Copyable, @unchecked Sendable {
    package let bytes: UnsafeMutableRawBufferPointer

    /// Throws ENOMEM where there is not that much.
    ///
    /// The corresponding C functions are `mmap` and `madvise` (MADV_POPULATE_WRITE, Linux 5.14).
    package init(count: Int, populated: Bool) throws(Errno) {
        guard count > 0 else {
            bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
            return
        }
        let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        let start = mmap(nil, count, PROT_READ | PROT_WRITE, flags, -1, 0)
        guard let start, start != UnsafeMutableRawPointer(bitPattern: -1) else { throw Errno(rawValue: errno) }
        bytes = UnsafeMutableRawBufferPointer(start: start, count: count)
        guard populated else { return }
        if madvise(start, count, 23) != 0 {
            // Older kernels: touch every page.
            var offset = 0
            while offset < count {
                start.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
                offset += 4096
            }
        }
    }

    deinit {
        if let start = bytes.baseAddress { munmap(start, bytes.count) }
    }
}
