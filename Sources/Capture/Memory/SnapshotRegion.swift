import Kernel
import Model

/// A piece of the target's address space, and where its bytes come from.
struct SnapshotRegion: Hashable {
    enum Source: Hashable {
        /// Nothing ever written: zeros.
        case zeros
        /// nusu's copy, at this address of nusu's own.
        case copied(UInt)
        /// The child of a fork, or the target while it stands still.
        case frozen
        /// The target as it runs.
        case live
    }

    let range: AddressRange
    let source: Source
    let isWritable: Bool
    let isFileBacked: Bool
    let isShared: Bool
    /// All of it holds data, whatever the process's page tables say.
    var isPopulated = false
    /// Its file lies on a file system that nusu does not wait for (`FileServers`): only pages of the process's own may be read.
    var isServed = false

    /// A part of this region from a source of its own.
    func part(_ range: AddressRange, _ source: Source, isPopulated: Bool) -> SnapshotRegion {
        SnapshotRegion(
            range: range, source: source, isWritable: isWritable, isFileBacked: isFileBacked, isShared: isShared,
            isPopulated: isPopulated)
    }

    private init(
        range: AddressRange, source: Source, isWritable: Bool, isFileBacked: Bool, isShared: Bool, isPopulated: Bool
    ) {
        self.range = range
        self.source = source
        self.isWritable = isWritable
        self.isFileBacked = isFileBacked
        self.isShared = isShared
        self.isPopulated = isPopulated
    }

    init(_ range: AddressRange, _ source: Source, of mapping: Mapping) {
        self.range = range
        self.source = source
        isWritable = mapping.permissions.contains(.write)
        isFileBacked = mapping.isFileBacked
        isShared = mapping.permissions.contains(.shared)
    }
}

extension Mapping {
    /// Memory of a device: to read it can have effects.
    var isDevice: Bool {
        nameBytes.starts(with: "/dev/".utf8) && !nameBytes.starts(with: "/dev/shm/".utf8)
            && !nameBytes.starts(with: "/dev/zero".utf8)
    }

    /// Shared memory without a file on a disk: memfd_create, shm_open, System V, anonymous.
    var isSharedMemory: Bool {
        permissions.contains(.shared)
            && ["/memfd:", "/dev/shm/", "/dev/zero", "/SYSV"].contains { nameBytes.starts(with: $0.utf8) }
    }

    var isWritablePrivate: Bool { permissions.contains(.write) && !permissions.contains(.shared) }
    var isWritableShared: Bool { permissions.contains(.write) && permissions.contains(.shared) }
}
