import Model

/// From a process's graph to what it has lost. Pure: the same graph gives the same findings.
package enum LeakAnalysis {
    package struct Options: Sendable {
        /// Sample addresses kept for each group.
        package var addressLimit: Int

        /// Addresses whose block, verdict and holders the user wants to know.
        package var about: [UInt64]
        /// What to leave out.
        package var exclude: [ExcludePattern] = []
        /// Groups that get a tree of what hangs below one of their leaders: so many, largest first.
        package var trees = 0
        /// Numbers of the descriptors that are open; empty: lost objects are not searched for them.
        package var openDescriptors: Set<Int32> = []

        package init(addressLimit: Int = 8, about: [UInt64] = []) {
            self.addressLimit = addressLimit
            self.about = about
        }
    }

    /// The blocks that one snapshot called lost, for comparison with the next.
    package struct LostBlocks: Sendable {
        /// Ascending.
        let addresses: [UInt64]

        func contains(_ address: UInt64) -> Bool {
            var low = 0
            var high = addresses.count
            while low < high {
                let middle = (low + high) / 2
                if addresses[middle] < address { low = middle + 1 } else { high = middle }
            }
            return low < addresses.count && addresses[low] == address
        }
    }

    package struct Result: Sendable {
        package var findings: LeakFindings
        package let lost: LostBlocks
    }

    /// What a process has lost, from its graph.
    package static func result(of process: ProcessGraph, _ options: Options) -> Result {
        let states = process.states
        let index = process.index
        let lost = BlockSet(count: states.count) { states[$0] == Verdict.lost.rawValue }
        let everything = LostForest(ownership: process.ownership, lost: lost)
        var exclusion = Exclusion(options.exclude)
        var forest = exclusion.withoutTypes(everything, process.types) ?? everything
        var grouping = grouping(process, forest, options)
        if let rest = exclusion.withoutGroups(forest, grouping.groups, groupOf: grouping.groupOf) {
            forest = rest
            grouping = self.grouping(process, forest, options)
        }
        var groups = grouping.groups
        StreamAnalysis.join(process, forest, groupOf: grouping.groupOf, into: &groups)
        let numbers = DescriptorSearch(process, open: options.openDescriptors)
            .join(forest, groupOf: grouping.groupOf, into: &groups)
        StackHeld(process).count(into: &groups)
        if options.trees > 0 { HeldTrees(process, forest).grow(for: &groups, limit: options.trees) }
        groups += PossibleGrouping(types: process.types, addressLimit: options.addressLimit)
            .groups(of: states, index: index)

        var findings = LeakFindings(
            heap: process.summary, definite: forest.definite, indirect: forest.indirect, possible: Tally(),
            reachable: Tally(), cycleCount: forest.cycleCount, cycles: forest.cycles, groups: groups,
            gaps: process.gaps, exact: process.exact, unconfirmed: process.unconfirmed)
        for id in 0..<index.count {
            switch states[id] {
            case Verdict.reachable.rawValue: findings.reachable.add(index.usable(BlockID(id)))
            case Verdict.possible.rawValue: findings.possible.add(index.usable(BlockID(id)))
            default: break
            }
        }
        findings.excluded = exclusion.result
        findings.unnamedNumbersInUse = numbers.inUse
        findings.descriptorGaps = numbers.gaps
        findings.byType = byType(forest, process.types)
        if !options.about.isEmpty {
            let leaders = Set(everything.leaders.map(\.id))
            findings.asked = HolderSearch(image: process.image, roots: process.roots, index: index)
                .answer(options.about) { id in
                    switch states[Int(id)] {
                    case Verdict.reachable.rawValue: .reachable
                    case Verdict.possible.rawValue: .possible
                    default: leaders.contains(id) ? .definite : .indirect
                    }
                }
        }
        let addresses = lost.members.map { index.start($0) }.sorted()
        return Result(findings: findings, lost: LostBlocks(addresses: addresses))
    }

    private static func grouping(_ process: ProcessGraph, _ forest: LostForest, _ options: Options)
        -> LeakGrouping.Result
    {
        LeakGrouping(
            image: process.image, forest: forest, ownership: process.ownership, trial: process.trial,
            addressLimit: options.addressLimit
        ).run()
    }

    private static func byType(_ forest: LostForest, _ types: TypeTable) -> [LeakFindings.TypeTally] {
        var tallies: [String: Tally] = [:]
        for (number, id) in forest.lost.members.enumerated() {
            let usable = forest.index.usable(id)
            tallies[types.name(forest.types[number]) ?? "\(usable) bytes", default: Tally()].add(usable)
        }
        return tallies.map { LeakFindings.TypeTally(type: $0.key, tally: $0.value) }
            .sorted { ($0.tally.bytes, $1.type) > ($1.tally.bytes, $0.type) }
            .prefix(LeakFindings.typeLimit).map { $0 }
    }
}
