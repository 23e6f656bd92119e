package import Model

/// What is saved with a graph besides the graph: when and at what cost it was taken, and what only its machine could tell.
package struct SavedFacts: Hashable, Sendable {
    /// When the snapshot was taken: seconds since 1970 (UTC).
    package var secondsSince1970: Int64
    package var snapshot: SnapshotFacts
    /// Snapshots taken until one showed a heap that hangs together.
    package var attempts: Int
    package var residentBytes: UInt64?
    /// The names of the variables that hold blocks, by address.
    package var symbols: [UInt64: Symbol]
    /// The fields of its C++ classes, where debug information told them.
    package var fields: FieldNames

    package init(
        secondsSince1970: Int64, snapshot: SnapshotFacts, attempts: Int, residentBytes: UInt64?,
        symbols: [UInt64: Symbol], fields: FieldNames = .none
    ) {
        self.secondsSince1970 = secondsSince1970
        self.snapshot = snapshot
        self.attempts = attempts
        self.residentBytes = residentBytes
        self.symbols = symbols
        self.fields = fields
    }
}

/// A graph that was read back: what `leaks`, `heap`, `why` and `diff` take in place of a process.
package struct SavedGraph: Sendable {
    package let graph: ProcessGraph
    package let facts: SavedFacts
}
