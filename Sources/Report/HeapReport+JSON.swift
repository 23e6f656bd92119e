import Analysis
import Model

extension HeapReport {
    /// The document of schema nusu.heap/1.
    package func json(_ options: Options) -> String {
        let types = types(options)
        let owners = owners(options)
        let shown = options.shown(of: types.count, fitting: types.count)
        var fields = look.fields(schema: "nusu.heap/1", exact: findings.exact, findings.gaps)
        fields["heap"] = JSONValue(heap: findings.heap)
        fields["summary"] = .object([
            "alive": JSONValue(tally: findings.alive), "lost": JSONValue(tally: findings.lost),
        ])
        fields["types"] = .array(
            types.prefix(shown).map { type in
                .object([
                    "type": .string(type.name), "named": JSONValue(type.isNamed),
                    "blocks": JSONValue(type.tally.blocks), "bytes": JSONValue(type.tally.bytes),
                ])
            })
        fields["typesLeftOut"] = JSONValue(findings.types.count - shown)
        fields["owners"] = .array(owners.prefix(options.shown(of: owners.count, fitting: owners.count)).map(json))
        fields["tasks"] = tasksJSON
        fields["growth"] = growth.map { json($0, options) } ?? .null
        return JSONValue.object(fields).document()
    }

    private func json(_ owner: HeapFindings.Owner) -> JSONValue {
        .object([
            "address": .string(Address(owner.address).description),
            "type": .string(owner.type),
            "retainedBlocks": JSONValue(owner.retained.blocks),
            "retainedBytes": JSONValue(owner.retained.bytes),
            "holds": JSONValue(kinds: owner.kinds),
            "path": WhyPathText(symbols: look.symbols, fields: look.fields).json(owner.path),
        ])
    }

    private func json(_ growth: HeapGrowth, _ options: Options) -> JSONValue {
        let paths = WhyPathText(symbols: look.symbols, fields: look.fields)
        let shown = options.shown(of: growth.types.count, fitting: growth.types.count)
        return .object([
            "seconds": JSONValue(seconds: growth.seconds),
            "aliveBefore": JSONValue(tally: growth.before),
            "types": .array(
                growth.types.prefix(shown).map { type in
                    .object([
                        "type": .string(type.name), "named": JSONValue(type.isNamed),
                        "before": JSONValue(tally: type.before), "after": JSONValue(tally: type.after),
                        "path": type.path.map { paths.json($0.example) } ?? .null,
                    ])
                }),
            "typesLeftOut": JSONValue(growth.types.count - shown),
        ])
    }
}
