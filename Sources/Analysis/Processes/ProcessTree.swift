package import Model

/// The family of processes: every process under its parent, from number 0 (the idle task, which is the scheduler's and is
/// shown nowhere else) on.
package struct ProcessTree: Sendable {
    /// One process. Nodes stand in the order of the records.
    package struct Node: Sendable {
        package let record: ProcessRecord
        /// Index of the parent; nil: process 0, or a parent that cannot be seen.
        package fileprivate(set) var parent: Int?
        /// In ascending order of their starts.
        package fileprivate(set) var children: [Int] = []
        /// This process and all below it.
        package fileprivate(set) var size = 1
        /// What of this process needs a look.
        package fileprivate(set) var concern: Concern?
        /// Concerns of this process and all below it.
        package fileprivate(set) var concerns = 0
    }

    /// What somebody should look at.
    package enum Concern: Hashable, Sendable {
        /// It has ended, and its parent does not wait for it.
        case zombie
        /// It sleeps in the kernel where no signal reaches it, for some seconds at least.
        case stuck(seconds: Double?)
    }

    package private(set) var nodes: [Node]
    /// Processes without a parent that can be seen: 1, 2, and what hangs below a process of another namespace.
    package private(set) var roots: [Int] = []
    private let indices: [Int32: Int]

    /// Sleeping in the kernel is normal for an instant: a disk answers in milliseconds.
    package static let stuckSeconds = 2.0

    /// - Parameter now: of the scheduler's clock, for how long something has slept.
    package init(_ records: [ProcessRecord], now: Double?) {
        let sorted = records.sorted { ($0.stat.startTicks, $0.stat.pid) < ($1.stat.startTicks, $1.stat.pid) }
        nodes = sorted.map { Node(record: $0) }
        indices = Dictionary(sorted.enumerated().map { ($1.stat.pid, $0) }) { first, _ in first }
        for index in nodes.indices {
            nodes[index].concern = ProcessTree.concern(nodes[index].record, now: now)
            // A parent is at least as old as its child. One that is not has got its number anew since it was read, and
            // with only older parents there can be no ring.
            if let parent = indices[nodes[index].record.stat.parent], parent < index {
                nodes[index].parent = parent
                nodes[parent].children.append(index)
            } else {
                roots.append(index)
            }
        }
        for index in nodes.indices.reversed() {
            nodes[index].concerns += nodes[index].concern == nil ? 0 : 1
            guard let parent = nodes[index].parent else { continue }
            nodes[parent].size += nodes[index].size
            nodes[parent].concerns += nodes[index].concerns
        }
    }

    package func index(of process: Int32) -> Int? { indices[process] }

    /// The parent, its parent and so on, nearest first.
    package func ancestors(of index: Int) -> [Int] {
        var result: [Int] = []
        var next = nodes[index].parent
        while let parent = next {
            result.append(parent)
            next = nodes[parent].parent
        }
        return result
    }

    /// A process and all below it, parents before their children.
    package func family(of index: Int) -> [Int] {
        var result: [Int] = []
        var open = [index]
        while let next = open.popLast() {
            result.append(next)
            open += nodes[next].children.reversed()
        }
        return result
    }

    private static func concern(_ record: ProcessRecord, now: Double?) -> Concern? {
        if record.stat.isZombie { return .zombie }
        // Threads of the kernel may sleep there for as long as they like.
        guard record.stat.isUninterruptible, !record.stat.isKernelThread else { return nil }
        let seconds = now.flatMap { now in record.lastRanSeconds.map { max(0, now - $0) } }
        if let seconds, seconds < stuckSeconds { return nil }
        return .stuck(seconds: seconds)
    }
}
