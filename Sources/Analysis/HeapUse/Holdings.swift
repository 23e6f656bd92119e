import Model

/// Which blocks lie below which of a few owners in the dominator tree.
struct Holdings {
    /// What an owner retains.
    struct Holding {
        /// Below itself, by kind.
        var kinds: [LeakGroup.HeldKind]
        /// How much of it is in memory; nil where nobody asked.
        var residentBytes: UInt64?
    }

    private let process: ProcessGraph
    private let owners: [BlockID]
    /// Per block: 1 + the number of the owner that it lies below, or is; 0 for none.
    private let ownerOfBlock: [UInt8]

    private static let kindsKept = 5

    /// - Parameter owners: positions in the tree, none below another; at most 255.
    init(_ process: ProcessGraph, _ tree: Dominators, owners: [Int]) {
        self.process = process
        self.owners = owners.map { tree.order[$0] }
        var owner = [UInt8](repeating: 0, count: tree.order.count)
        for (rank, number) in owners.enumerated() { owner[number] = UInt8(rank + 1) }
        var ofBlock = [UInt8](repeating: 0, count: process.index.count)
        // Dominators stand before what they dominate.
        for number in 1..<max(tree.order.count, 1) {
            if owner[number] == 0 { owner[number] = owner[Int(tree.dominator[number])] }
            ofBlock[Int(tree.order[number])] = owner[number]
        }
        ownerOfBlock = ofBlock
    }

    /// In the owners' order.
    /// - Parameter pages: what is in memory, ascending; nil to leave that out.
    func measure(resident pages: [AddressRange]?) -> [Holding] {
        var counts = [KindCounts](repeating: KindCounts(process), count: owners.count)
        var resident = [UInt64](repeating: 0, count: owners.count)
        let small = process.index.smallCount
        var cursor = ResidentCursor(pages ?? [])
        process.index.forEach(in: 0..<small) { id, start, usable in
            let owner = Int(ownerOfBlock[Int(id)]) - 1
            guard owner >= 0 else { return }
            if owners[owner] != id { counts[owner].add(id, usable: usable) }
            if pages != nil { resident[owner] += cursor.bytes(start, start + usable) }
        }
        cursor = ResidentCursor(pages ?? [])
        let large = process.index.large.enumerated().sorted { $0.element.start < $1.element.start }
        for (number, block) in large {
            let id = BlockID(small + number)
            let owner = Int(ownerOfBlock[Int(id)]) - 1
            guard owner >= 0 else { continue }
            if owners[owner] != id { counts[owner].add(id, usable: block.usable) }
            if pages != nil { resident[owner] += cursor.bytes(block.start, block.start + block.usable) }
        }
        return zip(counts, resident).map { counts, bytes in
            Holding(kinds: counts.most(Holdings.kindsKept), residentBytes: pages == nil ? nil : bytes)
        }
    }
}
