import Analysis
package import Model

extension WatchReport {
    private static let schema = JSONValue.string("nusu.watch/1")

    /// One sample, one line. A process that has ended is left out.
    /// - Parameter time: seconds since 1970.
    package static func sampleJSON(
        _ samples: [(process: ProcessIdentity, sample: ProcessSample)], groups: [MemoryGroupSample], seconds: Double,
        time: Int64
    ) -> String {
        JSONValue.object([
            "schema": schema, "kind": "sample", "seconds": JSONValue(seconds: seconds), "time": .integer(time),
            "processes": .array(
                samples.map { process, sample in
                    var fields = identity(process)
                    for figure in UsageHistory.Figure.allCases {
                        fields[key(figure)] = JSONValue(UsageHistory.value(figure, of: sample))
                    }
                    fields["minorFaults"] = JSONValue(sample.minorFaults)
                    fields["majorFaults"] = JSONValue(sample.majorFaults)
                    return .object(fields)
                }),
            "groups": .array(groups.map { .object(fields($0)) }),
        ]).document()
    }

    /// The last line: what it all means.
    package func json() -> String {
        JSONValue.object([
            "schema": WatchReport.schema, "kind": "summary", "seconds": JSONValue(seconds: seconds),
            "grew": JSONValue(grew),
            "command": command.map { .array($0.map { .string($0) }) } ?? .null,
            "processes": .array(targets.map(json)),
            "groups": .array(groups.map(WatchReport.json)),
            "evidence": .array(
                evidence.map {
                    .object([
                        "pid": JSONValue($0.process.pid), "seconds": JSONValue(seconds: $0.afterSeconds),
                        "reason": .string($0.reason), "report": .string($0.reportPath),
                        "snapshot": JSONValue($0.snapshotPath), "problem": JSONValue($0.problem),
                    ])
                }),
            "gaps": .array(
                gaps.map {
                    .object(["what": .string($0.what), "reason": .string($0.reason), "remedy": JSONValue($0.remedy)])
                }),
        ]).document()
    }

    private func json(_ target: Target) -> JSONValue {
        var fields = WatchReport.identity(target.process)
        for figure in UsageHistory.Figure.allCases {
            let series = target.history.series(of: figure)
            fields[WatchReport.key(figure)] =
                series.map { series in
                    .object([
                        "first": WatchReport.whole(series.first), "last": WatchReport.whole(series.last),
                        "lowest": WatchReport.whole(series.lowest), "highest": WatchReport.whole(series.highest),
                        "trend": target.trends[figure].map(WatchReport.json) ?? .null,
                    ])
                } ?? .null
        }
        let faults = target.history.faultRates
        fields["minorFaultsPerSecond"] = JSONValue(seconds: faults?.minor)
        fields["majorFaultsPerSecond"] = JSONValue(seconds: faults?.major)
        fields["samples"] = JSONValue(target.history.sampleCount)
        fields["grows"] = .array(target.growing.map { .string(WatchReport.key($0)) })
        fields["groups"] = .array(target.groups.compactMap { groups[$0].last.map { .string($0.path) } })
        fields["descriptorLimit"] = JSONValue(target.descriptorLimit)
        fields["limit"] =
            forecast(target).map {
                .object(["bytes": JSONValue($0.limitBytes), "forecast": WatchReport.json($0.forecast)])
            } ?? .null
        fields["ended"] = target.ended.map(WatchReport.json) ?? .null
        return .object(fields)
    }

    private static func json(_ ended: Ended) -> JSONValue {
        var fields: [String: JSONValue] = [
            "seconds": JSONValue(seconds: ended.afterSeconds), "outOfMemory": JSONValue(ended.isOutOfMemory),
            "exitStatus": .null, "signal": .null,
        ]
        switch ended.ending {
        case .exited(let status): fields["exitStatus"] = JSONValue(status)
        case .killed(let signal): fields["signal"] = JSONValue(signal)
        case .unknown: break
        }
        return .object(fields)
    }

    private static func json(_ trend: Trend) -> JSONValue {
        .object([
            "course": .string(trend.course.rawValue), "sure": JSONValue(trend.isSure),
            "perSecond": number(trend.slope), "lowPerSecond": number(trend.interval?.lowerBound),
            "highPerSecond": number(trend.interval?.upperBound), "probability": number(trend.probability),
            "seconds": JSONValue(seconds: trend.seconds), "warmUpSeconds": JSONValue(seconds: trend.warmUpSeconds),
            "points": JSONValue(trend.count),
        ])
    }

    private static func json(_ forecast: Forecast) -> JSONValue {
        .object([
            "seconds": JSONValue(seconds: forecast.seconds),
            "earliestSeconds": JSONValue(seconds: forecast.earliestSeconds),
            "latestSeconds": JSONValue(seconds: forecast.latestSeconds),
        ])
    }

    private static func json(_ group: GroupHistory) -> JSONValue {
        guard let last = group.last else { return .null }
        var fields = fields(last)
        fields["newOutOfMemoryKills"] = JSONValue(group.newOutOfMemoryKills)
        fields["trend"] = group.held.points.isEmpty ? .null : json(Trend(group.held))
        return .object(fields)
    }

    private static func fields(_ group: MemoryGroupSample) -> [String: JSONValue] {
        [
            "path": .string(group.path), "limitBytes": JSONValue(group.limitBytes),
            "usageBytes": JSONValue(group.usageBytes), "cacheBytes": JSONValue(group.cacheBytes),
            "outOfMemoryKills": JSONValue(group.outOfMemoryKills),
        ]
    }

    private static func identity(_ process: ProcessIdentity) -> [String: JSONValue] {
        var fields: [String: JSONValue] = ["pid": JSONValue(process.pid)]
        fields.set("name", bytes: process.commandBytes)
        return fields
    }

    private static func key(_ figure: UsageHistory.Figure) -> String {
        figure.isMemory ? figure.rawValue + "Bytes" : figure.rawValue
    }

    private static func number(_ value: Double?) -> JSONValue {
        value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null
    }

    private static func whole(_ value: Double?) -> JSONValue { JSONValue(value.map { UInt64(max(0, min($0, 9e18))) }) }
}
