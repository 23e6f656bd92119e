import Analysis
import Model

extension TreeReport {
    private static let fields = ["pid", "ppid", "pgid", "sid", "tty", "user", "s", "comm", "args", "rss", "container"]
        .compactMap { ProcessField.named($0)?.field }

    /// The document of schema nusu.tree/1: every process with the numbers of its children, the eldest first. With a target
    /// its ancestors stand before it.
    package func json() -> String {
        let shown = (target.map { tree.ancestors(of: $0).reversed() } ?? []) + subjects
        return JSONValue.object([
            "schema": "nusu.tree/1",
            "target": JSONValue(target.map { tree.nodes[$0].record.stat.pid }),
            "summary": .object([
                "processes": JSONValue(subjects.count), "containers": JSONValue(containerCount),
                "zombies": JSONValue(concerned.filter { tree.nodes[$0].concern == .zombie }.count),
                "stuck": JSONValue(concerned.filter { tree.nodes[$0].concern != .zombie }.count),
            ]),
            "processes": .array(shown.map(json)),
        ]).document()
    }

    private func json(_ index: Int) -> JSONValue {
        let node = tree.nodes[index]
        var object = row(index).object(TreeReport.fields)
        object["children"] = .array(node.children.map { JSONValue(tree.nodes[$0].record.stat.pid) })
        object["kernelThread"] = JSONValue(node.record.stat.isKernelThread)
        object["foreground"] = JSONValue(leadsForeground(index))
        object["ownNamespaces"] = .array(ownNamespaces(index).map { .string($0.rawValue) })
        object["concern"] =
            switch node.concern {
            case nil: .null
            case .zombie: "zombie"
            case .stuck: "stuck"
            }
        if case .stuck(let seconds) = node.concern { object["stuckSeconds"] = JSONValue(seconds: seconds) }
        return .object(object)
    }
}
