import Analysis
import Model

extension ChannelReport {
    /// The document of schema nusu.ipc/1: every channel by itself, whatever the text puts together.
    package func json() -> String {
        var fields = ChannelReport.fields(graph, graph.channels, flow, users)
        fields["target"] = findings.target.map { ChannelReport.process($0, graph) } ?? .null
        return JSONValue.object(fields).document()
    }

    static func fields(
        _ graph: ChannelGraph, _ channels: [Channel], _ flow: ChannelFlow?, _ users: ChannelUsers
    ) -> [String: JSONValue] {
        [
            "schema": "nusu.ipc/1", "channels": .array(channels.map { json($0, flow, users) }),
            "processes": .array(
                graph.processes.values.sorted { $0.identity.pid < $1.identity.pid }.map { process in
                    var fields: [String: JSONValue] = [
                        "pid": JSONValue(process.identity.pid), "parent": JSONValue(process.parent),
                        "user": JSONValue(process.user.map(users.name)),
                        "isZombie": JSONValue(process.isZombie),
                    ]
                    fields.set("command", bytes: process.identity.commandBytes)
                    return .object(fields)
                }),
            "seconds": JSONValue(seconds: flow?.seconds),
            "unseen": .array(graph.unseen.map { JSONValue($0) }),
            "gaps": .array(graph.gaps.map(JSONValue.init(gap:))),
        ]
    }

    static func process(_ pid: Int32, _ graph: ChannelGraph) -> JSONValue {
        var fields: [String: JSONValue] = ["pid": JSONValue(pid), "command": .null]
        if let process = graph.processes[pid] { fields.set("command", bytes: process.identity.commandBytes) }
        return .object(fields)
    }

    private static func json(_ channel: Channel, _ flow: ChannelFlow?, _ users: ChannelUsers) -> JSONValue {
        var fields: [String: JSONValue] = [
            "kind": .string(channel.kind.rawValue), "identity": .string(channel.identity),
            "ends": .array(channel.ends.map(json)), "sure": JSONValue(channel.sure), "doubt": JSONValue(channel.doubt),
            "memory": JSONValue(channel.memory?.rawValue), "transport": JSONValue(channel.transport?.rawValue),
            "carried": .string(channel.carried.rawValue), "name": .null, "waiting": JSONValue(channel.waiting),
            "waitingBack": JSONValue(channel.waitingBack), "capacity": JSONValue(channel.capacity),
            "messages": JSONValue(channel.messages), "messageLimit": JSONValue(channel.messageLimit),
            "size": JSONValue(channel.size), "semaphores": JSONValue(channel.semaphores),
            "value": JSONValue(channel.value), "carriedBytes": JSONValue(channel.carriedBytes),
            "carriedBytesBack": JSONValue(channel.carriedBytesBack), "state": .null, "stuck": .null,
            "since": JSONValue(seconds: channel.since), "age": JSONValue(seconds: channel.age),
            "owner": JSONValue(channel.owner.map(users.name)),
            "watched": .array(channel.watched.map { .string($0) }),
            "isAccepted": JSONValue(!channel.details.contains(.notAccepted)),
            "isDeleted": JSONValue(channel.details.contains(.deleted)),
            "otherEndUnseen": JSONValue(channel.details.contains(.otherEndUnseen)), "inFlight": JSONValue(0),
            "namespace": .null,
        ]
        if !channel.name.isEmpty { fields.set("name", bytes: channel.name) }
        for detail in channel.details {
            switch detail {
            case .inFlight(let count): fields["inFlight"] = JSONValue(count)
            case .namespace(let name): fields["namespace"] = .string(name)
            case .notAccepted, .otherEndUnseen, .deleted: break
            }
        }
        switch channel.state {
        case nil: break
        case .idle?: fields["state"] = "idle"
        case .unread?: fields["state"] = "unread"
        case .held?: fields["state"] = "held"
        case .stuck(let stuck)?:
            fields["state"] = "stuck"
            fields["stuck"] = .object([
                "cause": .string(stuck.cause.rawValue), "pid": JSONValue(stuck.pid), "thread": JSONValue(stuck.thread),
            ])
        }
        if let flow {
            let amount = flow[channel]
            fields["flow"] = .object([
                "bytes": JSONValue(amount?.bytes), "bytesBack": JSONValue(amount?.bytesBack),
                "moved": amount?.moved.map { JSONValue($0) } ?? .null,
            ])
        }
        return .object(fields)
    }

    private static func json(_ end: Channel.End) -> JSONValue {
        .object([
            "pid": JSONValue(end.pid), "fd": JSONValue(end.fd), "role": .string(end.role.rawValue),
            "side": JSONValue(Int(end.side)), "thread": JSONValue(end.thread),
        ])
    }
}
