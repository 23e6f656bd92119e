import Analysis
import Model

/// The document of schema nusu.top/1, one for each look.
extension TopSample {
    /// - Parameters:
    ///   - fields: that every process has besides those that it always has.
    ///   - rows: those to be written, in their order.
    ///   - time: now, in seconds since 1970.
    package func json(_ fields: [ProcessField], rows: [ProcessRow], time: Int64) -> String {
        JSONValue.object([
            "schema": "nusu.top/1",
            "time": .integer(time),
            "intervalSeconds": JSONValue(seconds: interval),
            "machine": meters.json(),
            "unattributedCpuPercent": JSONValue(seconds: unattributedPercent),
            "processes": .array(rows.filter { !$0.isThread }.map { $0.liveJSON(fields) }),
            "threads": threads == nil ? .null : .array(rows.filter(\.isThread).map { $0.threadJSON(fields) }),
            "gaps": .array(gaps.map(JSONValue.init(gap:))),
        ]).document()
    }
}

extension ProcessRow {
    /// `pid` is that of its process.
    fileprivate func threadJSON(_ fields: [ProcessField]) -> JSONValue {
        guard case .object(var object) = json(fields + ProcessField.all.filter { $0.key == "lwp" }) else {
            return .null
        }
        for field in ProcessField.all where field.isOfProcess && object[field.json] != nil {
            object[field.json] = .null
        }
        return .object(object)
    }

    fileprivate func liveJSON(_ fields: [ProcessField]) -> JSONValue {
        guard case .object(var object) = json(fields) else { return .null }
        object["shortLivedChildren"] =
            rates?.shortLived.map { share in
                .object([
                    "cpuPercent": JSONValue(seconds: share.cpuPercent),
                    "count": JSONValue(share.count),
                    "names": .array(
                        share.names.map { name in
                            var entry: [String: JSONValue] = ["count": JSONValue(name.count as Int?)]
                            entry.set("command", bytes: name.commandBytes)
                            return .object(entry)
                        }),
                ])
            } ?? .null
        return .object(object)
    }
}

extension MachineMeters {
    fileprivate func json() -> JSONValue {
        let memory = sample.memory
        let swapUsed = memory.map { $0.swapTotalBytes - min($0.swapFreeBytes, $0.swapTotalBytes) }
        return .object([
            "cores": .array(
                cores.map { core in
                    var entry = core.use.parts
                    entry["number"] = JSONValue(core.number as Int?)
                    return .object(entry)
                }),
            "all": total.map { .object($0.parts) } ?? .null,
            "processorsUsed": JSONValue(seconds: processorsUsed),
            "memory": memory.map { memory in
                .object([
                    "totalBytes": JSONValue(memory.totalBytes as UInt64?),
                    "availableBytes": JSONValue(memory.availableBytes as UInt64?),
                    "cacheBytes": JSONValue(memory.cacheBytes as UInt64?),
                    "sharedBytes": JSONValue(memory.sharedBytes as UInt64?),
                    "swapTotalBytes": JSONValue(memory.swapTotalBytes as UInt64?),
                    "swapUsedBytes": JSONValue(swapUsed),
                ])
            } ?? .null,
            "load": sample.load.map { load in
                .object([
                    "one": JSONValue(seconds: load.one), "five": JSONValue(seconds: load.five),
                    "fifteen": JSONValue(seconds: load.fifteen), "runningThreads": JSONValue(load.running as Int?),
                    "threads": JSONValue(load.threads as Int?),
                ])
            } ?? .null,
            "pressurePercent": sample.pressure.json,
            "container": sample.bounds.map { bounds in
                .object([
                    "processors": JSONValue(seconds: bounds.processors),
                    "memoryLimitBytes": JSONValue(bounds.memoryLimitBytes),
                    "memoryUsedBytes": JSONValue(bounds.memoryUsedBytes),
                    "cacheBytes": JSONValue(bounds.cacheBytes),
                    "pressurePercent": bounds.pressure?.json ?? .null,
                ])
            } ?? .null,
            "uptimeSeconds": JSONValue(seconds: sample.uptime),
        ])
    }
}

extension MachineSample.Pressure {
    fileprivate var json: JSONValue {
        .object([
            "cpuSome": JSONValue(seconds: cpuSome), "memorySome": JSONValue(seconds: memorySome),
            "memoryFull": JSONValue(seconds: memoryFull), "ioSome": JSONValue(seconds: ioSome),
            "ioFull": JSONValue(seconds: ioFull),
        ])
    }
}

extension MachineMeters.Use {
    fileprivate var parts: [String: JSONValue] {
        let shares: [String: Double] = [
            "busyPercent": busy, "userPercent": user, "nicePercent": nice, "systemPercent": system,
            "interruptsPercent": interrupts, "stolenPercent": stolen, "ioWaitPercent": ioWait,
        ]
        return shares.mapValues { JSONValue(seconds: $0 * 100) }
    }
}
