import Model

extension GroupMemory {
    /// "control group   861 MiB of 1,024 MiB (708 MiB anon, …); OOM kills 2"; nil where its use is not known.
    var line: String? {
        guard let usageBytes else { return nil }
        let limit = limitBytes.map { " of \(Units.bytes($0))" } ?? ", no limit"
        let kinds = [
            anonymousBytes.map { "\(Units.bytes($0)) anon" }, cacheBytes.map { "\(Units.bytes($0)) cache" },
            kernelBytes.map { "\(Units.bytes($0)) kernel" },
        ].compactMap { $0 }
        var parts = [Units.bytes(usageBytes) + limit]
        if !kinds.isEmpty { parts[0] += " (" + kinds.joined(separator: ", ") + ")" }
        if let outOfMemoryKills { parts.append("OOM kills \(Units.grouped(Int(clamping: outOfMemoryKills)))") }
        return "  control group   " + parts.joined(separator: "; ")
    }

    var json: JSONValue {
        var fields: [String: JSONValue] = [
            "limitBytes": JSONValue(limitBytes), "usageBytes": JSONValue(usageBytes),
            "anonymousBytes": JSONValue(anonymousBytes), "cacheBytes": JSONValue(cacheBytes),
            "kernelBytes": JSONValue(kernelBytes), "outOfMemoryKills": JSONValue(outOfMemoryKills),
        ]
        fields.set("path", bytes: pathBytes)
        return .object(fields)
    }
}
