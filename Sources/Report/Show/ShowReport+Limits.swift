import Model

extension ShowReport {
    /// How much of a limit is used, in the limit's own unit (man 2 getrlimit); nil where the kernel does not tell, or may not.
    func used(_ limit: ProcessPortrait.Limit) -> UInt64? {
        let status = portrait.record.status
        switch limit.name {
        case "Max cpu time": return (stat.userTicks &+ stat.systemTicks) / max(facts.ticksPerSecond, 1)
        case "Max data size": return kibibytes("VmData")
        case "Max stack size": return kibibytes("VmStk")
        case "Max resident set": return status?.residentBytes
        case "Max processes": return portrait.userThreads
        case "Max open files": return portrait.descriptors.map { UInt64($0.values.reduce(0, +)) }
        case "Max locked memory": return status?.lockedBytes
        case "Max address space": return status?.virtualBytes
        case "Max pending signals": return portrait.status["SigQ"]?.split(separator: "/").first.flatMap { UInt64($0) }
        default: return nil
        }
    }

    /// "132 kB" of `status`, in bytes.
    private func kibibytes(_ name: String) -> UInt64? {
        portrait.status[name]?.split(separator: " ").first.flatMap { UInt64($0) }.map { $0 &* 1024 }
    }

    /// "stack 132 KiB of 8.0 MiB; its user's threads 96 of 96,365; no core file". What is not used is left out where a limit is
    /// met by few.
    var limitsText: String {
        let shown = [
            ("Max stack size", "stack"), ("Max processes", "its user's threads"), ("Max locked memory", "locked"),
            ("Max address space", "address space"), ("Max core file size", "core file"),
        ]
        let texts = shown.compactMap { name, label -> String? in
            guard let limit = portrait.limits.first(where: { $0.name == name }) else { return nil }
            guard let soft = limit.soft else { return isRare(name) ? nil : "\(label) no limit" }
            if isRare(name), used(limit) == 0 { return nil }
            let isSize = name != "Max processes"
            func text(_ value: UInt64) -> String { isSize ? Units.bytes(value) : Units.grouped(Int(clamping: value)) }
            if name == "Max core file size" { return soft == 0 ? "no core file" : "\(label) at most \(text(soft))" }
            return "\(label) " + (used(limit).map { "\(text($0)) of " } ?? "at most ") + text(soft)
        }
        return texts.isEmpty ? "not known" : texts.joined(separator: "; ")
    }

    private func isRare(_ limit: String) -> Bool { limit == "Max address space" || limit == "Max locked memory" }

    /// Its control groups: the one of version 2, or those of version 1 by their paths; nil where that is not known.
    var groupsText: String? {
        guard let bytes = portrait.record.controlGroups else { return nil }
        var controllers: [(path: String, names: [String])] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].count > 1 else { continue }
            let path = TerminalText.escaped(Array(parts[2]))
            let name = TerminalText.escaped(Array(parts[1]))
            if let index = controllers.firstIndex(where: { $0.path == path }) {
                controllers[index].names.append(name)
            } else {
                controllers.append((path, [name]))
            }
        }
        guard let first = controllers.first else { return "the root of all" }
        let names = first.names.filter { !$0.isEmpty }
        let more = controllers.count > 1 ? " and \(controllers.count - 1) more (nusu ps -o cgroup)" : ""
        return first.path + (names.isEmpty ? "" : " (\(names.joined(separator: " ")))") + more
    }
}
