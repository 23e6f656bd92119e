import Model

/// Which FILEs nobody in the program can close any more: every FILE hangs on the C library's own list, so none is ever lost
/// for marking.
package enum StreamAnalysis {
    package struct Findings: Sendable {
        /// All FILEs with a descriptor.
        package var streams: Int
        /// Only the library's list leads to them: opened and forgotten. Ascending by descriptor.
        package var forgotten: [OpenStream]
    }

    /// What is held by lost blocks stands in the groups of `LeakFindings`, not here.
    package static func run(_ process: ProcessGraph) -> Findings {
        let streams = process.streams
        guard !streams.isEmpty else { return Findings(streams: 0, forgotten: []) }
        let all = Set(streams.streams.map(\.block))
        var held = heldInUse(process, all)
        for (block, state) in process.states.enumerated() where state == Verdict.lost.rawValue {
            for target in process.graph.targets(of: BlockID(block)) where streams.contains(target) {
                held.insert(target)
            }
        }
        let forgotten = streams.streams.filter { !held.contains($0.block) }
        return Findings(
            streams: all.count,
            forgotten: forgotten.sorted { ($0.descriptor, $0.address) < ($1.descriptor, $1.address) })
    }

    /// Those of `wanted` to which something that is not lost leads, other than the library's lists.
    static func heldInUse(_ process: ProcessGraph, _ wanted: Set<BlockID>) -> Set<BlockID> {
        let streams = process.streams
        var held: Set<BlockID> = []
        for edge in process.rootEdges where streams.contains(edge.target) && wanted.contains(edge.target) {
            if !streams.listWords.contains(edge.address) { held.insert(edge.target) }
        }
        let graph = process.graph
        for number in process.states.indices where process.states[number] != Verdict.lost.rawValue {
            let block = BlockID(number)
            for target in graph.targets(of: block)
            where streams.contains(target) && wanted.contains(target) && target != block {
                let isLink = streams[block]?.links.contains(process.index.start(target)) ?? false
                if !isLink { held.insert(target) }
            }
        }
        for segment in graph.segments {
            for edge in segment.interior.elements
            // A FILE leads into the one before it.
            where streams.contains(edge.target) && !streams.contains(edge.source)
                && process.states[Int(edge.source)] != Verdict.lost.rawValue
            {
                if wanted.contains(edge.target) { held.insert(edge.target) }
            }
        }
        return held
    }

    /// Adds to each group the descriptors whose FILEs only its blocks lead to.
    static func join(
        _ process: ProcessGraph, _ forest: LostForest, groupOf: [UInt32], into groups: inout [LeakGroup]
    ) {
        let streams = process.streams
        guard !streams.isEmpty else { return }
        var owners: [BlockID: Set<UInt32>] = [:]
        for (number, leader) in forest.leaders.enumerated() {
            func take(_ block: BlockID) {
                if streams.contains(block) { owners[block, default: []].insert(groupOf[number]) }
                for target in process.graph.targets(of: block) where streams.contains(target) {
                    owners[target, default: []].insert(groupOf[number])
                }
            }
            take(leader.id)
            for other in forest.held[leader.held] { take(forest.lost.members[Int(other)]) }
        }
        guard !owners.isEmpty else { return }
        let held = heldInUse(process, Set(owners.keys))
        for (block, numbers) in owners where !held.contains(block) {
            guard let stream = streams[block] else { continue }
            for number in numbers { groups[Int(number)].streams.append(stream.descriptor) }
        }
        for number in groups.indices { groups[number].streams.sort() }
    }
}
