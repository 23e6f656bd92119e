package import Analysis
import Model

/// What grew between two looks at a heap.
package struct HeapGrowth: Sendable {
    /// A type of which there is more than before.
    package struct Grown: Hashable, Sendable {
        package let name: String
        /// False for "N bytes".
        package let isNamed: Bool
        package let before: Tally
        package let after: Tally
        /// How most blocks of the type are reached, and how many of them; nil where that was not asked.
        package var path: WhyFindings.Path?

        package var bytes: UInt64 { after.bytes - before.bytes }
        package var blocks: Int { after.blocks - before.blocks }
    }

    /// Less is what any program at work gains and gives back.
    package static let leastBytes: UInt64 = 4096
    /// Types whose holders are looked for.
    package static let explainedLimit = 5

    /// Between the two snapshots.
    package let seconds: Double
    /// What was alive at first.
    package let before: Tally
    /// Most bytes gained first.
    package var types: [Grown]

    /// - Parameter leastBytes: types that gained less did not grow.
    package init(from first: HeapFindings, to second: HeapFindings, seconds: Double, leastBytes: UInt64) {
        self.seconds = seconds
        before = first.alive
        let known = Dictionary(first.types.map { ($0.name, $0.tally) }) { one, _ in one }
        types = second.types.compactMap { type in
            let earlier = known[type.name] ?? Tally()
            guard type.tally.bytes > earlier.bytes, type.tally.bytes - earlier.bytes >= leastBytes else { return nil }
            return Grown(name: type.name, isNamed: type.isNamed, before: earlier, after: type.tally)
        }
        types.sort { ($0.bytes, $1.name) > ($1.bytes, $0.name) }
    }

    package var grew: Bool { !types.isEmpty }
}
