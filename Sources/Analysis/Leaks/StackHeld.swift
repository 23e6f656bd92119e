import Model

/// Blocks that only a word on a stack or in a register holds, among those of the types that are lost.
///
/// A loop that loses what it makes leaves the last pointer behind in its frame, where nothing tells a variable from what an
/// older call left. Such a block counts as in use, and whoever counts what was lost misses it.
struct StackHeld {
    private let process: ProcessGraph

    init(_ process: ProcessGraph) { self.process = process }

    /// Notes in the first group of each type how many there are.
    func count(into groups: inout [LeakGroup]) {
        let wanted = Set(groups.compactMap(\.type))
        guard !wanted.isEmpty else { return }
        let types = process.types
        let isWanted = types.entries.map { ($0.kind == .cxx || $0.kind == .swiftClass) && wanted.contains($0.name) }
        // Marking reads stacks and registers last: a block has such a root only where it has no other.
        var held: Set<BlockID> = []
        for edge in process.rootEdges where edge.kind.isOfThread && isWanted[Int(types.type(of: edge.target))] {
            if !process.isLost(edge.target) { held.insert(edge.target) }
        }
        guard !held.isEmpty else { return }
        for edge in process.rootEdges where !edge.kind.isOfThread { held.remove(edge.target) }
        removeHeldByBlocks(&held)
        var counts: [String: Int] = [:]
        for block in held { counts[types.entries[Int(types.type(of: block))].name, default: 0] += 1 }
        for number in groups.indices {
            guard let type = groups[number].type, let count = counts.removeValue(forKey: type) else { continue }
            groups[number].stackHeld = count
        }
    }

    /// What another block in use points to is held by it.
    private func removeHeldByBlocks(_ held: inout Set<BlockID>) {
        let graph = process.graph
        var isHeld = [Bool](repeating: false, count: graph.index.count)
        for block in held { isHeld[Int(block)] = true }
        for number in 0..<graph.index.count where !process.isLost(BlockID(number)) {
            let source = BlockID(number)
            for target in graph.targets(of: source) where isHeld[Int(target)] && target != source {
                held.remove(target)
            }
            guard graph.mayHoldInterior(source) else { continue }
            for edge in graph.interiorEdges(of: source) where isHeld[Int(edge.target)] && edge.target != source {
                held.remove(edge.target)
            }
        }
    }
}
