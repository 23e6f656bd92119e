package import Model

/// What is alive in a heap, by type, and who keeps most of it.
package struct HeapFindings: Sendable {
    package var heap: HeapSummary
    /// Alive: reachable or possibly so. Lost blocks are not in here.
    package var alive: Tally
    package var lost: Tally
    /// By type name ("N bytes" for blocks without), largest first. All types.
    package var types: [TypeUse]
    /// The blocks that keep most, largest first, none of them below another: were one given up, all it retains would be
    /// free. At most `ownerLimit`.
    package var owners: [Owner]
    package var gaps: [Gap]
    package var exact: Bool

    /// Tasks that have not ended, by what they are at; most first. nil where that is not known.
    package var tasks: [TaskUse]? = []

    package static let ownerLimit = 50

    package struct TaskUse: Hashable, Sendable {
        /// An address in each of the functions that go on one after the other, innermost first.
        package let functions: [UInt64]
        package let count: Int

        package init(functions: [UInt64], count: Int) {
            self.functions = functions
            self.count = count
        }
    }

    package struct TypeUse: Hashable, Sendable {
        package let name: String
        /// False for "N bytes".
        package let isNamed: Bool
        package let tally: Tally
    }

    package struct Owner: Hashable, Sendable {
        package let address: UInt64
        package let type: String
        /// The block and everything that would be free without it.
        package let retained: Tally
        /// What it retains most of: (type, blocks), at most five.
        package let kinds: [LeakGroup.HeldKind]
        /// The shortest way from a root to it.
        package let path: OwnershipPath
        /// How much of it is in memory; nil where nobody asked.
        package var residentBytes: UInt64?
    }
}
