import Analysis
import Model

extension DiffReport {
    /// The document of schema nusu.diff/1. Rows that are the same in all snapshots are left out.
    package func json() -> String {
        let types = DiffReport.changed(diff.types).map { row in
            DiffReport.json(row, ["type": .string(row.subject), "path": paths[row.subject].map(path) ?? .null])
        }
        let owners = DiffReport.changed(diff.owners).map { row in
            DiffReport.json(row, ["path": DiffReport.paths(of: row.subject).json(row.subject.path)])
        }
        let fields: [String: JSONValue] = [
            "schema": "nusu.diff/1",
            "grew": JSONValue(diff.grew),
            "snapshots": .array(snapshots.map(DiffReport.json)),
            "types": .array(types),
            "leaks": .array(DiffReport.changed(diff.leaks).map(DiffReport.json)),
            "owners": .array(owners),
        ]
        return JSONValue.object(fields).document()
    }

    private static func json(_ row: GraphDiff.Row<LeakGroup>) -> JSONValue {
        json(
            row,
            [
                "signature": .string(row.subject.signature), "kind": .string(row.subject.kind.rawValue),
                "type": JSONValue(row.subject.type), "cycle": JSONValue(cycle: row.subject.cycle),
            ])
    }

    /// An owner's variable may lie elsewhere than in the last snapshot: it comes with its own name.
    static func paths(of owner: GraphDigest.Owner) -> WhyPathText {
        guard let address = owner.path.root?.address, let symbol = owner.symbol else {
            return WhyPathText(symbols: [:])
        }
        return WhyPathText(symbols: [address: symbol])
    }

    private func path(_ path: OwnershipPath) -> JSONValue { WhyPathText(symbols: symbols).json(path) }

    private static func changed<Subject>(_ rows: [GraphDiff.Row<Subject>]) -> [GraphDiff.Row<Subject>] {
        rows.filter { Set($0.tallies).count > 1 }
    }

    private static func json<Subject>(
        _ row: GraphDiff.Row<Subject>, _ fields: [String: JSONValue]
    ) -> JSONValue {
        var fields = fields
        fields["change"] = .string(row.change.rawValue)
        fields["blocks"] = .array(row.tallies.map { JSONValue($0.blocks) })
        fields["bytes"] = .array(row.tallies.map { JSONValue($0.bytes) })
        return .object(fields)
    }

    private static func json(_ snapshot: Snapshot) -> JSONValue {
        var fields: [String: JSONValue] = [
            "path": .string(snapshot.saved.path), "savedAt": .string(snapshot.saved.time),
            "pid": JSONValue(snapshot.digest.process.pid), "alive": JSONValue(tally: snapshot.digest.alive),
            "lost": JSONValue(tally: snapshot.digest.lost), "sawEverything": JSONValue(snapshot.digest.isWhole),
        ]
        fields.set("command", bytes: snapshot.digest.process.commandBytes)
        return .object(fields)
    }
}
