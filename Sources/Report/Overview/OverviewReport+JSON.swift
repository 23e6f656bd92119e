import Analysis
import Model

extension OverviewReport {
    /// The document of schema nusu.overview/1.
    package func json() -> String {
        var target: [String: JSONValue] = ["pid": JSONValue(stat.pid)]
        target.set("command", bytes: show.identity.commandBytes)
        return JSONValue.object([
            "schema": "nusu.overview/1", "target": .object(target),
            "watchedSeconds": JSONValue(seconds: watchedSeconds),
            "memory": .object([
                "residentBytes": JSONValue(resident), "swappedBytes": JSONValue(history.last(.swapped)),
                "resident": json(.resident), "anonymous": json(.anonymous), "limit": limitValue,
            ]),
            "descriptors": .object([
                "count": JSONValue(descriptors), "limit": JSONValue(descriptorLimit), "trend": json(.descriptors),
            ]),
            "threads": .object(["count": JSONValue(stat.threadCount), "trend": json(.threads)]),
            "doing": .object([
                "state": .string(String(UnicodeScalar(stat.state))),
                "reason": JSONValue(show.chain.links.first.map { WaitText.reason($0) }),
                "isDeadlock": JSONValue(show.chain.isDeadlock), "cores": JSONValue(seconds: show.rates?.cores),
            ]),
            "runtime": runtime.map { runtime in
                .object([
                    "allocators": .array(runtime.allocators.map { .string($0) }),
                    "languages": .array(runtime.languages.map { .string($0) }),
                    "reading": .string(runtime.reading.rawValue),
                    "isTriedVersion": runtime.isTriedVersion.map { JSONValue($0) } ?? .null,
                ])
            } ?? .null,
            "permission": permissionValue, "next": .string(next.command),
            "gaps": .array(gaps.map(JSONValue.init(gap:))),
        ]).document()
    }

    private func json(_ figure: UsageHistory.Figure) -> JSONValue {
        guard let trend = trends[figure] else { return .null }
        return .object([
            "course": .string(trend.course.rawValue), "isSure": JSONValue(trend.isSure),
            "perSecond": JSONValue(seconds: trend.slope),
            "lowestPerSecond": JSONValue(seconds: trend.interval?.lowerBound),
            "highestPerSecond": JSONValue(seconds: trend.interval?.upperBound),
        ])
    }

    private var limitValue: JSONValue {
        guard let last = group?.last else { return .null }
        return .object([
            "path": .string(last.path), "limitBytes": JSONValue(last.limitBytes),
            "usageBytes": JSONValue(last.usageBytes),
            "cacheBytes": JSONValue(last.cacheBytes), "heldBytes": JSONValue(last.heldBytes),
            "outOfMemoryKills": JSONValue(last.outOfMemoryKills), "share": JSONValue(seconds: group?.share),
        ])
    }

    private var permissionValue: JSONValue {
        switch permission {
        case .granted(let plan):
            .object([
                "isGranted": .bool(true), "right": .string(plan.right), "method": .string(plan.method.rawValue),
                "pauseSeconds": JSONValue(seconds: plan.pauseSeconds), "neededBytes": JSONValue(plan.neededBytes),
                "headroomBytes": JSONValue(plan.headroomBytes),
            ])
        case .refused(let failure):
            .object([
                "isGranted": .bool(false), "what": .string(failure.what), "remedy": .string(failure.remedy),
            ])
        }
    }
}
