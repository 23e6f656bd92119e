/// One line of `/proc/PID/maps`: a run of pages with one backing and one set of permissions (man 5 proc).
package struct Mapping: Hashable, Sendable {
    package struct Permissions: OptionSet, Hashable, Sendable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let read = Permissions(rawValue: 1)
        package static let write = Permissions(rawValue: 2)
        package static let execute = Permissions(rawValue: 4)
        /// MAP_SHARED; without it the mapping is private (copy on write).
        package static let shared = Permissions(rawValue: 8)
    }

    /// A file as the kernel tells it from others.
    package struct FileID: Hashable, Sendable {
        package let deviceMajor: UInt32
        package let deviceMinor: UInt32
        package let inode: UInt64

        package init(deviceMajor: UInt32, deviceMinor: UInt32, inode: UInt64) {
            self.deviceMajor = deviceMajor
            self.deviceMinor = deviceMinor
            self.inode = inode
        }
    }

    package let range: AddressRange
    package let permissions: Permissions
    /// Offset into the backing file in bytes; meaningless where there is none.
    package let fileOffset: UInt64
    /// Device number as the kernel prints it, major and minor.
    package let deviceMajor: UInt32
    package let deviceMinor: UInt32
    /// Inode of the backing file, 0 where there is none.
    package let inode: UInt64
    /// The last column as bytes, the kernel's `\012` for newline undone: a path, `[heap]`, `[stack]`, `[anon:NAME]`, or empty.
    package let nameBytes: [UInt8]

    package init(
        range: AddressRange, permissions: Permissions, fileOffset: UInt64 = 0, deviceMajor: UInt32 = 0,
        deviceMinor: UInt32 = 0, inode: UInt64 = 0, nameBytes: [UInt8] = []
    ) {
        self.range = range
        self.permissions = permissions
        self.fileOffset = fileOffset
        self.deviceMajor = deviceMajor
        self.deviceMinor = deviceMinor
        self.inode = inode
        self.nameBytes = nameBytes
    }

    /// The name with invalid UTF-8 replaced. Not escaped: whoever prints it must do that.
    package var name: String { String(decoding: nameBytes, as: UTF8.self) }
    /// Backed by a file (or by shared memory, which the kernel keeps as files).
    package var isFileBacked: Bool { inode != 0 }
    /// Which file is behind it, nil where there is none.
    package var file: FileID? {
        inode == 0 ? nil : FileID(deviceMajor: deviceMajor, deviceMinor: deviceMinor, inode: inode)
    }
    /// Private memory without a file behind it, `[heap]` and `[stack]` included.
    package var isAnonymous: Bool { inode == 0 && !permissions.contains(.shared) && !isKernelProvided }
    package var isHeap: Bool { nameBytes == Mapping.heapName }
    package var isMainStack: Bool { nameBytes == Mapping.stackName }
    /// vdso, vvar, vsyscall: pages that the kernel supplies and that hold no data of the program.
    package var isKernelProvided: Bool { nameBytes.starts(with: Mapping.vPrefix) }

    private static let heapName = Array("[heap]".utf8)
    private static let stackName = Array("[stack]".utf8)
    private static let vPrefix = Array("[v".utf8)
}
