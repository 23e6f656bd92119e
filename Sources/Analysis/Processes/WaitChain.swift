package import Model

/// For whom a process's main thread waits, for whom that one does, and so on; and whether threads wait in a circle that
/// none of them leaves.
package struct WaitChain: Hashable, Sendable {
    /// The target's main thread first. Each but the last waits for the next.
    package let links: [WaitReason]
    /// Threads that wait for each other, in order, which the target is among or waits for. Empty where there is no circle.
    package let circle: [WaitReason]
    /// None of the circle will ever go on by itself: each waits without an end in time, and whoever it waits for does too.
    package let isDeadlock: Bool

    /// - Parameter reasons: of all threads that were looked at, the target's main thread first.
    package init(_ reasons: [WaitReason]) {
        let graph = WaitGraph(reasons)
        let (links, circle) = graph.walk(from: reasons.first)
        self.links = links
        let stuck = reasons.first { $0.process.pid == reasons[0].process.pid && graph.isStuck($0) }
        isDeadlock = stuck != nil
        self.circle = stuck.map { graph.walk(from: $0).circle } ?? circle
    }

    /// Those that will never go on by themselves, of any processes.
    package static func deadlocked(_ reasons: [WaitReason]) -> [WaitReason] {
        let graph = WaitGraph(reasons)
        return reasons.filter(graph.isStuck)
    }
}

/// Threads and whom they wait for.
private struct WaitGraph {
    private var threads: [Int32: WaitReason] = [:]
    private var processes: [Int32: [WaitReason]] = [:]
    private var stuck: Set<Int32> = []

    init(_ reasons: [WaitReason]) {
        for reason in reasons {
            threads[reason.thread] = reason
            processes[reason.process.pid, default: []].append(reason)
        }
        // All that could be stuck, then without those that somebody can wake, until nothing changes any more.
        stuck = Set(reasons.filter(WaitGraph.couldBeStuck).map(\.thread))
        var before = -1
        while stuck.count != before {
            before = stuck.count
            for reason in reasons where stuck.contains(reason.thread) {
                if reason.awaited.contains(where: canGoOn) || canBeWokenWithin(reason) { stuck.remove(reason.thread) }
            }
        }
    }

    func isStuck(_ reason: WaitReason) -> Bool { stuck.contains(reason.thread) && !reason.awaited.isEmpty }

    private static func couldBeStuck(_ reason: WaitReason) -> Bool {
        // A main thread that has ended while others run on does nothing any more.
        if case .zombie = reason.cause { return reason.threadCount > 1 }
        return !reason.awaited.isEmpty && !reason.hasTimeout && !reason.ranMeanwhile
    }

    private func canBeWokenWithin(_ reason: WaitReason) -> Bool {
        guard reason.ownThreadsToo, reason.threadCount > 1 else { return false }
        let own = processes[reason.process.pid] ?? []
        return own.count < reason.threadCount || own.contains { !stuck.contains($0.thread) }
    }

    /// Who was not looked at may be able to.
    private func canGoOn(_ awaited: WaitReason.Awaited) -> Bool {
        if let thread = awaited.thread { return !stuck.contains(thread) }
        guard let own = processes[awaited.process.pid], let count = own.first?.threadCount, own.count >= count else {
            return true
        }
        return !own.allSatisfy { stuck.contains($0.thread) }
    }

    /// Follows the waits until nobody more is awaited, or one comes again.
    func walk(from start: WaitReason?) -> (links: [WaitReason], circle: [WaitReason]) {
        var links: [WaitReason] = []
        var places: [Int32: Int] = [:]
        var next = start
        while let reason = next {
            if let place = places[reason.thread] { return (links, Array(links[place...])) }
            places[reason.thread] = links.count
            links.append(reason)
            // Of several the one that leads on: who runs, or waits for nobody, needs no explanation.
            let candidates = reason.awaited.compactMap { thread(for: $0, places) }
            next =
                candidates.first { places[$0.thread] != nil } ?? candidates.first { !$0.awaited.isEmpty }
                ?? candidates.first
        }
        return (links, [])
    }

    /// Which of a process's threads shows why it waits: the main thread, or in a circle the one that closes it.
    private func thread(for awaited: WaitReason.Awaited, _ places: [Int32: Int]) -> WaitReason? {
        if let thread = awaited.thread { return threads[thread] }
        guard let own = processes[awaited.process.pid] else { return nil }
        guard !canGoOn(awaited) else { return own.first }
        return own.first { places[$0.thread] != nil } ?? own.first { !$0.awaited.isEmpty } ?? own.first
    }
}
