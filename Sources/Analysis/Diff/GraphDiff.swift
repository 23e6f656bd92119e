/// What changed from the first of several snapshots to the last, and what grew in every step.
package struct GraphDiff: Sendable {
    package enum Change: String, Sendable {
        /// More in each snapshot than in the one before.
        case grew
        /// In the last snapshot and not in the first, but not more in every step.
        case new
        /// In the first snapshot and not in the last.
        case gone
        /// Neither: more, or fewer, or up and down.
        case other
    }

    /// One type, leak or owner through all snapshots.
    package struct Row<Subject: Hashable & Sendable>: Hashable, Sendable {
        package let subject: Subject
        /// One a snapshot, in their order; nothing where it is not in there.
        package let tallies: [Tally]
        package let change: Change

        package var first: Tally { tallies.first ?? Tally() }
        package var last: Tally { tallies.last ?? Tally() }
        /// Bytes gained from the first to the last snapshot; negative for a loss.
        package var gainedBytes: Int64 { Int64(clamping: last.bytes) - Int64(clamping: first.bytes) }
        package var gainedBlocks: Int { last.blocks - first.blocks }
    }

    /// Most bytes gained first.
    package let types: [Row<String>]
    /// By their groups, of the last snapshot that has them.
    package let leaks: [Row<LeakGroup>]
    package let owners: [Row<GraphDigest.Owner>]

    /// - Parameters:
    ///   - digests: at least two, in the order in which they were taken.
    ///   - leastBytes: types and owners that gained less from first to last did not grow. Leaks always did.
    package init(_ digests: [GraphDigest], leastBytes: UInt64) {
        func rows<Value, Subject>(
            _ values: [[String: Value]], _ least: UInt64, _ tally: (Value) -> Tally,
            _ subject: (String, Value) -> Subject
        ) -> [Row<Subject>] {
            var result: [Row<Subject>] = []
            let names = Set(values.flatMap(\.keys))
            for name in names {
                guard let known = values.last(where: { $0[name] != nil })?[name] else { continue }
                let tallies = values.map { $0[name].map(tally) ?? Tally() }
                result.append(
                    Row(
                        subject: subject(name, known), tallies: tallies,
                        change: GraphDiff.change(tallies, leastBytes: least)))
            }
            return result
        }
        types = rows(digests.map(\.types), leastBytes, { $0 }, { name, _ in name })
            .sorted { ($0.gainedBytes, $1.subject) > ($1.gainedBytes, $0.subject) }
        leaks = rows(digests.map(\.leaks), 0, \.tally, { _, leak in leak.group })
            .sorted { ($0.gainedBytes, $1.subject.signature) > ($1.gainedBytes, $0.subject.signature) }
        // Smaller owners are not listed: one that comes up in the list has gained at least what it is above them.
        let floor = digests.dropLast().map(\.ownerFloor).max() ?? 0
        owners = rows(digests.map(\.owners), leastBytes, \.retained, { _, owner in owner })
            .filter { row in
                row.tallies.allSatisfy { $0.bytes > 0 } || row.last.bytes == 0
                    || row.last.bytes >= floor.addingReportingOverflow(leastBytes).partialValue
            }
            .sorted { ($0.gainedBytes, "\($1.subject.path)") > ($1.gainedBytes, "\($0.subject.path)") }
    }

    private static func change(_ tallies: [Tally], leastBytes: UInt64) -> Change {
        guard let first = tallies.first, let last = tallies.last else { return .other }
        let ascends = zip(tallies, tallies.dropFirst()).allSatisfy { $0.bytes < $1.bytes }
        if ascends, last.bytes - first.bytes >= leastBytes { return .grew }
        if first.blocks == 0, last.blocks > 0 { return .new }
        if first.blocks > 0, last.blocks == 0 { return .gone }
        return .other
    }

    /// Whether anything grew in every step, or is lost that was not before.
    package var grew: Bool {
        types.contains { $0.change == .grew } || owners.contains { $0.change == .grew }
            || leaks.contains { $0.change == .grew || $0.change == .new }
    }
}
