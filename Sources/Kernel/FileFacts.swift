import CLinux
import Glibc

/// What the kernel knows of a file without asking the server that it may come from.
package struct FileFacts: Hashable, Sendable {
    /// S_IFREG …, of man 7 inode.
    package let type: UInt32
    /// Names that lead to it; 0: it was deleted, and goes when nobody has it open.
    package let links: UInt32
    package let deviceMajor: UInt32
    package let deviceMinor: UInt32
    package let inode: UInt64
    package let sizeBytes: UInt64
    /// What it takes of its disk.
    package let diskBytes: UInt64
    /// Of a device: which one.
    package let specialMajor: UInt32
    package let specialMinor: UInt32
    /// When it was last read, written, and changed in any way: seconds since 1970.
    package let accessed: Double
    package let modified: Double
    package let changed: Double

    /// Of what `name` below the open directory `folder` leads to; nil where it cannot be told.
    ///
    /// The corresponding C function is `statx`, with AT_STATX_DONT_SYNC.
    package init?(folder: Int32, name: String) {
        var facts = clinux_file_facts()
        guard clinux_file_facts(folder, name, &facts) == 0 else { return nil }
        type = facts.mode & UInt32(S_IFMT)
        links = facts.links
        deviceMajor = facts.device_major
        deviceMinor = facts.device_minor
        inode = facts.inode
        sizeBytes = facts.size
        diskBytes = facts.blocks.multipliedReportingOverflow(by: 512).partialValue
        (specialMajor, specialMinor) = (facts.special_major, facts.special_minor)
        (accessed, modified, changed) = (facts.accessed, facts.modified, facts.changed)
    }
}
