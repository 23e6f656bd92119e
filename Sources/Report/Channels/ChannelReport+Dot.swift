import Analysis
import Model

extension ChannelReport {
    /// The graph for graphviz: a box for each process, a line for what joins two, a small node for what joins more. Stuck is
    /// red, guessed is dashed, memory is grey.
    package func dot() -> String {
        var lines = [
            "digraph nusu {", "  rankdir=LR;", "  node [shape=box, fontname=\"sans-serif\"];",
            "  edge [fontname=\"sans-serif\", fontsize=10];",
        ]
        let text = ChannelText(graph: graph, users: users)
        let groups = findings.groups.filter { $0.section != .alone }
        for pid in Set(groups.flatMap { $0.left + $0.right }).sorted() {
            let command = graph.processes[pid].map { TerminalText.escaped($0.identity.commandBytes) } ?? "process"
            lines.append("  p\(pid) [label=\(ChannelReport.quoted(command, below: "\(pid)"))];")
        }
        for (number, group) in groups.enumerated() {
            let isMemory = group.section == .sharedMemory
            let name = isMemory ? text.memory(group) : text.edge(group)
            let below = [text.open(group), text.waiting(group), text.since(group)].filter { !$0.isEmpty }
                .joined(separator: ", ")
            var look = ["label=\(ChannelReport.quoted(name, below: below))"]
            look.append("color=\(group.stuck != nil ? "red" : isMemory ? "gray40" : "black")")
            if !group.isSure { look.append("style=dashed") }
            let attributes = look.joined(separator: ", ")
            if group.left.count == 1, group.right.count == 1, group.section != .queues {
                let both = group.first.goesBothWays ? ", dir=both" : ""
                lines.append("  p\(group.left[0]) -> p\(group.right[0]) [\(attributes)\(both)];")
                continue
            }
            lines.append("  c\(number) [shape=\(isMemory ? "cylinder" : "ellipse"), fontsize=10, \(attributes)];")
            let direction =
                group.first.goesBothWays || !group.first.hasSides ? " [dir=\(isMemory ? "none" : "both")]" : ""
            lines += group.left.map { "  p\($0) -> c\(number)\(direction);" }
            lines += group.right.map { "  c\(number) -> p\($0)\(direction);" }
        }
        return (lines + ["}"]).joined(separator: "\n") + "\n"
    }

    /// A string of the dot language, of one line or two. Names are escaped for terminals already; a backslash or a quotation
    /// mark of theirs must not act here.
    private static func quoted(_ text: String, below: String) -> String {
        func plain(_ text: String) -> String {
            text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        }
        return "\"" + plain(text) + (below.isEmpty ? "" : "\\n" + plain(below)) + "\""
    }
}
