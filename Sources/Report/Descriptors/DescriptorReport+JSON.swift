import Analysis
import Model

extension DescriptorReport {
    /// The document of schema nusu.fds/1. `descriptors` is there with `Options.all` only: a server has thousands.
    package func json(_ options: Options) -> String {
        var target: [String: JSONValue] = ["pid": JSONValue(table.process.pid)]
        target.set("command", bytes: table.process.commandBytes)
        let listed = table.isListed
        var fields: [String: JSONValue] = [
            "schema": "nusu.fds/1", "target": .object(target), "total": JSONValue(table.total),
            "limit": JSONValue(table.softLimit), "hardLimit": JSONValue(table.hardLimit),
            "kinds": listed
                ? .object(Dictionary(uniqueKeysWithValues: kinds.map { ($0.kind.rawValue, JSONValue($0.count)) }))
                : .null,
            "groups": listed ? .array(groups.map(DescriptorReport.json)) : .null,
            "findings": .array(findings.map(DescriptorReport.json)),
            "growth": growth.map(json) ?? .null, "streams": streams.map(json) ?? .null,
            "gaps": .array((table.gaps + (streams?.gaps ?? [])).map(JSONValue.init(gap:))),
        ]
        if options.all { fields["descriptors"] = .array(table.descriptors.map(DescriptorReport.json)) }
        return JSONValue.object(fields).document()
    }

    private static func json(_ group: DescriptorGroup) -> JSONValue {
        var fields: [String: JSONValue] = [
            "kind": .string(group.kind.rawValue), "count": JSONValue(group.count),
            "numbers": .array(group.members.map { JSONValue($0.number) }), "otherEnd": otherEnd(group.members),
        ]
        fields.set("what", bytes: what(group.subject, group.kind))
        return .object(fields)
    }

    private static func what(_ subject: DescriptorSubject, _ kind: Descriptor.Kind) -> [UInt8] {
        guard case .pipe(let isReading, _) = subject else { return DescriptorText.what(subject, kind) }
        return Array((isReading.map { $0 ? "pipe, reading end" : "pipe, writing end" } ?? "pipe").utf8)
    }

    /// null: there is none, or it is not known; an empty list: nobody that can be seen.
    private static func otherEnd(_ members: [Descriptor]) -> JSONValue {
        let ends = members.compactMap(\.otherEnd)
        guard !ends.isEmpty else { return .null }
        var processes: [JSONValue] = []
        var seen: Set<Int32> = []
        for process in ends.flatMap(\.processes) where seen.insert(process.pid).inserted {
            var fields: [String: JSONValue] = ["pid": JSONValue(process.pid)]
            fields.set("command", bytes: process.commandBytes)
            processes.append(.object(fields))
        }
        return .array(processes)
    }

    private static func json(_ descriptor: Descriptor) -> JSONValue {
        var fields: [String: JSONValue] = [
            "number": JSONValue(descriptor.number), "kind": .string(descriptor.kind.rawValue),
            "access": JSONValue(descriptor.access?.rawValue),
            "flags": descriptor.flags == nil ? .null : .array(descriptor.flagNames.map { .string($0) }),
            "offset": JSONValue(descriptor.offset), "size": JSONValue(descriptor.sizeBytes),
            "diskBytes": JSONValue(descriptor.diskBytes), "isDeleted": JSONValue(descriptor.isDeleted),
            "device": JSONValue(descriptor.file.map { "\($0.deviceMajor):\($0.deviceMinor)" }),
            "inode": JSONValue(descriptor.file?.inode), "locks": JSONValue(descriptor.locks),
            "detail": descriptor.detail.map(json) ?? .null, "socket": descriptor.socket.map(json) ?? .null,
            "otherEnd": otherEnd([descriptor]),
        ]
        fields.set("target", bytes: descriptor.target)
        return .object(fields)
    }

    private static func json(_ socket: Socket) -> JSONValue {
        var fields: [String: JSONValue] = [
            "inode": JSONValue(socket.inode), "transport": .string(socket.transport.rawValue),
            "state": .string(socket.state.rawValue), "receiveQueue": JSONValue(socket.receiveQueue),
            "sendQueue": JSONValue(socket.sendQueue), "local": .null, "remote": .null,
        ]
        if socket.local != .unnamed { fields.set("local", bytes: DescriptorText.bytes(socket.local)) }
        if socket.remote != .unnamed { fields.set("remote", bytes: DescriptorText.bytes(socket.remote)) }
        return .object(fields)
    }

