import Model

/// Processes in words: one, several of a name, several of many.
struct PartyText {
    let graph: ChannelGraph

    /// "api(1234)", "nginx(910) x5", "postgres(1502) and 9 children", "a(1), b(2)", "14 processes".
    /// - Parameter isShared: they have the same thing, not each its own: "bash(1) and 13 more".
    func text(_ pids: [Int32], isShared: Bool = false) -> String {
        guard let first = pids.first else { return "(nobody seen)" }
        if pids.count == 1 { return name(first) }
        if let head = head(of: pids) {
            return "\(name(head)) and \(Units.counted(pids.count - 1, "child", plural: "children"))"
        }
        let command = graph.processes[first]?.identity.commandBytes
        if command != nil, pids.allSatisfy({ graph.processes[$0]?.identity.commandBytes == command }) {
            return "\(name(first)) x\(Units.grouped(pids.count))"
        }
        if pids.count == 2 { return pids.map(name).joined(separator: ", ") }
        return isShared
            ? "\(name(first)) and \(Units.grouped(pids.count - 1)) more" : "\(Units.grouped(pids.count)) processes"
    }

    /// Each one, however many.
    func list(_ pids: [Int32]) -> String {
        pids.isEmpty ? "(nobody seen)" : pids.map(name).joined(separator: ", ")
    }

    func name(_ pid: Int32) -> String {
        guard let process = graph.processes[pid] else { return "process \(pid)" }
        return "\(TerminalText.escaped(process.identity.commandBytes))(\(pid))"
    }

    /// "api (1234)": in sentences.
    func sentenceName(_ pid: Int32) -> String {
        guard let process = graph.processes[pid] else { return "process \(pid)" }
        return "\(TerminalText.escaped(process.identity.commandBytes)) (\(pid))"
    }

    /// The parent of all others, where that is among them.
    private func head(of pids: [Int32]) -> Int32? {
        let parents = Set(pids.compactMap { graph.processes[$0]?.parent })
        return pids.first { pid in
            parents.contains(pid) && pids.allSatisfy { $0 == pid || graph.processes[$0]?.parent == pid }
        }
    }
}
