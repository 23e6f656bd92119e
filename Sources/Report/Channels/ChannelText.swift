import Analysis
import Model

/// A group of channels in words: who, by what, and what lies in it.
struct ChannelText {
    let graph: ChannelGraph
    let users: ChannelUsers
    /// Between two looks.
    var flow: ChannelFlow?

    private var party: PartyText { PartyText(graph: graph) }

    /// "cc1plus(21201) ==pipe==> make(21188)".
    /// - Parameter columns: a longer name of the channel is shortened from its beginning; nil: never.
    func main(_ group: ChannelGroup, columns: Int?) -> String {
        let whole = main(group, name(group.first))
        guard let columns, TerminalText.width(whole) > columns else { return whole }
        let name = name(group.first)
        let room = max(8, TerminalText.width(name) - (TerminalText.width(whole) - columns))
        return TerminalText.cut(main(group, ChannelText.tail(name, room)), to: columns)
    }

    private func main(_ group: ChannelGroup, _ name: String) -> String {
        let isShared = group.channels.count == 1
        let (left, right) = (
            party.text(group.left, isShared: isShared), party.text(group.right, isShared: isShared)
        )
        let label = label(group, name)
        switch group.section {
        case .messages where group.isInOneHand: return "\(left) have both ends of \(ChannelText.article(label))"
        case .messages where !group.first.hasSides: return "\(left) share \(ChannelText.article(label))"
        case .messages where group.kind == .pidfd: return "\(left) ==watches (pidfd)==> \(right)"
        case .messages where group.first.goesBothWays: return "\(left) <=\(label)=> \(right)"
        case .messages: return "\(left) ==\(label)==> \(right)"
        case .queues where group.kind == .sysvSemaphores:
            return group.left.isEmpty ? "\(label), nobody seen" : "\(left) at \(label)"
        case .queues:
            let writes = group.left.isEmpty ? "(nobody writes)" : left
            return "\(writes) -> \(label) -> \(group.right.isEmpty ? "(nobody reads)" : right)"
        case .family:
            let zombies = group.right.filter { graph.processes[$0]?.isZombie == true }
            if !zombies.isEmpty {
                return "\(left) --signal--> \(right) (\(group.right.count == 1 ? "child" : "children") ended: SIGCHLD)"
            }
            return "\(left) is the parent of \(right)"
        case .alone: return alone(group, label)
        case .sharedMemory: return group.left.isEmpty ? "(nobody seen)" : left
        }
    }

    /// What a line of a drawing is called.
    func edge(_ group: ChannelGroup) -> String {
        switch group.kind {
        case .parentChild: "parent of"
        case .pidfd: "watches (pidfd)"
        default: label(group, name(group.first))
        }
    }

    private func alone(_ group: ChannelGroup, _ label: String) -> String {
        let count = group.channels.count
        let what = count > 1 ? "\(Units.grouped(count)) x \(label)" : label
        if group.first.details.contains(.otherEndUnseen)
            || group.first.hasSides && (group.left.isEmpty || group.right.isEmpty)
        {
            let owner = Set(group.channels.map(\.owner)).count == 1 ? group.first.owner : nil
            return "\(what), other end not seen"
                + (owner.map { " (user \(TerminalText.escaped(users.name($0))))" } ?? "")
        }
        if group.first.hasSides { return "\(what), both ends its own" }
        let watched = group.channels.flatMap(\.watched)
        guard !watched.isEmpty else { return what }
        return "\(what): watches \(Units.grouped(watched.count)): "
            + watched.prefix(3).map { TerminalText.escaped($0) }.joined(separator: ", ")
            + (watched.count > 3 ? ", …" : "")
    }

