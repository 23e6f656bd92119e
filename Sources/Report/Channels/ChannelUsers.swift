import Model

/// Whose names are shown, and who looks.
package struct ChannelUsers: Sendable {
    /// By number.
    package var names: [UInt32: String]
    /// Who looks, and so what it would take to see more.
    package var viewer: Viewer

    package enum Viewer: Sendable {
        case user
        /// In a container, say: root, but without the right to look into others.
        case rootWithoutCapabilities
        /// With CAP_SYS_PTRACE: what is hidden from it, a security module hides, or another user namespace.
        case tracer
    }

    package init(names: [UInt32: String], viewer: Viewer) {
        self.names = names
        self.viewer = viewer
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
        let reason =
            switch viewer {
            case .user: "needs root"
            case .rootWithoutCapabilities: "needs CAP_SYS_PTRACE"
            case .tracer: "even with CAP_SYS_PTRACE"
            }
        return "Not visible: \(all.joined(separator: ", ")) (\(reason))."
    }
}
