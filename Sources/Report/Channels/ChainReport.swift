package import Analysis
package import Model

/// `nusu ipc A B`: how two processes are connected.
package struct ChainReport: Sendable {
    package let graph: ChannelGraph
    let start: Int32
    let end: Int32
    package let chains: [ChannelChain]
    let flow: ChannelFlow?
    let users: ChannelUsers

    package init(
        _ graph: ChannelGraph, from start: Int32, to end: Int32, flow: ChannelFlow? = nil, users: ChannelUsers
    ) {
        self.graph = graph
        (self.start, self.end, self.flow, self.users) = (start, end, flow, users)
        chains = ChannelChain.shortest(from: start, to: end, in: graph)
    }

    /// By channels; that they are relatives is no channel.
    package var found: Bool { chains.first.map { !isKin($0) } ?? false }

    private var party: PartyText { PartyText(graph: graph) }

    package func text(_ options: ChannelReport.Options, _ style: TextStyle) -> String {
        var lines = ChannelReport.wrapped(headline, style)
        for (index, chain) in chains.enumerated() {
            lines.append("")
            if chains.count > 1 { lines.append("  way \(index + 1)") }
            for hop in chain.hops { lines += hopLines(hop, options, chain, style).map(style.fit) }
        }
        let remarks = remarks.flatMap { TextWrap.remark($0, style) }.map { style.faint(style.fit($0)) }
        if !remarks.isEmpty { lines += [""] + remarks }
        if style.isTerminal { lines.append(style.fit(next)) }
        return lines.joined(separator: "\n") + "\n"
    }

    private var headline: String {
        let (one, other) = (party.sentenceName(start), party.sentenceName(end))
        guard let chain = chains.first else {
            return graph.unseen.isEmpty
                ? "No channel leads from \(one) to \(other), directly or through others."
                : "Found no channel from \(one) to \(other), as far as could be seen."
        }
        guard chain.hops.count > 1 else {
            let count = chain.hops[0].channels.count
            return isKin(chain)
                ? "\(one) and \(other) are joined only as relatives\(bound): one started the other."
                : "\(one) and \(other) are joined directly, by \(Units.counted(count, "channel"))."
        }
        let between = chain.hops.dropLast().map { party.name($0.to) }.joined(separator: ", ")
        let ways = chains.count > 1 ? "; one of \(Units.grouped(chains.count)) such ways" : ""
        let means = isKin(chain) ? ", only as relatives\(bound)" : ""
        return "\(one) and \(other) are joined in \(chain.hops.count) steps\(means), through \(between)\(ways)."
    }

    private var bound: String { graph.unseen.isEmpty ? "" : " as far as can be seen" }

    private func isKin(_ chain: ChannelChain) -> Bool {
        chain.hops.contains { $0.channels.allSatisfy { $0.kind == .parentChild } }
    }

    /// As many lines for each step as fit in 25.
    private func hopLines(
        _ hop: ChannelChain.Hop, _ options: ChannelReport.Options, _ chain: ChannelChain, _ style: TextStyle
    ) -> [String] {
        let text = ChannelText(graph: graph, users: users, flow: flow)
        let groups = ChannelGrouping.groups(of: hop.channels.map { narrowed($0, hop) }, .pairs, in: graph)
        let steps = chains.reduce(0) { $0 + $1.hops.count }
        let limit = options.all || options.wide ? groups.count : max(1, 16 / max(1, steps))
        var lines = groups.prefix(limit).map { group in
            let isMemory = group.section == .sharedMemory
            let main = isMemory ? "\(party.list(group.left)): \(text.memory(group))" : text.main(group, columns: nil)
            let mark = group.stuck != nil ? "  ! " : group.isSure ? "    " : "  ~ "
            let others = group.channels.count == 1 ? othersNote(group.first, hop) : ""
            let facts = [text.open(group), text.waiting(group), text.since(group)].filter { !$0.isEmpty }
            return (mark + TerminalText.padded(main + others, to: 60) + "  " + facts.joined(separator: "  ")).trimmedEnd
        }
        if groups.count > limit {
            lines.append("      and \(Units.counted(groups.count - limit, "more line")) (--all)")
        }
        return lines
    }

    /// The channel as these two see it: of a pipe with thousands of holders only theirs.
    private func narrowed(_ channel: Channel, _ hop: ChannelChain.Hop) -> Channel {
        var channel = channel
        channel.ends = channel.ends.filter { $0.pid == hop.from || $0.pid == hop.to }
        return channel
    }

    private func othersNote(_ channel: Channel, _ hop: ChannelChain.Hop) -> String {
        guard let whole = hop.channels.first(where: { $0.identity == channel.identity && $0.kind == channel.kind })
        else {
            return ""
        }
        let others = whole.processes.count { $0 != hop.from && $0 != hop.to }
        return others > 0 && whole.kind != .parentChild ? " (\(Units.counted(others, "other")) too)" : ""
    }

    private var remarks: [String] {
        var remarks: [String] = []
        if let unseen = users.unseen(in: graph) {
            remarks.append(unseen)
        }
        if chains.contains(where: { $0.hops.contains { $0.channels.contains { !$0.sure } } }) {
            remarks.append("~ is guessed: nusu ipc \(start) --wide says why.")
        }
        return remarks
    }

    private var next: String {
        guard let chain = chains.first else {
            return graph.unseen.isEmpty ? "next: nusu ipc \(start)" : "next: sudo nusu ipc \(start) \(end)"
        }
        let middle = chain.hops[0].to == end ? end : chain.hops[0].to
        return "next: nusu show \(middle)      what \(party.name(middle)) does just now"
    }

    /// The same document as for all channels, with those of the ways only, and `chains`.
    package func json() -> String {
        var seen: Set<Channel> = []
        let channels = chains.flatMap { $0.hops.flatMap(\.channels) }.filter { seen.insert($0).inserted }
        var fields = ChannelReport.fields(graph, channels, flow, users)
        let pids = Set(channels.flatMap(\.processes) + [start, end])
        var part = graph
        part.processes = graph.processes.filter { pids.contains($0.key) }
        fields["processes"] = ChannelReport.fields(part, [], nil, users)["processes"]
        fields["target"] = ChannelReport.process(start, graph)
        fields["to"] = ChannelReport.process(end, graph)
        fields["chains"] = .array(
            chains.map { chain in
                .array(
                    chain.hops.map { hop in
                        .object([
                            "from": JSONValue(hop.from), "to": JSONValue(hop.to),
                            "channels": .array(
                                hop.channels.map {
                                    .object(["kind": .string($0.kind.rawValue), "identity": .string($0.identity)])
                                }),
                        ])
                    })
            })
        return JSONValue.object(fields).document()
    }
}
