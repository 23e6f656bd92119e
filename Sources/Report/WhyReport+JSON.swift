import Analysis
import Model

extension WhyReport {
    /// The document of schema nusu.why/1.
    package func json() -> String {
        let paths = WhyPathText(symbols: look.symbols, fields: look.fields)
        var fields = look.fields(schema: "nusu.why/1", exact: findings.exact, findings.gaps)
        fields["question"] = question
        fields["alive"] = JSONValue(tally: findings.alive)
        fields["lost"] = JSONValue(tally: findings.lost)
        fields["block"] = block
        fields["paths"] = .array(
            findings.paths.map { path in
                var fields: [String: JSONValue] = ["count": JSONValue(path.count)]
                fields["path"] = paths.json(path.example)
                return .object(fields)
            })
        fields["pathsSampledEvery"] = JSONValue(findings.sampledEvery)
        fields["holds"] = .object([
            "blocks": JSONValue(findings.holds.blocks), "bytes": JSONValue(findings.holds.bytes),
            "kinds": JSONValue(kinds: findings.holdsKinds),
        ])
        fields["similarTypes"] = .array(findings.similar.map { .string($0) })
        fields["weakHolders"] = .array(findings.weakHolders.map(LeakReport.json))
        fields["weakReferences"] = JSONValue(findings.hasWeakReferences)
        return JSONValue.object(fields).document()
    }

    private var question: JSONValue {
        switch findings.question {
        case .address(let address): .object(["address": .string(Address(address).description), "type": .null])
        case .type(let name): .object(["address": .null, "type": .string(name)])
        }
    }

    /// null for a type, and where no block in use lies at the address.
    private var block: JSONValue {
        guard let block = findings.block, block.fate != .none else { return .null }
        let verdict = findings.lost.blocks > 0 ? "lost" : block.fate.rawValue
        return .object([
            "address": .string(Address(block.start).description),
            "size": JSONValue(block.size),
            "type": JSONValue(findings.blockType),
            "verdict": .string(verdict),
            "holders": .array(block.holders.map(LeakReport.json)),
        ])
    }
}
