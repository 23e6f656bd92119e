package import Model

extension Channel {
    /// It has a way in and a way out, or two ends; what has none (memory, counters, what many have inherited) joins all who
    /// have it alike.
    package var hasSides: Bool {
        switch kind {
        case .pipe, .fifo, .unix, .tcp, .udp, .pty, .pidfd, .mqueue, .sysvMessages, .parentChild: true
        case .eventfd, .epoll, .signalfd, .inotify, .sysvSemaphores, .sharedMemory, .semaphore, .futex: false
        }
    }

    /// Both of its ends send and receive.
    package var goesBothWays: Bool {
        switch kind {
        case .unix, .tcp, .udp, .pty: true
        default: false
        }
    }

    /// The processes on a side, each once, ascending; of what has no sides, all of them are on each.
    package func processes(onSide side: UInt8) -> [Int32] { Channel.unique(ends.filter { isOn(side, $0) }) }

    /// All that have it, each once, ascending.
    package var processes: [Int32] { Channel.unique(ends) }

    /// Whether something goes, or may go, from one of these processes to the other.
    package func connects(_ one: Int32, _ other: Int32) -> Bool {
        [(0, 1), (1, 0)].contains { from, to in
            ends.contains { $0.pid == one && isOn(from, $0) } && ends.contains { $0.pid == other && isOn(to, $0) }
        }
    }

    /// Who is at the other ends of what this process has of it, each once.
    func partners(of pid: Int32) -> [Int32] {
        let sides = [0, 1].filter { side in ends.contains { $0.pid == pid && isOn(side, $0) } }
        return Set(sides.flatMap { processes(onSide: 1 - $0) }).filter { $0 != pid }.sorted()
    }

    func isOn(_ side: UInt8, _ end: End) -> Bool {
        guard hasSides else { return true }
        // Whoever has a pipe or queue open for both has both of its ends.
        if !goesBothWays, end.role == .both { return true }
        switch end.role {
        case .parent: return side == 0
        case .child: return side == 1
        default: return end.side == side
        }
    }

    private static func unique(_ ends: [End]) -> [Int32] {
        // Nearly always ascending already.
        var result: [Int32] = []
        for end in ends where end.pid != result.last { result.append(end.pid) }
        for index in result.indices.dropFirst() where result[index] <= result[index - 1] { return Set(result).sorted() }
        return result
    }

    /// Nobody that was seen could let the one go on that is stuck here, but that one itself.
    package var isStuckByItself: Bool {
        guard let stuck, culprits.isEmpty else { return false }
        let own = ends.filter { $0.pid == stuck.pid }
        return switch stuck.cause {
        case .full: [0, 1].allSatisfy { side in own.contains { isOn(side, $0) } }
        case .unaccepted: own.contains { $0.role == .listen }
        case .locked, .deadlock: false
        }
    }

    /// Who could let the one go on that is stuck here: who does not read, accept or write, or holds the lock. Ascending.
    package var culprits: [Int32] {
        guard let stuck else { return [] }
        let others: [Int32]
        switch stuck.cause {
        case .deadlock where ends.contains(where: { $0.role == .hold }), .locked:
            others = Channel.unique(ends.filter { $0.role == .hold })
        case .full, .deadlock:
            let sides = [0, 1].filter { side in ends.contains { $0.pid == stuck.pid && isOn(side, $0) } }
            others = sides.count == 1 ? processes(onSide: 1 - sides[0]) : processes
        case .unaccepted: others = Channel.unique(ends.filter { $0.role == .listen })
        }
        return others.filter { $0 != stuck.pid }
    }
}
