package import Model
package import SystemPackage

import CLinux
import Glibc

/// Asks the kernel for the mappings of a process that others may share (PROCMAP_QUERY), which saves it from writing all of
/// them out as text: most processes have none.
package struct SharedMappingQuery: ~Copyable {
    private let descriptor: Int32
    private let name: UnsafeMutablePointer<UInt8>

    /// PATH_MAX, and what the kernel puts behind the name of a deleted file.
    private static let nameLimit = 4096 + 16

    private enum Flag {
        static let shared: UInt64 = 0x08
        static let coveringOrNext: UInt64 = 0x10
        static let fileBacked: UInt64 = 0x20
    }

    /// - Parameter path: of `/proc/PID/maps`.
    ///
    /// The corresponding C function is `open`.
    package init(_ path: String) throws(Errno) {
        descriptor = try checked { open(path, O_RDONLY | O_CLOEXEC) }
        name = .allocate(capacity: SharedMappingQuery.nameLimit)
    }

    deinit {
        close(descriptor)
        name.deallocate()
    }

    /// The first that ends above `address`; nil where there is none. Waits while the process's memory map is locked.
    ///
    /// Throws ENOTTY before Linux 6.11.
    ///
    /// The corresponding C function is `ioctl` (PROCMAP_QUERY).
    package borrowing func next(from address: UInt64) throws(Errno) -> Mapping? {
        var query = clinux_mapping_query()
        query.size = UInt64(MemoryLayout<clinux_mapping_query>.size)
        query.query_flags = Flag.shared | Flag.coveringOrNext | Flag.fileBacked
        query.query_address = address
        query.name_size = UInt32(SharedMappingQuery.nameLimit)
        query.name = UInt64(UInt(bitPattern: name))
        do {
            _ = try checked { clinux_query_mapping(descriptor, &query) }
        } catch {
            if error == .noSuchFileOrDirectory { return nil }
            throw error
        }
        // The size comes back with the NUL.
        let count = max(0, min(Int(query.name_size), SharedMappingQuery.nameLimit) - 1)
        // Its bits for reading, writing, running and sharing are those of Permissions.
        return Mapping(
            range: AddressRange(query.start, query.end),
            permissions: Mapping.Permissions(rawValue: UInt8(truncatingIfNeeded: query.flags & 0xf)),
            fileOffset: query.offset, deviceMajor: query.device_major, deviceMinor: query.device_minor,
            inode: query.inode, nameBytes: Array(UnsafeBufferPointer(start: name, count: count)))
    }
}