    private static func json(_ detail: Descriptor.Detail) -> JSONValue {
        switch detail {
        case .watched(let targets, let count):
            .object(["watches": JSONValue(count), "targets": .array(targets.map { JSONValue($0) })])
        case .event(let id, let value): .object(["id": JSONValue(id), "value": JSONValue(value)])
        case .timer(let clock, let left, let interval):
            .object([
                "clock": JSONValue(clock), "leftSeconds": JSONValue(seconds: left),
                "intervalSeconds": JSONValue(seconds: interval),
            ])
        case .signals(let mask):
            .object(["signals": .array((0..<64).filter { mask >> UInt64($0) & 1 != 0 }.map { JSONValue($0 + 1) })])
        case .watches(let count): .object(["watches": JSONValue(count)])
        case .process(let pid): .object(["pid": JSONValue(pid)])
        case .master(let index): .object(["slave": .string("/dev/pts/\(index)")])
        }
    }

    private static func json(_ finding: DescriptorFinding) -> JSONValue {
        var fields: [String: JSONValue] = ["text": .string(text(finding))]
        switch finding {
        case .nearLimit(let open, let limit):
            fields["kind"] = "nearLimit"
            fields["count"] = JSONValue(open)
            fields["limit"] = JSONValue(limit)
        case .deletedFiles(let count, let bytes, let largest):
            fields["kind"] = "deletedFiles"
            fields["count"] = JSONValue(count)
            fields["diskBytes"] = JSONValue(bytes)
            fields["number"] = JSONValue(largest.number)
        case .abandoned(let count, let first):
            fields["kind"] = "abandoned"
            fields["count"] = JSONValue(count)
            fields["number"] = JSONValue(first.number)
        case .openedOften(let count, let first):
            fields["kind"] = "openedOften"
            fields["count"] = JSONValue(count)
            fields["number"] = JSONValue(first.number)
        }
        return .object(fields)
    }

    private func json(_ growth: DescriptorGrowth) -> JSONValue {
        .object([
            "seconds": JSONValue(seconds: growth.seconds), "before": JSONValue(growth.before),
            "after": JSONValue(growth.after), "opened": JSONValue(growth.opened), "closed": JSONValue(growth.closed),
            "groups": .array(
                growth.changes.map { change in
                    var fields: [String: JSONValue] = [
                        "kind": .string(change.kind.rawValue), "before": JSONValue(change.before),
                        "after": JSONValue(change.after), "opened": JSONValue(change.opened.count),
                        "numbers": .array(change.opened.map { JSONValue($0.number) }),
                    ]
                    fields.set("what", bytes: DescriptorReport.what(change.subject, change.kind))
                    return .object(fields)
                }),
        ])
    }

    private func json(_ streams: Streams) -> JSONValue {
        .object([
            "total": JSONValue(streams.total), "exact": JSONValue(streams.exact),
            "pauseSeconds": JSONValue(seconds: streams.pauseSeconds),
            "forgotten": .array(
                streams.forgotten.map {
                    .object([
                        "number": JSONValue($0.descriptor), "address": .string(Address($0.address).description),
                        "isCommand": JSONValue($0.isCommand),
                    ])
                }),
            "lost": .array(
                streams.groups.map { group in
                    .object([
                        "signature": .string(group.signature), "type": JSONValue(group.type),
                        "size": JSONValue(group.size), "numbers": .array(group.descriptors.map { JSONValue($0) }),
                        "owners": .array(group.owners.map(JSONValue.init(owner:))),
                        "stackHeld": JSONValue(group.stackHeld),
                    ])
                }),
            "suspects": .array(
                streams.suspects.map {
                    .object([
                        "signature": .string($0.signature), "type": .string($0.owner.type),
                        "place": .string($0.owner.field), "numbers": .array($0.owner.numbers.map { JSONValue($0) }),
                    ])
                }),
        ])
    }
}
