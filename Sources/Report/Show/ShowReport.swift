package import Analysis
package import Model

/// All that `nusu show` says: a process's control block, as user space sees it.
package struct ShowReport: Sendable {
    package var portrait: ProcessPortrait
    package var facts: MachineFacts
    package var chain: WaitChain
    /// Why its own threads wait, by their numbers: there may be ten thousand.
    private let reasons: [Int32: WaitReason]
    /// nil where there was one look.
    package var rates: ActivityRates?
    /// What was asked for besides.
    package var details: ProcessDetails?

    package init(portrait: ProcessPortrait, facts: MachineFacts, details: ProcessDetails? = nil) {
        self.portrait = portrait
        self.details = details
        self.facts = facts
        chain = WaitChain(portrait.waits)
        let own = portrait.waits.filter { $0.process.pid == portrait.record.stat.pid }
        reasons = Dictionary(own.map { ($0.thread, $0) }) { first, _ in first }
        if let earlier = portrait.earlier, let now = portrait.activity {
            rates = ActivityRates(from: earlier, to: now)
        }
    }

    var stat: ProcessStat { portrait.record.stat }
    var identity: ProcessIdentity { portrait.record.identity }
    var age: Double? { facts.age(startTicks: stat.startTicks) }
    var limit: ProcessPortrait.Limit? { portrait.limits.first { $0.name == "Max open files" } }

    static func name(_ identity: ProcessIdentity) -> String {
        "\(TerminalText.escaped(identity.commandBytes))(\(identity.pid))"
    }

    /// The document of schema nusu.show/1.
    package func json() -> String {
        let record = portrait.record
        var fields: [String: JSONValue] = [
            "schema": "nusu.show/1", "pid": JSONValue(stat.pid), "ppid": JSONValue(stat.parent),
            "processGroup": JSONValue(stat.processGroup), "session": JSONValue(stat.session),
            "terminal": JSONValue(facts.terminalName(stat.terminal)),
            "state": .string(String(UnicodeScalar(stat.state))),
            "startTime": JSONValue(startTime.flatMap { UInt64(exactly: $0) }),
            "ageSeconds": JSONValue(seconds: age), "sleepsSeconds": JSONValue(seconds: portrait.sleepsSeconds),
            "user": JSONValue(record.owner.map { facts.userName($0.user) }),
            "uid": JSONValue(record.owner.map { UInt64($0.user) }),
            "gid": JSONValue(record.owner.map { UInt64($0.group) }),
            "realUser": JSONValue(record.status.map { facts.userName($0.user.real) }),
            "capabilities": JSONValue(portrait.status["CapEff"]),
            "capabilityNames": capabilities.map { .array(CapabilityText.names($0).map { .string($0) }) } ?? .null,
            "seccomp": JSONValue(record.status?.seccompMode),
            "tracer": JSONValue(record.status?.tracerPid),
            "processors": JSONValue(portrait.status["Cpus_allowed_list"]),
            "namespacePids": .array((record.status?.namespacePids ?? []).map { JSONValue($0) }),
            "oomScore": JSONValue(record.oomScore), "oomScoreAdjustment": JSONValue(record.oomAdjustment),
            "exitStatus": JSONValue(ending?.status), "endSignal": JSONValue(ending?.signal),
            "stopSignal": JSONValue(stat.stopSignal.flatMap { Signal.number($0)?.name }),
            "children": .array(portrait.children.map(ShowReport.json)),
            "ancestors": .array(portrait.ancestors.map(ShowReport.json)),
            "threads": .array(portrait.threads.map(json)), "rates": rateFields,
            "waits": .array(chain.links.map(WaitText.json)), "isDeadlock": JSONValue(chain.isDeadlock),
            "circle": .array(chain.circle.map { JSONValue($0.process.pid) }),
            "circleThreads": .array(chain.circle.map { JSONValue($0.thread) }),
            "scheduling": scheduling, "memory": memory,
            "descriptors": portrait.descriptors.map { .object($0.mapValues { JSONValue($0) }) } ?? .null,
            "limits": .array(
                portrait.limits.map {
                    .object([
                        "name": .string($0.name), "soft": JSONValue($0.soft), "hard": JSONValue($0.hard),
                        "used": JSONValue(used($0)),
                    ])
                }),
            "namespaces": record.namespaces.map { namespaces in
                .object(
                    Dictionary(
                        uniqueKeysWithValues: ProcessRecord.Namespaces.Kind.allCases.map {
                            ($0.rawValue, JSONValue(namespaces.inodes[$0]))
                        }))
            } ?? .null,
            "signals": .array(
                portrait.signals.outlooks.map {
                    .object([
                        "number": JSONValue($0.signal.number), "name": .string($0.signal.name),
                        "disposition": .string($0.disposition.rawValue),
                        "effect": .string(SignalOutlookText.effect($0)),
                    ])
                }),
            "environment": environmentJSON, "fileLocks": locksJSON,
            "gaps": .array(
                (portrait.gaps + portrait.signals.gaps + (details?.gaps ?? [])).map(JSONValue.init(gap:))),
        ]
        fields.set("command", bytes: stat.commandBytes)
        fields["arguments"] = .null
        if let arguments { fields.set("arguments", list: arguments) }
        fields["controlGroups"] = .null
        if let groups = record.controlGroups { fields.set("controlGroups", bytes: groups) }
        fields["container"] = .null
        if let container = record.containerBytes { fields.set("container", bytes: container) }
        fields["executable"] = .null
        if let executable = record.executable { fields.set("executable", bytes: executable) }
        return JSONValue.object(fields).document()
    }

    /// In seconds since 1970.
    var startTime: Int64? { facts.startTime(ticks: stat.startTicks) }
    /// The effective ones.
    var capabilities: UInt64? { portrait.status["CapEff"].flatMap { UInt64($0, radix: 16) } }

    /// Of a zombie, where it may be read: a status other than 0, or the signal that ended it.
    private var ending: (status: Int32?, signal: String?)? {
        guard stat.isZombie, stat.exitStatus != 0 else { return nil }
        let signal = stat.exitStatus & 0x7f
        return signal == 0 ? (stat.exitStatus >> 8 & 0xff, nil) : (nil, Signal.number(signal)?.name)
    }

    private var scheduling: JSONValue {
        let record = portrait.record
        return .object([
            "policy": .string(ShowReport.policy(stat.policy)), "nice": JSONValue(stat.nice),
            "realTimePriority": JSONValue(stat.realTimePriority), "lastProcessor": JSONValue(stat.processor),
            "sliceSeconds": JSONValue(seconds: portrait.sliceSeconds),
            "ranSeconds": JSONValue(seconds: portrait.runTimes.map { Double($0.ran) / 1e9 }),
            "waitedSeconds": JSONValue(seconds: portrait.runTimes.map { Double($0.waited) / 1e9 }),
            "voluntarySwitches": JSONValue(portrait.voluntarySwitches),
            "involuntarySwitches": JSONValue(portrait.involuntarySwitches),
            "autogroup": JSONValue(record.autogroup?.number), "autogroupNice": JSONValue(record.autogroup?.nice),
        ])
    }

    private var memory: JSONValue {
        let status = portrait.record.status
        return .object([
            "residentBytes": JSONValue(status?.residentBytes), "reservedBytes": JSONValue(status?.virtualBytes),
            "swappedBytes": JSONValue(status?.swappedBytes), "limitBytes": JSONValue(portrait.memoryLimitBytes),
            "usedOfLimitBytes": JSONValue(portrait.memoryUsedBytes),
        ])
    }

    private static func json(_ relative: ProcessPortrait.Relative) -> JSONValue {
        var fields: [String: JSONValue] = [
            "pid": JSONValue(relative.identity.pid), "isZombie": JSONValue(relative.isZombie),
        ]
        fields.set("command", bytes: relative.identity.commandBytes)
        return .object(fields)
    }

    private var rateFields: JSONValue {
        guard let rates else { return .null }
        return .object([
            "seconds": JSONValue(seconds: rates.seconds), "cores": JSONValue(seconds: rates.cores),
            "waitingForCore": JSONValue(seconds: rates.waiting),
            "voluntarySwitchesPerSecond": JSONValue(seconds: rates.voluntarySwitches),
            "involuntarySwitchesPerSecond": JSONValue(seconds: rates.involuntarySwitches),
        ])
    }

    func reason(ofThread number: Int32) -> WaitReason? { reasons[number] }

    private func json(_ thread: ProcessPortrait.Thread) -> JSONValue {
        var fields: [String: JSONValue] = [
            "tid": JSONValue(thread.number), "state": .string(String(UnicodeScalar(thread.state))),
            "call": JSONValue(thread.call),
            "reason": JSONValue(reason(ofThread: thread.number).map { WaitText.reason($0) }),
            "waitChannel": JSONValue(thread.channel),
            "ranSeconds": JSONValue(seconds: thread.runTimes.map { Double($0.ran) / 1e9 }),
            "waitedSeconds": JSONValue(seconds: thread.runTimes.map { Double($0.waited) / 1e9 }),
        ]
        fields.set("name", bytes: thread.nameBytes)
        return .object(fields)
    }

    static func policy(_ policy: Int32) -> String {
        switch policy {
        case 0: "normal"
        case 1: "FIFO"
        case 2: "round robin"
        case 3: "batch"
        case 5: "idle"
        case 6: "deadline"
        case 7: "sched_ext"
        default: "policy \(policy)"
        }
    }
}
