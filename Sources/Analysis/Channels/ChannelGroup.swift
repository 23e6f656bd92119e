package import Model

/// Channels that people see as one thing: of one kind and name, between the same processes or between processes of the same
/// names.
package struct ChannelGroup: Hashable, Sendable {
    /// In the order in which they are shown.
    package enum Section: Int, CaseIterable, Sendable {
        /// Bytes, messages or notices go from one process to another, by the kernel.
        case messages
        case sharedMemory
        /// What holds messages or counts also when nobody has it open.
        case queues
        case family
        /// One process alone has it, as far as can be seen.
        case alone
    }

    package var section: Section
    /// At least one; all of the same kind.
    package var channels: [Channel]
    /// Who writes, has called, watches or is the parent: ascending. Of what has no sides: all.
    package var left: [Int32]
    package var right: [Int32]

    /// Whoever has one end has the other too, mostly by a fork: nobody talks to anybody by it. Then all stand in `left`.
    package var isInOneHand = false

    package init(_ channel: Channel) {
        channels = [channel]
        section = ChannelGroup.section(of: channel)
        guard channel.hasSides else {
            (left, right) = (channel.processes, [])
            return
        }
        (left, right) = (channel.processes(onSide: 0), channel.processes(onSide: 1))
        if left == right, left.count > 1 {
            (right, isInOneHand) = ([], true)
        } else if left != right {
            takeOutOfOneSide()
        }
    }

    /// Who has inherited both ends stands where the others are not: the one end is left to be told apart by.
    private mutating func takeOutOfOneSide() {
        let both = Set(left).intersection(right)
        guard !both.isEmpty else { return }
        if right.contains(where: { !both.contains($0) }) {
            right.removeAll { both.contains($0) }
        } else {
            left.removeAll { both.contains($0) }
        }
    }

    package var first: Channel { channels[0] }
    package var kind: Channel.Kind { first.kind }
    package var stuck: Channel.Stuck? { channels.lazy.compactMap(\.stuck).first }
    package var isSure: Bool { channels.allSatisfy(\.sure) }
    package var processes: [Int32] { Set(left + right).sorted() }

    /// Bytes that lie unread on the way to the right, and back; nil where it is known of none.
    package var waiting: Int? { sum(\.waiting) }
    package var waitingBack: Int? { sum(\.waitingBack) }
    package var size: Int? { sum(\.size) }
    package var messages: Int? { sum(\.messages) }
    package var messageLimit: Int? { sum(\.messageLimit) }
    /// Seconds that it has been stuck, or that what lies in it has been there: of its channels the longest. Else how long
    /// nothing went through any of them (`isQuiet`), or else how old the oldest is. nil: not known.
    package var since: Double? {
        if stuck != nil { return channels.filter { $0.stuck != nil }.compactMap(\.since).max() }
        if isHeld { return channels.compactMap(\.since).max() }
        return unreadSince ?? quiet ?? channels.compactMap(\.age).max()
    }

    /// What `since` says is how long nothing went through.
    package var isQuiet: Bool { stuck == nil && !isHeld && unreadSince == nil && quiet != nil }

    private var isHeld: Bool { channels.contains { $0.state == .held } }

    private var unreadSince: Double? { channels.filter { $0.state == .unread }.compactMap(\.since).max() }

    private var quiet: Double? {
        let known = channels.compactMap(\.since)
        return known.count == channels.count ? known.min() : nil
    }

    private func sum(_ value: (Channel) -> Int?) -> Int? {
        let known = channels.compactMap(value)
        return known.isEmpty ? nil : known.reduce(0) { $0.addingReportingOverflow($1).partialValue }
    }

    private static func section(of channel: Channel) -> Section {
        switch channel.kind {
        case .sharedMemory, .semaphore, .futex: .sharedMemory
        case .mqueue, .sysvMessages, .sysvSemaphores: .queues
        case .parentChild: .family
        default: channel.joinsProcesses ? .messages : .alone
        }
    }
}
