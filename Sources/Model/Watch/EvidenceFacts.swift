/// What is written beside a snapshot that is kept as evidence: where the memory lies, and what is open.
package struct EvidenceFacts: Hashable, Sendable {
    /// All mappings of one name.
    package struct Mapped: Hashable, Sendable {
        /// A path, `[heap]`, `[stack]`; empty for anonymous memory.
        package var nameBytes: [UInt8]
        package var count: Int
        package var reservedBytes: UInt64
        package var residentBytes: UInt64

        package init(nameBytes: [UInt8]) {
            self.nameBytes = nameBytes
            (count, reservedBytes, residentBytes) = (0, 0, 0)
        }
    }

    /// Descriptors of one kind.
    package struct Opened: Hashable, Sendable {
        /// "socket", "pipe", "anon_inode:[eventpoll]", or a path.
        package var kindBytes: [UInt8]
        package var count: Int

        package init(kindBytes: [UInt8], count: Int) {
            self.kindBytes = kindBytes
            self.count = count
        }
    }

    /// The largest first, and a bounded number; nil where they may not be read.
    package var mapped: [Mapped]?
    package var opened: [Opened]?

    package init() {}
}
