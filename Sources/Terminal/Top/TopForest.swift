import Analysis
import Model
import Report

/// Lines of the tree of processes.
struct TopForest {
    private let family: ProcessTree
    private let rows: [TopKey: ProcessRow]
    /// Those that fit, by their processes.
    private let threads: [Int32: [ProcessRow]]
    private let collapsed: Set<Int32>
    private let fits: Set<TopKey>
    /// Of each node: it, or something below it, fits.
    private var isKept: [Bool]
    /// Of siblings; the family's own is by their starts.
    var order: (([ProcessRow]) -> [ProcessRow])?

    /// Deeper families are shown without further branches.
    private static let depthLimit = 24

    init(
        _ family: ProcessTree, rows: [TopKey: ProcessRow], threads: [Int32: [ProcessRow]] = [:], fits: Set<TopKey>,
        collapsed: Set<Int32>
    ) {
        self.family = family
        self.rows = rows
        self.threads = threads
        self.fits = fits
        self.collapsed = collapsed
        isKept = Array(repeating: false, count: family.nodes.count)
        // Parents stand before their children.
        for index in family.nodes.indices.reversed() {
            if let row = row(index), fits.contains(TopKey(row)) || threads[row.processID] != nil {
                isKept[index] = true
            }
            if isKept[index], let parent = family.nodes[index].parent { isKept[parent] = true }
        }
    }

    private func row(_ index: Int) -> ProcessRow? {
        let stat = family.nodes[index].record.stat
        return rows[TopKey(pid: stat.pid, startTicks: stat.startTicks)]
    }

    /// Without recursion: a family may be as deep as it likes.
    func lines() -> [TopLine] {
        var result: [TopLine] = []
        result.reserveCapacity(family.nodes.count)
        var open = siblings(family.roots).reversed().map { (index: $0, branch: "", past: "", depth: 0) }
        while let next = open.popLast() {
            guard let row = row(next.index) else { continue }
            var line = TopLine(row)
            line.branch = next.branch
            line.isContext = !fits.contains(line.key)
            let own = threads[row.processID] ?? []
            if collapsed.contains(row.processID) {
                let below = family.family(of: next.index)
                line.hidden = below.reduce(below.count - 1) { count, member in
                    count + (threads[family.nodes[member].record.stat.pid]?.count ?? 0)
                }
                result.append(line)
                continue
            }
            result.append(line)
            let children = siblings(family.nodes[next.index].children)
            let isDeep = next.depth >= TopForest.depthLimit
            func branch(isLast: Bool) -> String { isDeep ? next.branch : next.past + (isLast ? "└─ " : "├─ ") }
            for (place, thread) in (order?(own) ?? own).enumerated() {
                var line = TopLine(thread)
                line.branch = branch(isLast: children.isEmpty && place == own.count - 1)
                result.append(line)
            }
            for (place, child) in children.enumerated().reversed() {
                let isLast = place == children.count - 1
                open.append(
                    (
                        child, branch(isLast: isLast), isDeep ? next.past : next.past + (isLast ? "   " : "│  "),
                        next.depth + 1
                    ))
            }
        }
        return result
    }

    private func siblings(_ indexes: [Int]) -> [Int] {
        let kept = indexes.filter { isKept[$0] }
        guard let order, kept.count > 1 else { return kept }
        let places = Dictionary(kept.compactMap { index in row(index).map { (TopKey($0), index) } }) { first, _ in first
        }
        return order(kept.compactMap(row)).compactMap { places[TopKey($0)] }
    }
}
