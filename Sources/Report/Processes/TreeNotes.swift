import Analysis
import Model

extension TreeReport {
    /// What is to be said of a process beside its name: what it needs, and where it differs from its parent.
    func note(_ index: Int) -> String {
        let node = tree.nodes[index]
        if let concern = node.concern { return "! " + text(of: concern, index) }
        var parts: [String] = []
        if let user = user(index), user != node.parent.flatMap({ self.user($0) }) { parts.append(user) }
        parts += terminal(index)
        if node.record.stat.isStopped { parts.append(TreeReport.stop(node.record.stat)) }
        if node.record.stat.state == UInt8(ascii: "t") { parts.append("stopped by its tracer") }
        if let container = ownContainer(index) { parts.append("container \(container)") }
        let namespaces = ownNamespaces(index).map(\.rawValue)
        if !namespaces.isEmpty {
            parts.append("own \(namespaces.joined(separator: ", ")) namespace\(namespaces.count == 1 ? "" : "s")")
        }
        if node.record.stat.pid == own { parts.append("this nusu") }
        return parts.joined(separator: "; ")
    }

    private func terminal(_ index: Int) -> [String] {
        let node = tree.nodes[index]
        let stat = node.record.stat
        guard let name = context.facts.terminalName(stat.terminal) else { return [] }
        var parts: [String] = []
        if node.parent.map({ tree.nodes[$0].record.stat.terminal }) != stat.terminal { parts.append(name) }
        if stat.session == stat.pid { parts.append("session \(stat.session)") }
        if leadsForeground(index) { parts.append("foreground: Ctrl+C goes here (SIGINT)") }
        return parts
    }

    private func text(of concern: ProcessTree.Concern, _ index: Int) -> String {
        let node = tree.nodes[index]
        switch concern {
        case .zombie:
            let since = secondsSinceEnd(index).map { " " + Units.duration($0) + " ago" } ?? ""
            let parent = node.record.stat.parent
            let ending = SignalOutlookText.ending(node.record.stat.exitStatus).map { " (\($0))" } ?? ""
            return "Z ended\(since)\(ending); \(parent) must reap it"
        case .stuck(let seconds):
            let since = seconds.map { " since " + Units.duration($0) } ?? ""
            let place = node.record.waitChannel.flatMap { $0.isEmpty || $0 == [0x30] ? nil : TerminalText.escaped($0) }
            // Some such waits a fatal signal ends (TASK_KILLABLE: vfork, NFS), others none; the letter is the same.
            return "D\(since)\(place.map { " in " + $0 } ?? ""): KILL may not end it"
        }
    }

    /// Of a zombie; nil where the kernel does not tell when it ran last.
    func secondsSinceEnd(_ index: Int) -> Double? {
        tree.nodes[index].record.lastRanSeconds.flatMap { ran in
            context.facts.schedulerSeconds.map { max(0, $0 - ran) }
        }
    }

    /// What a shell has taken note of is mostly stopped by the terminal's key.
    private static func stop(_ stat: ProcessStat) -> String {
        let resumes = stat.terminal == 0 ? "SIGCONT resumes" : "fg or SIGCONT resumes"
        if stat.stopSignal == nil, stat.terminal != 0 { return "stopped (Ctrl+Z: SIGTSTP); \(resumes)" }
        return "stopped by \(SignalOutlookText.stopper(stat.stopSignal)); \(resumes)"
    }
}

extension Units {
    /// "41 s", "12 min", "3 h", "12 d".
    static func duration(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(Int(max(seconds, 0))) s"
        case ..<7200: "\(Int(seconds / 60)) min"
        case ..<172_800: "\(Int(seconds / 3600)) h"
        default: "\(Int(min(seconds, 1e12) / 86_400)) d"
        }
    }
}
