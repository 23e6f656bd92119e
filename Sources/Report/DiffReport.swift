package import Analysis
package import Model

/// All that `nusu diff` says: what changed between saved snapshots, and what grew in every step.
package struct DiffReport: Sendable {
    package struct Snapshot: Sendable {
        package var saved: SavedLook
        package var digest: GraphDigest

        package init(saved: SavedLook, digest: GraphDigest) {
            self.saved = saved
            self.digest = digest
        }
    }

    /// At least two, in the order in which they are compared.
    package var snapshots: [Snapshot]
    package var diff: GraphDiff
    /// How most blocks of a type that grew are reached in the last snapshot, by type; for the first few.
    package var paths: [String: OwnershipPath]
    /// Names of variables in the last snapshot.
    package var symbols: [UInt64: Symbol]

    package init(
        snapshots: [Snapshot], diff: GraphDiff, paths: [String: OwnershipPath], symbols: [UInt64: Symbol]
    ) {
        self.snapshots = snapshots
        self.diff = diff
        self.paths = paths
        self.symbols = symbols
    }

    /// Types whose holders are looked for.
    package static let explainedLimit = 5

    /// Everything was seen in every snapshot.
    package var sawEverything: Bool { snapshots.allSatisfy(\.digest.isWhole) }

    /// From the first snapshot to the last; nil where they are not in order.
    /// 0 for snapshots of one second.
    var seconds: Double? {
        let times = snapshots.map(\.saved.secondsSince1970)
        guard zip(times, times.dropFirst()).allSatisfy({ $0 <= $1 }), let first = times.first, let last = times.last
        else { return nil }
        return Double(last &- first)
    }

    /// More leaks than before: these are what a user wants to hear of first.
    var worseLeaks: [GraphDiff.Row<LeakGroup>] { diff.leaks.filter { $0.change == .grew || $0.change == .new } }
    var grownTypes: [GraphDiff.Row<String>] { diff.types.filter { $0.change == .grew } }
    var grownOwners: [GraphDiff.Row<GraphDigest.Owner>] { diff.owners.filter { $0.change == .grew } }
}
