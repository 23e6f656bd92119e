import Analysis
import Model

extension MemoryReport {
    /// The document of schema nusu.memory/1.
    package func json() -> String {
        var fields: [String: JSONValue]
        if let look {
            fields = look.fields(schema: "nusu.memory/1", exact: !findings.isTorn, findings.gaps)
        } else {
            var targetFields: [String: JSONValue] = [
                "pid": JSONValue(target.pid), "residentBytes": JSONValue(findings.kernelBytes),
            ]
            targetFields.set("command", bytes: target.commandBytes)
            fields = [
                "schema": .string("nusu.memory/1"), "target": .object(targetFields), "snapshot": .null,
                "gaps": .array(findings.gaps.map(JSONValue.init(gap:))),
            ]
        }
        fields["resident"] = .object([
            "kernelBytes": JSONValue(findings.kernelBytes),
            "parts": MemoryReport.json(findings.parts),
            "proportionalBytes": JSONValue(findings.proportionalBytes),
            "swapBytes": JSONValue(findings.swapBytes),
            "hugePageBytes": JSONValue(findings.hugePageBytes),
            "hugePageWasteBytes": JSONValue(findings.hugePageWasteBytes),
            "pageTableBytes": JSONValue(pageTableBytes),
        ])
        fields["trimmableBytes"] = JSONValue(findings.heap?.trimmableBytes)
        fields["verdict"] = .object([
            "kind": .string(verdict.kind.rawValue), "text": .string(([headline] + evidence).joined(separator: " ")),
            "bytes": JSONValue(verdict.bytes), "grownBytes": JSONValue(verdict.grownBytes),
            "helps": .array(helps.map { .string($0) }),
        ])
        fields["heap"] = findings.heap.map(json) ?? .null
        fields["owners"] = .array(findings.owners.map(json))
        fields["lost"] = findings.heap == nil ? .null : JSONValue(tally: findings.lost)
        fields["stacks"] = .object([
            "threads": JSONValue(findings.stacks.threads), "residentBytes": JSONValue(findings.stacks.residentBytes),
            "reservedBytes": JSONValue(findings.stacks.reservedBytes),
        ])
        fields["shared"] = .array(findings.shared.map(MemoryReport.json))
        fields["controlGroup"] = group.map(\.json) ?? .null
        fields["growth"] = growth.map(json) ?? .null
        return JSONValue.object(fields).document()
    }

    private static func json(_ parts: [ResidentPart]) -> JSONValue {
        .array(parts.map { .object(["kind": .string($0.kind.rawValue), "bytes": .integer($0.bytes)]) })
    }

    private func json(_ heap: HeapAccount) -> JSONValue {
        var fields: [String: JSONValue] = [
            "allocator": JSONValue(findings.summary?.allocator), "version": JSONValue(findings.summary?.version),
            "resident": MemoryReport.json(heap.total), "mappedBlocks": MemoryReport.json(heap.mapped),
            "pinnedBytes": JSONValue(heap.pinnedBytes), "pinningBlocks": JSONValue(heap.pinning.blocks),
            "smallPinningBlocks": JSONValue(heap.smallPinning),
        ]
        fields["arenas"] = .array(
            heap.arenas.map { arena in
                .object([
                    "address": .string(Address(arena.address).description), "main": JSONValue(arena.isMain),
                    "threads": JSONValue(arena.attachedThreads), "mappedBytes": JSONValue(arena.mappedBytes),
                    "resident": MemoryReport.json(arena.resident),
                ])
            })
        return .object(fields)
    }

    private static func json(_ bytes: HeapBytes) -> JSONValue {
        .object([
            "inUseBytes": JSONValue(bytes.live), "lostBytes": JSONValue(bytes.lost), "topBytes": JSONValue(bytes.top),
            "binBytes": JSONValue(bytes.bins), "fastbinBytes": JSONValue(bytes.fastbins),
            "threadCacheBytes": JSONValue(bytes.threadCaches), "bookkeepingBytes": JSONValue(bytes.bookkeeping),
        ])
    }

    private func json(_ owner: HeapFindings.Owner) -> JSONValue {
        .object([
            "address": .string(Address(owner.address).description), "type": .string(owner.type),
            "retainedBlocks": JSONValue(owner.retained.blocks), "retainedBytes": JSONValue(owner.retained.bytes),
            "residentBytes": JSONValue(owner.residentBytes), "holds": JSONValue(kinds: owner.kinds),
            "path": paths.json(owner.path),
        ])
    }

    private static func json(_ shared: SharedUse) -> JSONValue {
        var fields: [String: JSONValue] = ["residentBytes": JSONValue(shared.residentBytes)]
        fields.set("name", bytes: shared.nameBytes)
        fields["with"] = .array(
            shared.sharers.processes.map { other in
                var fields: [String: JSONValue] = ["pid": JSONValue(other.pid)]
                fields.set("command", bytes: other.commandBytes)
                return .object(fields)
            })
        fields["withCount"] = JSONValue(shared.sharers.count)
        return .object(fields)
    }

    private func json(_ growth: Growth) -> JSONValue {
        .object([
            "seconds": JSONValue(seconds: growth.seconds), "kernelBytesBefore": JSONValue(growth.kernelBytesBefore),
            "partsBefore": MemoryReport.json(growth.partsBefore),
            "owner": growth.owner.map { .string(Address($0.address).description) } ?? .null,
            "ownerBytes": growth.owner == nil ? .null : JSONValue(growth.ownerBytes),
        ])
    }
}
