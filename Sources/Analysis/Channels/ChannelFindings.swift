package import Model

/// What there is to say of a graph of channels, or of one process's part in it.
package struct ChannelFindings: Sendable {
    /// Only what the target has a part in, where there is one.
    package let graph: ChannelGraph
    package let target: Int32?
    package let groups: [ChannelGroup]
    /// Channels that join processes; parents and children not counted.
    package let joining: [Channel]
    /// The processes that these join, ascending; of a target those at other ends, not who has the same end as it.
    package let joined: [Int32]
    /// The longest first.
    package let stuck: [Channel]

    package init(_ graph: ChannelGraph, target: Int32? = nil, depth: ChannelGrouping.Depth) {
        var graph = graph
        if let target { graph = ChannelFindings.part(of: graph, around: target) }
        self.graph = graph
        self.target = target
        joining = graph.channels.filter { $0.kind != .parentChild && $0.joinsProcesses }
        joined = Set(joining.flatMap { channel in target.map { channel.partners(of: $0) } ?? channel.processes })
            .sorted()
        stuck = graph.channels.filter { $0.stuck != nil }.sorted {
            ($0.since ?? 0, $0.waiting ?? 0) > ($1.since ?? 0, $1.waiting ?? 0)
        }
        let shown = target == nil ? graph.channels.compactMap { ChannelFindings.shown($0, graph) } : graph.channels
        groups = ChannelGrouping.groups(of: shown, depth, in: graph)
    }

    package var guessed: Int { joining.count { !$0.sure } }

    /// The process that has most to do with others.
    package var busiest: Int32? {
        var counts: [Int32: Int] = [:]
        for channel in joining { for pid in channel.processes { counts[pid, default: 0] += 1 } }
        return counts.max { ($0.value, -$0.key) < ($1.value, -$1.key) }?.key
    }

    private static func part(of graph: ChannelGraph, around target: Int32) -> ChannelGraph {
        var part = graph
        part.channels = graph.channels.filter { $0.ends.contains { $0.pid == target } }
        for index in part.channels.indices where part.channels[index].kind == .parentChild {
            // Its parent's other children are none of its own.
            let isParent = part.channels[index].ends.contains { $0.pid == target && $0.role == .parent }
            if !isParent { part.channels[index].ends.removeAll { $0.pid != target && $0.role == .child } }
        }
        let pids = Set(part.channels.flatMap(\.processes) + part.unseen + [target])
        part.processes = graph.processes.filter { pids.contains($0.key) }
        return part
    }

    /// Of everybody's channels what joins, is left behind, or stands still; nil for the rest.
    private static func shown(_ channel: Channel, _ graph: ChannelGraph) -> Channel? {
        if channel.stuck != nil { return channel }
        switch channel.kind {
        case .parentChild:
            // Every process has a parent; worth a line are children whose end was not taken note of.
            var ended = channel
            ended.ends.removeAll { $0.role == .child && graph.processes[$0.pid]?.isZombie != true }
            return ended.joinsProcesses ? ended : nil
        case .mqueue, .sysvMessages, .sysvSemaphores: return channel
        case .sharedMemory: return channel.joinsProcesses || channel.ends.isEmpty ? channel : nil
        default: return channel.joinsProcesses ? channel : nil
        }
    }
}
