package import Model

/// For whom a process waits, for whom that one does, and so on; and whether that leads back.
package struct WaitChain: Hashable, Sendable {
    /// The target first. Each but the last waits for the next.
    package let links: [WaitReason]
    /// Where the chain leads back into itself: the processes of the circle, in order. Empty where it does not.
    package let circle: [WaitReason]
    /// In the circle each has one thread, and waits for nobody else: none of them will ever go on by itself.
    package let isDeadlock: Bool

    /// - Parameter reasons: the target's first.
    package init(_ reasons: [WaitReason]) {
        var byPID: [Int32: WaitReason] = [:]
        for reason in reasons { byPID[reason.process.pid] = reason }
        var links: [WaitReason] = []
        var places: [Int32: Int] = [:]
        var circle: [WaitReason] = []
        var next = reasons.first
        while let reason = next {
            if let start = places[reason.process.pid] {
                circle = Array(links[start...])
                break
            }
            places[reason.process.pid] = links.count
            links.append(reason)
            // Of several the one that leads on: who runs, or waits for nobody, needs no explanation.
            let candidates = reason.awaited.compactMap { byPID[$0] }
            next =
                candidates.first { places[$0.process.pid] != nil } ?? candidates.first { !$0.awaited.isEmpty }
                ?? candidates.first
        }
        self.links = links
        self.circle = circle
        isDeadlock = !circle.isEmpty && circle.allSatisfy { $0.awaited.count == 1 && $0.isSingleThreaded }
    }
}
