package import SystemPackage

import CLinux

/// Whether descriptors of two processes are of one open file.
package enum OpenFile {
    /// Their order: below 0, 0 for the same, above 0. The order means nothing else, and is the same until the next start of
    /// the machine.
    ///
    /// Throws EPERM without the right to read both processes, ENOSYS where the kernel has no kcmp.
    ///
    /// The corresponding C function is `kcmp` (KCMP_FILE).
    package static func order(
        _ one: (process: Int32, descriptor: Int32), _ two: (process: Int32, descriptor: Int32)
    ) throws(Errno) -> Int {
        let order = try checked {
            clinux_compare_files(one.process, two.process, one.descriptor, two.descriptor)
        }
        return order == 0 ? 0 : order == 1 ? -1 : 1
    }
}
