import Analysis
import Model

/// A line of the tree, and the lines below it.
struct TreeItem {
    var label: String
    var note = ""
    var children: [TreeItem] = []
    /// Processes on this line and below it.
    var processes = 1
    /// Concerns below it: such lines are never left out.
    var concerns = 0

    /// Lines that it takes when nothing below `depth` is shown but what somebody must look at.
    func lines(depth: Int) -> Int {
        1 + shown(depth: depth).reduce(0) { $0 + $1.lines(depth: depth - 1) }
    }

    func shown(depth: Int) -> [TreeItem] { depth > 0 ? children : children.filter { $0.concerns > 0 } }

    /// How many levels there are below it.
    var height: Int { children.map { $0.height + 1 }.max() ?? 0 }
}

extension TreeReport {
    /// Levels that are drawn; a chain of processes may be longer than any line.
    private static let depthLimit = 100
    /// Ancestors of a target that are drawn, so that it has a place itself, unless all are asked for.
    private static let ancestorLimit = 12
    /// Names of leaves on one line, unless all are asked for.
    private static let packed = 3
    private static let chainColumns = 60

    /// Number 0, and below it what has no parent that can be seen; or the ancestors of the target, and its family.
    func rootItem(_ options: Options) -> TreeItem {
        var root = TreeItem(label: "0  idle task = the scheduler, one per core")
        if let target {
            var item = self.item(target, options, depth: 0)
            let ancestors = tree.ancestors(of: target)
            let shown = ancestors.prefix(options.all ? TreeReport.depthLimit : TreeReport.ancestorLimit)
            for ancestor in shown {
                item = TreeItem(
                    label: label(ancestor), note: note(ancestor), children: [item], processes: item.processes + 1,
                    concerns: item.concerns)
            }
            if shown.count < ancestors.count {
                let further = ancestors.count - shown.count
                item = TreeItem(
                    label: Units.counted(further, "further ancestor"), note: options.all ? "" : "(--all)",
                    children: [item], processes: item.processes + further, concerns: item.concerns)
            }
            root.children = [item]
        } else {
            root.children = items(tree.roots, options, depth: 0)
        }
        root.processes = root.children.reduce(0) { $0 + $1.processes }
        root.concerns = root.children.reduce(0) { $0 + $1.concerns }
        return root
    }

    private func item(_ index: Int, _ options: Options, depth: Int) -> TreeItem {
        let node = tree.nodes[index]
        var item = TreeItem(label: label(index), note: note(index), processes: node.size, concerns: node.concerns)
        guard !node.children.isEmpty else { return item }
        if !options.kernel, node.children.allSatisfy({ tree.nodes[$0].record.stat.isKernelThread }) {
            let threads = "\(Units.counted(node.size - 1, "kernel thread")) (--kernel)"
            item.note += item.note.isEmpty ? threads : "; " + threads
            return item
        }
        guard depth < TreeReport.depthLimit else {
            item.note += " \(Units.grouped(node.size - 1)) below"
            return item
        }
        item.children = items(node.children, options, depth: depth + 1)
        return joined(item, node)
    }

    /// A process that has but one child, and of which there is nothing to be said, shares its child's line.
    private func joined(_ item: TreeItem, _ node: ProcessTree.Node) -> TreeItem {
        guard node.children.count == 1, item.children.count == 1, item.note.isEmpty,
            let child = item.children.first, !child.note.hasPrefix("!"),
            TerminalText.width(item.label) + TerminalText.width(child.label) + 3 <= TreeReport.chainColumns
        else { return item }
        var joined = child
        joined.label = "\(item.label) - \(child.label)"
        joined.processes = item.processes
        return joined
    }

    private func items(_ indices: [Int], _ options: Options, depth: Int) -> [TreeItem] {
        var alike: [String: [Int]] = [:]
        var order: [String] = []
        var others: [TreeItem] = []
        let zombies = options.all ? [:] : zombiesByName(indices)
        for index in indices {
            if isZombie(index), let same = zombies[name(index)] {
                if index == same.first { others.append(foldZombies(same, name(index))) }
                continue
            }
            guard tree.nodes[index].children.isEmpty, note(index).isEmpty else {
                others.append(item(index, options, depth: depth))
                continue
            }
            let name = name(index)
            if alike[name] == nil { order.append(name) }
            alike[name, default: []].append(index)
        }
        let single = order.compactMap { alike[$0]?.count == 1 ? alike[$0]?.first : nil }
        let folded = order.compactMap { name in alike[name].flatMap { $0.count > 1 ? fold($0, name) : nil } }
        return pack(single, options) + folded + others
    }

    /// Those that are too many for a line each.
    private func zombiesByName(_ indices: [Int]) -> [String: [Int]] {
        Dictionary(grouping: indices.filter(isZombie), by: name).filter { $0.value.count > TreeReport.packed }
    }

    private func isZombie(_ index: Int) -> Bool {
        if case .zombie = tree.nodes[index].concern { tree.nodes[index].children.isEmpty } else { false }
    }

    /// Zombies of one parent that differ in their numbers and ends: whoever lets them pile up has hundreds.
    private func foldZombies(_ indices: [Int], _ name: String) -> TreeItem {
        let first = indices.compactMap { secondsSinceEnd($0) }.max()
        let since = first.map { ", the first ended \(Units.duration($0)) ago" } ?? ""
        return TreeItem(
            label: "\(Units.grouped(indices.count)) x \(name) <defunct>",
            note: "! Z\(since); \(tree.nodes[indices[0]].record.stat.parent) must reap them",
            processes: indices.count, concerns: indices.count)
    }

    /// Processes that differ in nothing but their numbers.
    private func fold(_ indices: [Int], _ name: String) -> TreeItem {
        let states = Set(indices.map { tree.nodes[$0].record.stat.state }).sorted()
        let bytes = indices.reduce(UInt64(0)) { $0 &+ row($1).residentBytes }
        let memory = bytes > 0 ? "  \(Units.bytes(bytes)) together" : ""
        return TreeItem(
            label: "\(Units.grouped(indices.count)) x \(name)",
            note: states.map { String(decoding: [$0], as: UTF8.self) }.joined(separator: " ") + memory,
            processes: indices.count)
    }

    /// Leaves of which there is nothing to be said, several on a line.
    private func pack(_ indices: [Int], _ options: Options) -> [TreeItem] {
        let size = options.all ? 4 : TreeReport.packed
        return stride(from: 0, to: indices.count, by: size).prefix(options.all ? .max : 1).map { start in
            let shown = indices[start..<min(start + size, indices.count)]
            let left = options.all ? 0 : indices.count - shown.count
            let more = left > 0 ? "   \(Units.grouped(left)) more" : ""
            return TreeItem(
                label: shown.map(label).joined(separator: "   ") + more, processes: shown.count + left)
        }
    }

    /// Number and name; of what has a terminal also the arguments, shortened.
    private func label(_ index: Int) -> String {
        let row = row(index)
        let plain = "\(row.stat.pid) \(name(index))"
        if row.stat.isZombie { return plain + " <defunct>" }
        guard row.stat.terminal != 0, let arguments = row.arguments, arguments.count > 1 else { return plain }
        let rest = arguments.dropFirst().map { TerminalText.escaped($0) }.joined(separator: " ")
        return "\(plain) \(TerminalText.cut(rest, to: 30))"
    }
}
