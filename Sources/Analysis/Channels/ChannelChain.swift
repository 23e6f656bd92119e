package import Model

/// A way from one process to another, from channel to channel.
package struct ChannelChain: Hashable, Sendable {
    package struct Hop: Hashable, Sendable {
        package var from: Int32
        package var to: Int32
        /// All that join these two.
        package var channels: [Channel]
    }

    package var hops: [Hop]

    /// The shortest ways, at most `limit`. Through parents and children only where there is no other: through them
    /// everybody is related.
    ///
    /// Linear in the ends of all channels: each channel is gone through once in each direction.
    package static func shortest(
        from start: Int32, to end: Int32, in graph: ChannelGraph, limit: Int = 4
    ) -> [ChannelChain] {
        let isKin = { (channel: Channel) in channel.kind == .parentChild }
        let ways = ChannelWays(graph.channels.filter { !isKin($0) }).shortest(from: start, to: end, limit: limit)
        return ways.isEmpty ? ChannelWays(graph.channels).shortest(from: start, to: end, limit: limit) : ways
    }
}

private struct ChannelWays {
    /// A way into a channel: from this side. What has no sides has one way.
    private struct Way: Hashable {
        var channel: Int
        var side: UInt8
    }

    private let channels: [Channel]
    private var ways: [Int32: [Way]] = [:]

    init(_ channels: [Channel]) {
        self.channels = channels.filter(\.joinsProcesses)
        for (index, channel) in self.channels.enumerated() {
            for side in (channel.hasSides ? [0, 1] : [0]) as [UInt8] {
                for pid in channel.processes(onSide: side) {
                    ways[pid, default: []].append(Way(channel: index, side: side))
                }
            }
        }
    }

    func shortest(from start: Int32, to end: Int32, limit: Int) -> [ChannelChain] {
        guard start != end else { return [] }
        let distances = distances(from: start, to: end)
        guard distances[end] != nil else { return [] }
        var result: [ChannelChain] = []
        var stack: [[Int32]] = [[end]]
        while let way = stack.popLast(), result.count < limit {
            guard let first = way.last, let distance = distances[first] else { continue }
            if distance == 0 {
                result.append(chain(through: way.reversed()))
            } else {
                let before = neighbours(of: first).filter { distances[$0] == distance - 1 }
                for pid in Set(before).sorted().prefix(limit).reversed() { stack.append(way + [pid]) }
            }
        }
        return result
    }

    /// In channels; of those only that are no farther than the end.
    private func distances(from start: Int32, to end: Int32) -> [Int32: Int] {
        var distances: [Int32: Int] = [start: 0]
        var entered: Set<Way> = []
        var queue = [start]
        var next = 0
        while next < queue.count, distances[end] == nil {
            let pid = queue[next]
            let distance = distances[pid, default: 0] + 1
            next += 1
            for way in ways[pid] ?? [] where entered.insert(way).inserted {
                for other in exits(way) where distances[other] == nil {
                    distances[other] = distance
                    queue.append(other)
                }
            }
        }
        return distances
    }

    private func exits(_ way: Way) -> [Int32] { channels[way.channel].processes(onSide: 1 - way.side) }

    private func neighbours(of pid: Int32) -> [Int32] { (ways[pid] ?? []).flatMap(exits) }

    private func chain(through pids: [Int32]) -> ChannelChain {
        ChannelChain(
            hops: zip(pids, pids.dropFirst()).map { from, to in
                var shared: [Channel] = []
                var seen: Set<Int> = []
                for way in ways[from] ?? [] where seen.insert(way.channel).inserted {
                    let channel = channels[way.channel]
                    if channel.connects(from, to) { shared.append(channel) }
                }
                return ChannelChain.Hop(from: from, to: to, channels: shared)
            })
    }
}
