package import Model

/// Who belongs to whom: all processes of one moment.
package struct ProcessRelatives: Sendable {
    private var stats: [Int32: ProcessStat] = [:]
    private var children: [Int32: [Int32]] = [:]

    package init(_ procfs: ProcFS) throws(Failure) {
        for pid in try procfs.processIDs() {
            guard let stat = try? procfs.stat(of: pid) else { continue }
            stats[pid] = stat
            children[stat.parent, default: []].append(pid)
        }
    }

    package func identity(_ pid: Int32) -> ProcessIdentity? {
        stats[pid].map { ProcessIdentity(pid: pid, startTicks: $0.startTicks, commandBytes: $0.commandBytes) }
    }

    /// A process's parent, that one's parent and so on.
    package func ancestors(of pid: Int32) -> [Int32] {
        var result: [Int32] = []
        var next = stats[pid]?.parent ?? 0
        // Reparenting between two reads could close a circle.
        while next > 0, !result.contains(next) {
            result.append(next)
            next = stats[next]?.parent ?? 0
        }
        return result
    }

    /// A process and all below it, parents before children.
    package func tree(of pid: Int32) -> [Int32] {
        guard stats[pid] != nil else { return [] }
        var result = [pid]
        var seen: Set<Int32> = [pid]
        var index = 0
        while index < result.count {
            for child in children[result[index]] ?? [] where seen.insert(child).inserted { result.append(child) }
            index += 1
        }
        return result
    }

    /// The processes of the same process group, in order of their start.
    package func group(of pid: Int32) -> [Int32] { alike(pid) { $0.processGroup } }

    /// The processes of the same session, in order of their start.
    package func session(of pid: Int32) -> [Int32] { alike(pid) { $0.session } }

    /// Group and session 0 belong to the kernel: nobody else is in it.
    private func alike(_ pid: Int32, by key: (ProcessStat) -> Int32) -> [Int32] {
        guard let own = stats[pid] else { return [] }
        guard key(own) > 0 else { return [pid] }
        return stats.values.filter { key($0) == key(own) }
            .sorted { ($0.startTicks, $0.pid) < ($1.startTicks, $1.pid) }.map(\.pid)
    }
}
