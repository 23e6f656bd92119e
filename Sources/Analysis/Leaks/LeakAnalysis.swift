package import Model

/// From a memory image to what the process has lost. Pure: the same image gives the same findings.
package enum LeakAnalysis {
    package struct Options: Sendable {
        /// Take a heap that does not hang together as it is: its broken parts become gaps and count as roots.
        package var acceptTorn: Bool
        /// What an earlier snapshot called lost. Blocks that were not are then only possibly lost.
        package var confirmAgainst: LostBlocks?
        /// Sample addresses kept for each group.
        package var addressLimit: Int

        /// Addresses whose block, verdict and holders the user wants to know.
        package var about: [UInt64]

        package init(
            acceptTorn: Bool = false, confirmAgainst: LostBlocks? = nil, addressLimit: Int = 8, about: [UInt64] = []
        ) {
            self.acceptTorn = acceptTorn
            self.confirmAgainst = confirmAgainst
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
        package let findings: LeakFindings
        package let lost: LostBlocks
    }

    package enum Outcome: Sendable {
        case done(Result)
        /// The snapshot caught the allocator in mid-operation: take another one.
        case torn(reason: String)
        /// nusu cannot look into this process: its allocator or architecture is not supported.
        case refused(Failure)
    }

    package static func run(image: MemoryImage, options: Options) -> Outcome {
        if let failure = TargetCheck(image: image).refusal() { return .refused(failure) }
        let foreign = AllocatorSurvey(image: image).foreign()
        let heap: HeapScan
        switch GlibcHeap(image: image).scan() {
        case .success(let scan): heap = scan
        case .failure(let refusal): return .refused(TargetCheck(image: image).failure(for: refusal, foreign: foreign))
        }
        if !options.acceptTorn, let part = heap.torn.first { return .torn(reason: part.reason) }

        let roots = RootFinder(image: image, heap: heap).find()
        let graph = GraphBuilder(image: image, index: heap.index).build()
        var types = TypeTable(image: image, graph: graph)
        let swift = types.hasSwift ? SwiftReferences(image: image, graph: graph, types: types) : nil
        types.markSideTables(swift?.sideTables ?? [])
        let trial = swift.map(TrialDeletion.init)
        let garbage = trial.map { trial in
            swift?.objects.members.enumerated().filter { trial.isGarbage[$0.offset] }.map(\.element) ?? []
        }
        var states = Reachability(
            image: image, graph: graph, roots: roots, holdNothing: Set(swift?.sideTables ?? [])
        ).mark(garbage: garbage ?? [])
        let unconfirmed = demoteUnconfirmed(&states, heap.index, options.confirmAgainst)

        let lost = BlockSet(count: states.count) { states[$0] == Verdict.lost.rawValue }
        let ownership = Ownership(graph: graph, types: types, swift: swift)
        let forest = LostForest(ownership: ownership, lost: lost)
        var groups = LeakGrouping(
            image: image, forest: forest, ownership: ownership, trial: trial, addressLimit: options.addressLimit
        ).groups()
        groups += PossibleGrouping(types: types, addressLimit: options.addressLimit)
            .groups(of: states, index: heap.index)

        var findings = LeakFindings(
            heap: summary(of: heap, image), definite: forest.definite, indirect: forest.indirect, possible: Tally(),
            reachable: Tally(), cycleCount: forest.cycleCount, cycles: forest.cycles, groups: groups,
            gaps: gaps(image, heap, roots, foreign), exact: heap.torn.isEmpty, unconfirmed: unconfirmed)
        for id in 0..<heap.index.count {
            let usable = heap.index.usable(BlockID(id))
            switch states[id] {
            case Verdict.reachable.rawValue: findings.reachable.add(usable)
            case Verdict.possible.rawValue: findings.possible.add(usable)
            default: break
            }
        }
        findings.byType = byType(forest, types)
        if !options.about.isEmpty {
            let leaders = Set(forest.leaders.map(\.id))
            findings.asked = HolderSearch(image: image, roots: roots, index: heap.index).answer(options.about) { id in
                switch states[Int(id)] {
                case Verdict.reachable.rawValue: .reachable
                case Verdict.possible.rawValue: .possible
                default: leaders.contains(id) ? .definite : .indirect
                }
            }
        }
        let addresses = lost.members.map { heap.index.start($0) }.sorted()
        return .done(Result(findings: findings, lost: LostBlocks(addresses: addresses)))
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

    /// Returns how many lost blocks are only possibly lost, since an earlier snapshot did not call them lost.
    private static func demoteUnconfirmed(_ states: inout [UInt8], _ index: BlockIndex, _ earlier: LostBlocks?) -> Int {
        guard let earlier else { return 0 }
        var count = 0
        for id in states.indices where states[id] == Verdict.lost.rawValue {
            if !earlier.contains(index.start(BlockID(id))) {
                states[id] = Verdict.possible.rawValue
                count += 1
            }
        }
        return count
    }

    private static func summary(of heap: HeapScan, _ image: MemoryImage) -> HeapSummary {
        var live = Tally()
        for id in 0..<heap.index.count { live.add(heap.index.usable(BlockID(id))) }
        let populated = heap.managed.reduce(UInt64(0)) { sum, range in
            image.reader.populated(in: range).reduce(sum) { $0 + $1.count }
        }
        return HeapSummary(
            allocator: "glibc", version: heap.version, arenas: heap.arenas, live: live, freeBytes: heap.freeBytes,
            populatedBytes: populated)
    }

    private static func gaps(
        _ image: MemoryImage, _ heap: HeapScan, _ roots: Roots, _ foreign: [AllocatorSurvey.Foreign]
    ) -> [Gap] {
        var gaps = image.gaps + roots.gaps
        for part in heap.torn {
            gaps.append(
                Gap(
                    what: part.range.isEmpty
                        ? "a part of the heap" : "\(part.range.count) bytes of heap at \(Address(part.range.lower))",
                    reason: part.reason,
                    remedy: "try again when the program is less busy, or with --snapshot fork"))
        }
        for allocator in foreign {
            gaps.append(
                Gap(
                    what: "blocks of \(allocator.name) (\(allocator.place))",
                    reason:
                        "nusu reads the heap of glibc's malloc; pointers that lie in the other's memory were followed"))
        }
        if let version = heap.version, version != TargetCheck.verifiedVersion {
            gaps.append(
                Gap(
                    what: "malloc of glibc \(version)",
                    reason:
                        "its structures were checked as they were read, but only glibc \(TargetCheck.verifiedVersion) was ever tried"
                ))
        }
        return gaps
    }
}
