package import Model

/// Puts channels together so that a server with a thousand clients is one line. Linear in the number of ends.
package enum ChannelGrouping {
    /// How much is put together.
    package enum Depth: Sendable {
        /// Channels between the very same processes.
        case pairs
        /// Also processes of one name, where what they reach is the same.
        case names
        /// Also processes of many names, where what they reach has a name.
        case servers
    }

    /// Stuck first, then by section, and in it what holds something unread, then what joins most.
    package static func groups(of channels: [Channel], _ depth: Depth, in graph: ChannelGraph) -> [ChannelGroup] {
        var groups = folded(channels.map(ChannelGroup.init)) { Key($0, $0.left, $0.right) }
        if depth != .pairs {
            // Of memory that as many have: by the names of those who have it.
            groups = folded(groups) { group in
                guard let command = command(of: group.left, graph), !group.right.isEmpty || group.hasName else {
                    return nil
                }
                return Key(group, [], group.right, command)
            }
            groups = folded(groups) { group in
                guard let command = command(of: group.right, graph) else { return nil }
                return Key(group, group.left, [], command)
            }
            // Clients and servers that are many on both sides, of one address.
            groups = folded(groups) { group in
                guard group.hasName, let one = command(of: group.left, graph),
                    let other = command(of: group.right, graph)
                else { return nil }
                return Key(group, [], [], one, other)
            }
        }
        if depth == .servers { groups = serversFolded(groups) }
        return groups.sorted(by: isBefore)
    }

    /// What groups have in common that become one.
    private struct Key: Hashable {
        var section: ChannelGroup.Section
        var kind: Channel.Kind
        var memory: Channel.Memory?
        var transport: Socket.Transport?
        var name: [UInt8]
        var cause: Channel.Stuck.Cause?
        var isInOneHand: Bool
        var left: [Int32]
        var right: [Int32]
        var commands: [[UInt8]]

        init(_ group: ChannelGroup, _ left: [Int32], _ right: [Int32], _ commands: [UInt8]...) {
            (section, kind, memory) = (group.section, group.kind, group.first.memory)
            (transport, name, cause) = (group.first.transport, group.groupingName, group.stuck?.cause)
            isInOneHand = group.isInOneHand
            (self.left, self.right, self.commands) = (left, right, commands)
        }
    }

    /// - Parameter key: nil for what stays as it is.
    private static func folded(_ groups: [ChannelGroup], _ key: (ChannelGroup) -> Key?) -> [ChannelGroup] {
        var result: [ChannelGroup] = []
        var members: [[ChannelGroup]] = []
        var places: [Key: Int] = [:]
        for group in groups {
            if let key = key(group) {
                if let place = places[key] {
                    members[place].append(group)
                    continue
                }
                places[key] = result.count
            }
            result.append(group)
            members.append([])
        }
        for index in result.indices where !members[index].isEmpty { result[index].take(members[index]) }
        return result
    }

    /// One line for a server and all its clients, where these are of three names or more.
    private static func serversFolded(_ groups: [ChannelGroup]) -> [ChannelGroup] {
        var counts: [Key: Int] = [:]
        func key(_ group: ChannelGroup) -> Key? {
            group.hasName && !group.right.isEmpty && group.stuck == nil ? Key(group, [], group.right) : nil
        }
        for group in groups { if let key = key(group) { counts[key, default: 0] += 1 } }
        return folded(groups) { group in key(group).flatMap { counts[$0, default: 0] >= 3 ? $0 : nil } }
    }

    private static func command(of pids: [Int32], _ graph: ChannelGraph) -> [UInt8]? {
        guard let first = pids.first, let command = graph.processes[first]?.identity.commandBytes else { return nil }
        let isCommon = pids.dropFirst().allSatisfy { graph.processes[$0]?.identity.commandBytes == command }
        return isCommon ? command : nil
    }

    private static func isBefore(_ one: ChannelGroup, _ other: ChannelGroup) -> Bool {
        if (one.stuck == nil) != (other.stuck == nil) { return one.stuck != nil }
        if one.section != other.section { return one.section.rawValue < other.section.rawValue }
        if one.hasBothEnds != other.hasBothEnds { return one.hasBothEnds }
        let unread = (one.unread, other.unread)
        if unread.0 != unread.1 { return unread.0 > unread.1 }
        let weight = (one.weight, other.weight)
        if weight.0 != weight.1 { return weight.0 > weight.1 }
        return (one.left.first ?? 0, one.first.identity) < (other.left.first ?? 0, other.first.identity)
    }
}

extension ChannelGroup {
    var hasName: Bool { !groupingName.isEmpty }

    /// Channels of different names are different things. Queues always are; of memory that has no name of its own there are
    /// hundreds.
    fileprivate var groupingName: [UInt8] {
        switch kind {
        case .pipe, .eventfd, .epoll, .signalfd, .inotify, .pidfd, .parentChild: []
        case .mqueue, .sysvMessages, .sysvSemaphores, .futex, .pty: Array(first.identity.utf8)
        case .sharedMemory: first.memory == .anonymous || first.memory == .memfd ? [] : Array(first.identity.utf8)
        case .fifo, .unix, .tcp, .udp, .semaphore: first.name
        }
    }

    /// Somebody is at each end, and not the same at both.
    fileprivate var hasBothEnds: Bool {
        section != .messages || !first.hasSides || !isInOneHand && !left.isEmpty && !right.isEmpty
    }

    fileprivate var unread: Int {
        section == .messages || section == .queues ? max(waiting ?? 0, 0) + max(waitingBack ?? 0, 0) : 0
    }

    /// Of memory its size counts, else how many it joins and how often.
    fileprivate var weight: Int { section == .sharedMemory ? size ?? 0 : left.count + right.count + channels.count }

    /// One sort for all that is taken in: a server's clients are thousands.
    fileprivate mutating func take(_ others: [ChannelGroup]) {
        channels += others.flatMap(\.channels)
        left = Set(left + others.flatMap(\.left)).sorted()
        right = Set(right + others.flatMap(\.right)).sorted()
    }
}
