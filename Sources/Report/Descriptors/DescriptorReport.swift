package import Analysis
package import Model

/// All that `nusu fds` says: what a process has open, how many of it may be, what was opened and not closed, and what nobody
/// can close any more.
package struct DescriptorReport: Sendable {
    package var table: DescriptorTable
    package var groups: [DescriptorGroup]
    package var findings: [DescriptorFinding]
    /// nil: one look.
    package var growth: DescriptorGrowth?
    /// nil: memory was not looked into.
    package var streams: Streams?

    /// FILEs and lost objects' descriptors that cannot be closed any more, from a look into memory.
    package struct Streams: Sendable {
        /// FILEs with a descriptor.
        package var total: Int
        /// Only stdio's own list leads to them.
        package var forgotten: [OpenStream]
        /// What leaks calls lost and what owns the descriptors.
        package var groups: [LeakGroup]
        /// Numbers that lost blocks may hold, with the group's name.
        package var suspects: [Suspect]
        package var pauseSeconds: Double
        /// The heap was seen whole.
        package var exact: Bool
        package var gaps: [Gap]

        package init(
            total: Int, forgotten: [OpenStream], groups: [LeakGroup], pauseSeconds: Double, exact: Bool, gaps: [Gap]
        ) {
            self.total = total
            self.forgotten = forgotten
            self.groups = groups.filter { !$0.descriptors.isEmpty }
            suspects = groups.flatMap { group in
                group.suspects.map { Suspect(owner: $0, signature: group.signature) }
            }
            self.pauseSeconds = pauseSeconds
            self.exact = exact
            self.gaps = gaps
        }

        package struct Suspect: Hashable, Sendable {
            package var owner: DescriptorOwner
            package var signature: String
        }

        package var found: Bool { !forgotten.isEmpty || !groups.isEmpty }
        package var sawEverything: Bool { exact && gaps.isEmpty }
    }

    package struct Options: Hashable, Sendable {
        /// Groups shown: nil as many as fit in 25 lines, 0 all.
        package var limit: Int?
        /// A line for each descriptor.
        package var all: Bool

        package init(limit: Int? = nil, all: Bool = false) {
            self.limit = limit
            self.all = all
        }
    }

    package init(_ table: DescriptorTable, growth: DescriptorGrowth? = nil, streams: Streams? = nil) {
        self.table = table
        groups = DescriptorGrouping.groups(of: table.descriptors)
        findings = DescriptorFinding.findings(in: table)
        self.growth = growth
        self.streams = streams
        if table.isListed, let groups = streams?.groups {
            let open = Set(table.descriptors.map(\.number))
            self.streams?.groups = groups.map { group in
                var group = group
                group.keepOwners(of: open)
                return group
            }.filter { !$0.descriptors.isEmpty }
            self.streams?.keepSuspects(of: open)
        }
    }

    /// Everything that was asked for was seen.
    package var sawEverything: Bool { table.gaps.isEmpty && streams?.sawEverything != false }
}
