import Analysis
import Model
import Report

/// Lines of the tree of processes.
struct TopForest {
    private let family: ProcessTree
    private let rows: [TopKey: ProcessRow]
    private let collapsed: Set<Int32>
    private let fits: Set<TopKey>
    /// Of each node: it, or something below it, fits.
    private var isKept: [Bool]
    /// Of siblings; the family's own is by their starts.
    var order: (([ProcessRow]) -> [ProcessRow])?

    /// Deeper families are shown without further branches.
    private static let depthLimit = 24

    init(_ family: ProcessTree, rows: [TopKey: ProcessRow], fits: Set<TopKey>, collapsed: Set<Int32>) {
        self.family = family
        self.rows = rows
        self.fits = fits
        self.collapsed = collapsed
        isKept = Array(repeating: false, count: family.nodes.count)
        // Parents stand before their children.
        for index in family.nodes.indices.reversed() {
            if let row = row(index), fits.contains(TopKey(row)) { isKept[index] = true }
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
            let children = siblings(family.nodes[next.index].children)
            if collapsed.contains(row.record.stat.pid) {
                line.hidden = family.nodes[next.index].size - 1
            } else {
                let isDeep = next.depth >= TopForest.depthLimit
                for (place, child) in children.enumerated().reversed() {
                    let isLast = place == children.count - 1
                    open.append(
                        (
                            child, isDeep ? next.branch : next.past + (isLast ? "└─ " : "├─ "),
                            isDeep ? next.past : next.past + (isLast ? "   " : "│  "), next.depth + 1
                        ))
                }
            }
            result.append(line)
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
