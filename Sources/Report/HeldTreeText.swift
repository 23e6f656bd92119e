import Analysis
import Model

/// What hangs below one leader, line by line: its own bytes, those below it, field and type.
struct HeldTreeText {
    let tree: HeldTree
    let group: LeakGroup

    /// The columns stand below the group's size and count, the tree below what the group is.
    var lines: [String] {
        let whose = group.count == 1 ? "it lies at" : "one of them, at"
        var lines = [row("itself", "below", "\(whose) \(Address(tree.address)):")]
        add(tree.root, mark: "", indent: "", to: &lines)
        if tree.elsewhere.blocks > 0 {
            lines.append(row("", "", "shares \(amount(tree.elsewhere)) with another one, counted there"))
        }
        return lines
    }

    private func add(_ node: HeldTree.Node, mark: String, indent: String, to lines: inout [String]) {
        let below = node.below.blocks > 0 ? Units.bytes(node.below.bytes) : ""
        lines.append(row(Units.bytes(node.own.bytes), below, mark + what(node)))
        let isCut = node.hidden.blocks > 0
        for (number, child) in node.children.enumerated() {
            let isLast = number == node.children.count - 1 && !isCut
            add(
                child, mark: indent + (isLast ? "`- " : "|- "), indent: indent + (isLast ? "   " : "|  "), to: &lines)
        }
        guard isCut else { return }
        let what = node.children.isEmpty ? "not shown: " : "and "
        let blocks = Units.counted(node.hidden.blocks, node.children.isEmpty ? "block" : "more block")
        lines.append(row("", Units.bytes(node.hidden.bytes), "\(indent)`- \(what)\(blocks)"))
    }

    /// "members: 4 x Request"
    private func what(_ node: HeldTree.Node) -> String {
        let type = TerminalText.escaped(group.withoutModule(TypeText.plain(node.type)))
        let many = node.own.blocks == 1 ? "" : "\(Units.grouped(node.own.blocks)) x "
        let field = node.field.isEmpty ? "" : TerminalText.escaped(node.field) + ": "
        return field + many + type
    }

    private func amount(_ tally: Tally) -> String {
        "\(Units.bytes(tally.bytes)) in \(Units.counted(tally.blocks, "block"))"
    }

    private func row(_ own: String, _ below: String, _ what: String) -> String {
        TerminalText.padded(own, to: 14, right: true) + " " + TerminalText.padded(below, to: 10, right: true) + "  "
            + what
    }
}
