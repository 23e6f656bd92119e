import Analysis
package import Model

extension LeakReport {
    /// The document of schema nusu.leaks/1.
    ///
    /// `groups` holds possibly lost ones only when the options ask for them, as in text; the summary always counts them.
    package func json(_ options: Options) -> String {
        let groups = groups(options)
        let shown = groups.prefix(options.limit.flatMap { $0 > 0 ? $0 : nil } ?? groups.count)
        var fields: [String: JSONValue] = [
            "schema": "nusu.leaks/1",
            "target": targetJSON,
            "snapshot": snapshotJSON,
            "heap": heapJSON,
            "summary": summaryJSON,
            "groups": .array(shown.map(groupJSON)),
            "byType": .array(
                findings.byType.map {
                    .object([
                        "type": .string($0.type), "blocks": JSONValue($0.tally.blocks),
                        "bytes": JSONValue($0.tally.bytes),
                    ])
                }),
            "excluded": excludedJSON,
            "groupsLeftOut": JSONValue(groups.count - shown.count),
            "gaps": .array(findings.gaps.map(JSONValue.init(gap:))),
        ]
        if !findings.asked.isEmpty { fields["asked"] = .array(askedJSON) }
        return JSONValue.object(fields).document()
    }

    private var targetJSON: JSONValue {
        var fields: [String: JSONValue] = [
            "pid": JSONValue(target.pid), "residentBytes": JSONValue(residentBytes),
            "exitStatus": JSONValue(ended?.status),
        ]
        fields.set("command", bytes: target.commandBytes)
        return .object(fields)
    }

    private var snapshotJSON: JSONValue {
        .object([
            "method": .string(snapshot.method.rawValue),
            "pauseSeconds": JSONValue(seconds: snapshot.pauseSeconds),
            "totalSeconds": JSONValue(seconds: totalSeconds),
            "threads": JSONValue(snapshot.threads),
            "attempts": JSONValue(attempts),
            "confirmed": JSONValue(confirmation != nil),
            "confirmPauseSeconds": JSONValue(seconds: confirmation?.facts.pauseSeconds),
            "confirmAfterSeconds": JSONValue(seconds: confirmation?.afterSeconds),
            "unconfirmedBlocks": confirmation == nil ? .null : JSONValue(findings.unconfirmed),
            "exact": JSONValue(findings.exact),
            "savedAt": JSONValue(saved?.time),
        ])
    }

    private var heapJSON: JSONValue {
        .object([
            "allocator": .string(findings.heap.allocator),
            "version": JSONValue(findings.heap.version),
            "arenas": JSONValue(findings.heap.arenas),
            "blocks": JSONValue(findings.heap.live.blocks),
            "bytes": JSONValue(findings.heap.live.bytes),
            "freeBytes": JSONValue(findings.heap.freeBytes),
            "residentBytes": JSONValue(findings.heap.populatedBytes),
        ])
    }

    private var summaryJSON: JSONValue {
        .object([
            "definite": JSONValue(tally: findings.definite),
            "indirect": JSONValue(tally: findings.indirect),
            "possible": JSONValue(tally: findings.possible),
            "reachable": JSONValue(tally: findings.reachable),
            "excluded": JSONValue(tally: findings.excluded.total),
            "cycles": .object([
                "count": JSONValue(findings.cycleCount), "blocks": JSONValue(findings.cycles.blocks),
                "bytes": JSONValue(findings.cycles.bytes),
            ]),
            "descriptors": saved == nil && (knowsStreams || !ownedDescriptors.isEmpty)
                ? JSONValue(ownedDescriptors.count) : .null,
        ])
    }

    /// What the user's patterns left out, pattern by pattern.
    private var excludedJSON: JSONValue {
        let total = findings.excluded.total
        return .object([
            "blocks": JSONValue(total.blocks),
            "bytes": JSONValue(total.bytes),
            "entries": .array(
                findings.excluded.entries.map {
                    .object([
                        "pattern": .string($0.pattern.text), "source": .string($0.pattern.source),
                        "blocks": JSONValue($0.tally.blocks), "bytes": JSONValue($0.tally.bytes),
                    ])
                }),
            "unused": .array(
                findings.excluded.unused.map { .object(["pattern": .string($0.text), "source": .string($0.source)]) }),
        ])
    }

    /// FILEs are not looked for where the C library's heap cannot be read.
    private var knowsStreams: Bool { !findings.heap.isSwiftOnly }

    private func groupJSON(_ group: LeakGroup) -> JSONValue {
        .object([
            "kind": .string(group.kind.rawValue),
            "count": JSONValue(group.count),
            "size": JSONValue(group.size),
            "largestSize": JSONValue(group.largestSize),
            "type": JSONValue(group.type),
            "pointsTo": JSONValue(group.pointsTo),
            "bytes": JSONValue(group.bytes),
            "heldBlocks": JSONValue(group.held.blocks),
            "heldBytes": JSONValue(group.held.bytes),
            "held": .array(
                group.heldKinds.map { .object(["name": .string($0.name), "blocks": JSONValue($0.blocks)]) }),
            "addresses": .array(group.addresses.map { .string(Address($0).description) }),
            "signature": .string(group.signature),
            "stackHeld": JSONValue(group.stackHeld),
            "cycle": JSONValue(cycle: group.cycle),
            "descriptors": knowsStreams || !group.owners.isEmpty
                ? .array(group.descriptors.map { JSONValue($0) }) : .null,
            // A saved graph has none of the numbers that objects keep.
            "descriptorOwners": saved == nil ? .array(group.owners.map(JSONValue.init(owner:))) : .null,
            "certainty": .string(group.certainty.rawValue),
            "breakAt": JSONValue(group.breakAt),
            "references": group.references.map {
                .object(["counted": JSONValue($0.counted), "found": JSONValue($0.found)])
            } ?? .null,
            "tree": group.tree.map(LeakReport.json) ?? .null,
        ])
    }

    private static func json(_ tree: HeldTree) -> JSONValue {
        .object([
            "address": .string(Address(tree.address).description),
            "root": json(tree.root),
            "elsewhere": JSONValue(tally: tree.elsewhere),
        ])
    }

    private static func json(_ node: HeldTree.Node) -> JSONValue {
        .object([
            "field": node.field.isEmpty ? .null : .string(node.field),
            "type": .string(node.type),
            "blocks": JSONValue(node.own.blocks),
            "bytes": JSONValue(node.own.bytes),
            "below": JSONValue(tally: node.below),
            "children": .array(node.children.map(json)),
            "hidden": JSONValue(tally: node.hidden),
        ])
    }
}

extension JSONValue {
    init(owner: DescriptorOwner) {
        self = .object([
            "type": .string(owner.type), "field": .string(owner.field),
            "numbers": .array(owner.numbers.map { JSONValue($0) }),
        ])
    }

    init(tally: Tally) {
        self = .object(["blocks": JSONValue(tally.blocks), "bytes": JSONValue(tally.bytes)])
    }

    package init(gap: Gap) {
        self = .object([
            "what": .string(gap.what), "reason": .string(gap.reason), "remedy": JSONValue(gap.remedy),
        ])
    }
}