    /// What memory it is that they share.
    func memory(_ group: ChannelGroup) -> String {
        let first = group.first
        let count = group.channels.count
        let many = count > 1 ? " x\(Units.grouped(count))" : ""
        let name = name(first)
        switch first.kind {
        case .futex:
            let sleepers = party.list(Array(Set(first.ends.filter { $0.role == .wait }.map(\.pid))).sorted())
            let holders = Array(Set(first.ends.filter { $0.role == .hold }.map(\.pid))).sorted()
            return "\(sleepers) sleep\(first.ends.count { $0.role == .wait } == 1 ? "s" : "") at "
                + (holders.isEmpty ? "a word in shared memory (futex)" : "a lock of \(party.text(holders))")
        case .semaphore:
            return "semaphore \(name.isEmpty ? TerminalText.escaped(first.identity) : name)"
                + (first.value.map { ", at \($0)" } ?? "")
        default: break
        }
        switch first.memory {
        case .anonymous: return "anonymous MAP_SHARED" + many
        case .memfd:
            let label = name.hasPrefix("/memfd:") ? String(name.dropFirst("/memfd:".count)) : name
            return (count == 1 && !label.isEmpty ? "memfd \(label)" : "memfd") + many
        case .sysv: return "sysv \(number(first))" + many
        default: return (name.isEmpty ? TerminalText.escaped(first.identity) : name) + many
        }
    }

    /// "12 open"; empty for one.
    func open(_ group: ChannelGroup) -> String {
        group.channels.count > 1 && group.section != .alone ? "\(Units.grouped(group.channels.count)) open" : ""
    }

    /// What lies unread: "64 KiB full", "0 / 3 KiB" where both send, "10 of 10".
    func waiting(_ group: ChannelGroup) -> String {
        if group.section == .sharedMemory { return group.size.map { Units.bytes(UInt64(max(0, $0))) } ?? "" }
        if group.first.details.contains(.notAccepted) { return "not accepted" }
        if let messages = group.messages {
            let limit = group.messageLimit.map { " of \(Units.grouped($0))" } ?? ""
            return limit.isEmpty ? Units.counted(messages, "message") : "\(Units.grouped(messages))\(limit)"
        }
        if group.kind == .sysvSemaphores {
            let sleepers = Set(group.channels.flatMap(\.ends).filter { $0.role == .wait }).count
            return sleepers > 0 ? "\(Units.counted(sleepers, "thread")) wait" + (sleepers == 1 ? "s" : "") : ""
        }
        if !group.first.hasSides || [.parentChild, .pidfd].contains(group.kind) {
            return group.channels.count == 1 ? group.first.value.map { "count \($0)" } ?? "" : ""
        }
        let forward = ChannelText.bytes(group.waiting)
        if group.first.goesBothWays {
            guard group.waiting != nil || group.waitingBack != nil else { return "?" }
            return "\(forward) / \(ChannelText.bytes(group.waitingBack))"
        }
        return group.isFull ? "\(forward) full" : forward
    }

    /// How long: stuck, or without use; with two looks what went through.
    /// - Parameter columns: where all of that takes more, the time alone; nil: never.
    func since(_ group: ChannelGroup, columns: Int? = nil) -> String {
        let whole = duration(group)
        guard let columns, flow == nil, TerminalText.width(whole) > columns else { return whole }
        return group.since.map { Units.span($0) } ?? whole
    }

    private func duration(_ group: ChannelGroup) -> String {
        if let flow, group.stuck == nil { return moved(group, flow) }
        let flying = group.channels.flatMap(\.details).reduce(0) { sum, detail in
            if case .inFlight(let count) = detail { sum + count } else { sum }
        }
        guard let stuck = group.stuck else {
            let time = group.since.map { (group.isQuiet ? "quiet " : "") + Units.span($0) }
            return [flying > 0 ? "\(Units.counted(flying, "fd")) in flight" : nil, time].compactMap { $0 }
                .joined(separator: ", ")
        }
        let time = group.since.map { Units.span($0) }
        switch stuck.cause {
        case .full: return [time, "writer waits"].compactMap { $0 }.joined(separator: ", ")
        case .unaccepted: return [time, "client waits"].compactMap { $0 }.joined(separator: ", ")
        case .locked: return time ?? ""
        case .deadlock: return [time, "deadlock"].compactMap { $0 }.joined(separator: ", ")
        }
    }

