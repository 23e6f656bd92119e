/// By which rule a thread gets a processor (man 7 sched).
package struct ThreadPolicy: Hashable, Sendable {
    package enum Kind: Int32, Hashable, Sendable, CaseIterable {
        case normal = 0
        case fifo = 1
        case roundRobin = 2
        case batch = 3
        case idle = 5

        /// It runs before every thread that is not of these, for as long as it likes.
        package var isRealTime: Bool { self == .fifo || self == .roundRobin }
    }

    package static let priorities: ClosedRange<Int32> = 1...99

    package let kind: Kind
    /// Of the real-time policies 1 to 99, where the highest runs first; else 0.
    package let priority: Int32

    package init(_ kind: Kind, priority: Int32 = 0) {
        let range = ThreadPolicy.priorities
        self.kind = kind
        self.priority = kind.isRealTime ? min(max(priority, range.lowerBound), range.upperBound) : 0
    }
}
