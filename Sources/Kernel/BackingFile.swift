package import Model

import Glibc

/// The file behind a mapping of another process, opened through `/proc/PID/map_files` (man 5 proc_pid_map_files): that works
/// for memory files without a name too. Needs CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN.
package enum BackingFile {
    /// A bound on the pieces of one file.
    private static let pieceLimit = 1 << 16
    /// SEEK_DATA and SEEK_HOLE of <linux/fs.h>, which the C library shows under _GNU_SOURCE only.
    private static let seekData: Int32 = 3
    private static let seekHole: Int32 = 4

    /// The parts of a shared mapping whose file holds data, as addresses of the mapping, whether or not the process has
    /// touched them; nil where the file cannot be opened or does not tell.
    ///
    /// Only for files in memory: asking is cheap there, and reading brings nothing in from a disk.
    /// The corresponding C function is `lseek` with SEEK_DATA and SEEK_HOLE.
    package static func data(of mapping: Mapping, process: Int32, root: String = "/proc") -> [AddressRange]? {
        let lower = String(mapping.range.lower, radix: 16)
        let upper = String(mapping.range.upper, radix: 16)
        let descriptor = open("\(root)/\(process)/map_files/\(lower)-\(upper)", O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard let first = Int(exactly: mapping.fileOffset), let size = Int(exactly: mapping.range.count) else {
            return nil
        }
        var result: [AddressRange] = []
        var at = first
        while at < first + size, result.count < pieceLimit {
            let start = lseek(descriptor, at, seekData)
            // No data behind here.
            if start < 0 { return errno == ENXIO ? result : nil }
            guard start < first + size else { break }
            let end = lseek(descriptor, start, seekHole)
            guard end > start else { return nil }
            let begin = mapping.range.lower + UInt64(start - first)
            result.append(AddressRange(begin, min(mapping.range.lower + UInt64(end - first), mapping.range.upper)))
            at = end
        }
        return result
    }
}