    private func moved(_ group: ChannelGroup, _ flow: ChannelFlow) -> String {
        guard [.messages, .queues].contains(group.section), group.first.hasSides else { return "" }
        let amounts = group.channels.compactMap { flow[$0] }
        guard !amounts.isEmpty else { return "new" }
        let forward = amounts.compactMap(\.bytes)
        let back = amounts.compactMap(\.bytesBack)
        if !forward.isEmpty || !back.isEmpty {
            return "\(ChannelText.bytes(forward.reduce(0, &+))) / \(ChannelText.bytes(back.reduce(0, &+)))"
        }
        if amounts.contains(where: { $0.moved == true }) { return "moves" }
        return amounts.allSatisfy { $0.moved == false } ? "stands still" : "not counted"
    }

    private func label(_ group: ChannelGroup, _ name: String) -> String {
        var label = ChannelText.word(group.first) + (name.isEmpty ? "" : " \(name)")
        switch group.kind {
        case .unix where name.isEmpty: label += " pair"
        case .sysvMessages: label = "sysv-msg \(number(group.first))"
        case .sysvSemaphores:
            label =
                "sysv-sem \(number(group.first))"
                + (group.first.semaphores.map { " (\(Units.counted($0, "semaphore")))" } ?? "")
        default: break
        }
        if group.channels.count == 1 {
            if !group.first.watched.isEmpty, group.section == .messages {
                label += " that watches \(Units.grouped(group.first.watched.count))"
            }
        }
        return label
    }

    /// Of "msqid 5 key 0x2a" what tells it apart: "5 key 0x2a", or "5" where it has no key.
    private func number(_ channel: Channel) -> String {
        let words = channel.identity.split(separator: " ")
        guard words.count >= 4, words[2] == "key" else { return TerminalText.escaped(channel.identity) }
        return TerminalText.escaped(
            words.dropFirst().filter { words[3] != "0x0" || $0 != "key" && $0 != "0x0" }
                .joined(separator: " "))
    }

    static func word(_ channel: Channel) -> String {
        switch channel.transport {
        case .unixDatagram?: "unix datagram"
        case .unixSequenced?: "unix packet"
        default: channel.kind.rawValue
        }
    }

    /// What people know it by, escaped; empty where it has no name.
    func name(_ channel: Channel) -> String {
        if !channel.name.isEmpty { return TerminalText.escaped(channel.name) }
        switch channel.kind {
        case .tcp, .udp, .pty, .fifo, .mqueue: return TerminalText.escaped(channel.identity)
        default: return ""
        }
    }

    private static func article(_ label: String) -> String {
        (label.first.map { "aeiou".contains($0) } == true && !label.hasPrefix("unix") ? "an " : "a ") + label
    }

    /// The end of a name, which says more than its beginning.
    static func tail(_ text: String, _ columns: Int) -> String {
        guard TerminalText.width(text) > columns else { return text }
        var result = ""
        var used = 1
        for character in text.reversed() {
            let cells = TerminalText.width(String(character))
            guard used + cells <= columns else { break }
            used += cells
            result.insert(character, at: result.startIndex)
        }
        return "…" + result
    }

    static func bytes(_ count: Int?) -> String {
        guard let count, count >= 0 else { return "?" }
        return bytes(UInt64(count))
    }

    private static func bytes(_ count: UInt64) -> String { count == 0 ? "0" : Units.bytes(count) }
}

extension ChannelGroup {
    /// Nothing more fits into one of them.
    fileprivate var isFull: Bool {
        channels.contains { channel in
            if channel.stuck?.cause == .full { return true }
            guard let waiting = channel.waiting, let capacity = channel.capacity else { return false }
            return capacity > 0 && waiting >= capacity
        }
    }
}
