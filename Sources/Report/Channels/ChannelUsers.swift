import Model

/// Whose names are shown, and who looks.
package struct ChannelUsers: Sendable {
    /// By number.
    package var names: [UInt32: String]
    /// Root looks, and needs another right than to be root.
    package var isRoot: Bool

    package init(names: [UInt32: String], isRoot: Bool) {
        self.names = names
        self.isRoot = isRoot
    }

    /// Not escaped.
    func name(_ user: UInt32) -> String { names[user] ?? "\(user)" }

    /// "Not visible: 2 processes of user postgres (needs root)."; nil: all were seen.
    func unseen(in graph: ChannelGraph) -> String? {
        guard !graph.unseen.isEmpty else { return nil }
        var counts: [UInt32?: Int] = [:]
        for pid in graph.unseen { counts[graph.processes[pid]?.user, default: 0] += 1 }
        let ordered = counts.sorted { ($0.value, $1.key ?? 0) > ($1.value, $0.key ?? 0) }
        let parts = ordered.prefix(3).map { user, count in
            Units.counted(count, "process", plural: "processes")
                + (user.map { " of user \(TerminalText.escaped(name($0)))" } ?? "")
        }
        let left = ordered.dropFirst(3).reduce(0) { $0 + $1.value }
        let all = parts + (left > 0 ? ["\(Units.grouped(left)) of others"] : [])
        return "Not visible: \(all.joined(separator: ", ")) (needs \(isRoot ? "CAP_SYS_PTRACE" : "root"))."
    }
}
