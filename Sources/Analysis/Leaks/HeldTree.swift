/// What hangs below one leader, by type and field: each block once, like ones together.
package struct HeldTree: Hashable, Sendable {
    /// Blocks that are reached over the same fields and types. A step that comes again further down (a list's `next`, a
    /// tree's `left`) leads to the same node, so that all of a list is one.
    package struct Node: Hashable, Sendable {
        /// The field that leads here from the node above: "+16" where no name is known; empty for the leader.
        package let field: String
        /// A type's name, or "N bytes".
        package let type: String
        package let own: Tally
        /// What hangs below, and is in no node beside or above.
        package let below: Tally
        /// Largest first.
        package let children: [Node]
        /// The part of `below` that no child shows.
        package let hidden: Tally

        package init(field: String, type: String, own: Tally, below: Tally, children: [Node], hidden: Tally) {
            self.field = field
            self.type = type
            self.own = own
            self.below = below
            self.children = children
            self.hidden = hidden
        }
    }

    /// The leader's.
    package let address: UInt64
    package let root: Node
    /// Lost blocks that these hold too, but that count for another leader.
    package let elsewhere: Tally

    package init(address: UInt64, root: Node, elsewhere: Tally) {
        self.address = address
        self.root = root
        self.elsewhere = elsewhere
    }
}
