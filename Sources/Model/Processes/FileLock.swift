/// A lock of a file, or of a part of one, that a process has or waits for (man 5 proc_locks, man 2 flock, man 2 fcntl).
package struct FileLock: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable {
        /// fcntl's: of the process, gone as soon as it closes any descriptor of the file.
        case posix = "POSIX"
        /// flock's: of the open file, with all who inherited it.
        case flock = "FLOCK"
        /// fcntl's of the open file.
        case openFile = "OFDLCK"
        case lease = "LEASE"
        case delegation = "DELEG"
    }

    package var kind: Kind
    /// Others may have it too.
    package var isShared: Bool
    /// It is not had yet.
    package var isWaiting: Bool
    /// Who took it or waits for it; nil for a lock of an open file, which may be several processes'.
    package var owner: Int32?
    package var file: Mapping.FileID
    /// The bytes that are locked, from the file's start; `last` is nil for its end, whatever its length.
    package var first: UInt64
    package var last: UInt64?
    /// The kernel's number of the lock in its list: who waits for it has the same.
    package var number: UInt64
    /// The descriptor that it was taken by; nil where that is not known.
    package var descriptor: Int32?
    /// Where the file is, raw; nil where that may not be seen.
    package var path: [UInt8]?
    /// Of a lock that is had who waits for it; of one that is waited for who has it. Where these are known.
    package var others: [ProcessIdentity] = []

    package init(
        kind: Kind, isShared: Bool, isWaiting: Bool, owner: Int32?, file: Mapping.FileID, first: UInt64, last: UInt64?,
        number: UInt64
    ) {
        self.kind = kind
        self.isShared = isShared
        self.isWaiting = isWaiting
        self.owner = owner
        self.file = file
        self.first = first
        self.last = last
        self.number = number
    }
}
