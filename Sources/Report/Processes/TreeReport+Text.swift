import Analysis
import Model

extension TreeReport {
    private static let lineLimit = 25
    /// Where the notes begin; on a terminal of less than 100 columns in its middle.
    private static func noteColumn(_ style: TextStyle) -> Int { min(50, max(30, (style.width ?? 100) / 2)) }

    /// The tree for people: the answer in line 1, at most 25 lines unless all are asked for or more need a look.
    package func text(_ options: Options, _ style: TextStyle) -> String {
        let root = rootItem(options)
        let closing = next(style)
        let room = TreeReport.lineLimit - 2 - (closing.isEmpty ? 0 : 2)
        var lines = [style.strong(style.fit(headline)), ""]
        // A level more than fits: of that one as many as there is room for.
        let depth = options.all ? Int.max : depth(root, room) + 1
        var drawing = Drawing(style: style, limit: options.all ? .max : room)
        drawing.draw(root, depth: depth)
        lines += drawing.lines
        if !closing.isEmpty { lines += [""] + closing }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The deepest level down to which all fits; at least one. A level more is never fewer lines.
    private func depth(_ root: TreeItem, _ room: Int) -> Int {
        let height = max(1, root.height)
        return (2...height + 1).first { $0 > height || root.lines(depth: $0) > room }.map { $0 - 1 } ?? 1
    }

    private var headline: String {
        let count = Units.counted(subjects.count, "process", plural: "processes")
        let containers = containerCount
        let inside = containers > 0 ? " in \(Units.counted(containers, "container"))" : ""
        let subject: String
        if let target {
            let below = subjects.count - 1
            subject =
                "\(name(target)) (\(tree.nodes[target].record.stat.pid)): "
                + "\(Units.counted(tree.ancestors(of: target).count, "ancestor")), "
                + "\(Units.counted(below, "process", plural: "processes")) below"
        } else {
            subject = count + inside
        }
        let zombies = concerned.filter { tree.nodes[$0].concern == .zombie }.count
        let stuck = concerned.compactMap { index in
            if case .stuck(let seconds) = tree.nodes[index].concern { seconds ?? 0 } else { nil }
        }
        guard zombies + stuck.count > 0 else { return subject + "; none needs a look." }
        var parts: [String] = []
        if zombies > 0 { parts.append("\(Units.counted(zombies, "zombie")) (!)") }
        if let longest = stuck.max() {
            let time = longest > 0 ? " for \(Units.duration(longest))" : ""
            parts.append("\(Units.grouped(stuck.count)) stuck in the kernel\(time) (!)")
        }
        let total = zombies + stuck.count
        return
            "\(subject); \(Units.grouped(total)) need\(total == 1 ? "s" : "") a look: \(parts.joined(separator: ", "))."
    }

    private func next(_ style: TextStyle) -> [String] {
        guard style.isTerminal else { return [] }
        if let first = concerned.first {
            let stat = tree.nodes[first].record.stat
            let pid = stat.isZombie ? stat.parent : stat.pid
            let why = stat.isZombie ? "who must reap it, and what it does" : "what it waits for, and on whom"
            return [style.fit("next: nusu show \(pid)      \(why)")]
        }
        return [style.fit("next: nusu ps -e --interval 1s      what runs, and what waits for a processor")]
    }

    /// The lines of a tree, drawn as far as there is room.
    private struct Drawing {
        let style: TextStyle
        let limit: Int
        var lines: [String] = []

        mutating func draw(_ root: TreeItem, depth: Int) {
            lines.append(style.fit("  " + root.label))
            draw(root.shown(depth: depth), below: "  ", depth: depth, reserved: 0)
        }

        /// - Parameter reserved: lines that what comes after these takes at least.
        private mutating func draw(_ items: [TreeItem], below prefix: String, depth: Int, reserved: Int) {
            let ordered = room(for: items, reserved)
            for (number, item) in ordered.shown.enumerated() {
                let isLast = number == ordered.shown.count - 1 && ordered.left.isEmpty
                var children = item.children
                var kept = 0
                if limit != .max {
                    kept = ordered.shown[(number + 1)...].reduce(reserved + (ordered.left.isEmpty ? 0 : 1)) {
                        $0 + $1.lines(depth: depth - 2)
                    }
                    children = item.shown(depth: depth - 1)
                    // For one line of several it is not worth beginning.
                    if limit - lines.count - 1 - kept < min(children.count, 2) { children = item.shown(depth: 0) }
                }
                let hidden = item.children.count - children.count
                let below = hidden > 0 ? hiddenNote(item, children) : ""
                append(prefix + (isLast ? "`- " : "|- ") + item.label, note: item.note + below)
                draw(
                    children, below: prefix + (isLast ? "   " : "|  "), depth: depth == .max ? .max : depth - 1,
                    reserved: kept)
            }
            if !ordered.left.isEmpty {
                let count = ordered.left.reduce(0) { $0 + $1.processes }
                append(prefix + "`- \(Units.counted(count, "process", plural: "processes")) more", note: "(--all)")
            }
        }

        /// What fits of a level: concerns first where not all does.
        private func room(for items: [TreeItem], _ reserved: Int) -> (shown: [TreeItem], left: [TreeItem]) {
            let room = max(1, limit == .max ? .max : limit - lines.count - reserved)
            let concerned = items.filter { $0.concerns > 0 }
            let others = items.filter { $0.concerns == 0 }
            let needed = concerned.reduce(0) { $0 + $1.lines(depth: 0) }
            guard needed + others.count > room else { return (items, []) }
            let count = max(0, room - 1 - needed)
            return (concerned + others.prefix(count), Array(others.dropFirst(count)))
        }

        private func hiddenNote(_ item: TreeItem, _ shown: [TreeItem]) -> String {
            let count = item.children.reduce(0) { $0 + $1.processes } - shown.reduce(0) { $0 + $1.processes }
            return (item.note.isEmpty ? "" : "; ") + "\(Units.grouped(count)) below (--all)"
        }

        private mutating func append(_ line: String, note: String) {
            let text = note.isEmpty ? line : TerminalText.padded(line, to: TreeReport.noteColumn(style)) + "  " + note
            lines.append(style.fit(text))
        }
    }
}
