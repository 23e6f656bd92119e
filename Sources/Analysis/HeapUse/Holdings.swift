import Model

/// Which blocks lie below which of a few owners in the dominator tree.
struct Holdings {
    private let count: Int
    /// Per position of the tree: 1 + the number of the owner that it lies below; 0 for none.
    private let owner: [UInt8]

    private static let kindsKept = 5

    /// - Parameter owners: positions in the tree, none below another; at most 255.
    init(_ process: ProcessGraph, _ tree: Dominators, owners: [Int]) {
        count = owners.count
        var owner = [UInt8](repeating: 0, count: tree.order.count)
        for (rank, number) in owners.enumerated() { owner[number] = UInt8(rank + 1) }
        // Dominators stand before what they dominate.
        for number in 1..<max(tree.order.count, 1) where owner[number] == 0 {
            owner[number] = owner[Int(tree.dominator[number])]
        }
        self.owner = owner
    }

    /// What each retains below itself, by kind; in the owners' order.
    func kinds(_ process: ProcessGraph, _ tree: Dominators) -> [[LeakGroup.HeldKind]] {
        var counts = [KindCounts](repeating: KindCounts(process), count: count)
        for number in 1..<max(tree.order.count, 1) where owner[number] > 0 && owner[Int(tree.dominator[number])] > 0 {
            if let block = tree.order[number] { counts[Int(owner[number]) - 1].add(block) }
        }
        return counts.map { $0.most(Holdings.kindsKept) }
    }

    /// How much of what each retains is in memory; in the owners' order.
    func residentBytes(_ process: ProcessGraph, _ tree: Dominators, _ pages: [AddressRange]) -> [UInt64] {
        var ofBlock = [UInt8](repeating: 0, count: process.index.count)
        for (number, block) in tree.order.enumerated() {
            if let block { ofBlock[Int(block)] = owner[number] }
        }
        var sums = [UInt64](repeating: 0, count: count + 1)
        var cursor = ResidentCursor(pages)
        let small = process.index.smallCount
        process.index.forEach(in: 0..<small) { id, start, usable in
            let owner = Int(ofBlock[Int(id)])
            if owner > 0 { sums[owner] += cursor.bytes(start, start + usable) }
        }
        cursor = ResidentCursor(pages)
        let large = process.index.large.enumerated().sorted { $0.element.start < $1.element.start }
        for (number, block) in large {
            let owner = Int(ofBlock[small + number])
            if owner > 0 { sums[owner] += cursor.bytes(block.start, block.start + block.usable) }
        }
        return Array(sums.dropFirst())
    }
}
