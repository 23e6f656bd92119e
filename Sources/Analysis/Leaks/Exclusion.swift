import Model

/// What patterns left out of what is lost.
package struct ExcludedBlocks: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let pattern: ExcludePattern
        /// The blocks that it names and what is lost only below them. A block counts for the first pattern that has it.
        package let tally: Tally

        package init(pattern: ExcludePattern, tally: Tally) {
            self.pattern = pattern
            self.tally = tally
        }
    }

    /// Patterns that fit something, in the order in which they were given.
    package let entries: [Entry]
    /// Patterns that fit nothing.
    package let unused: [ExcludePattern]

    package init(entries: [Entry] = [], unused: [ExcludePattern] = []) {
        self.entries = entries
        self.unused = unused
    }

    package var total: Tally {
        entries.reduce(into: Tally()) { $0.add($1.tally) }
    }
}

/// Takes out of a forest what patterns name, and what is lost only below it.
///
/// What stays is what a leader reaches without passing a block that is named. A ring with a named block in it goes as a
/// whole: each of its blocks hangs below the named one.
struct Exclusion {
    private let patterns: [ExcludePattern]
    private var hasFit: [Bool]
    private var tallies: [Tally]

    init(_ patterns: [ExcludePattern]) {
        self.patterns = patterns
        hasFit = Array(repeating: false, count: patterns.count)
        tallies = Array(repeating: Tally(), count: patterns.count)
    }

    var result: ExcludedBlocks {
        ExcludedBlocks(
            entries: patterns.indices.filter { hasFit[$0] }.map { .init(pattern: patterns[$0], tally: tallies[$0]) },
            unused: patterns.indices.filter { !hasFit[$0] && !patterns[$0].isBaseline }.map { patterns[$0] })
    }

    /// The forest without the blocks whose types are named; nil where none is.
    mutating func withoutTypes(_ forest: LostForest, _ types: TypeTable) -> LostForest? {
        guard !patterns.isEmpty else { return nil }
        var ofType: [TypeID: Int?] = [:]
        var ofSize: [UInt64: Int?] = [:]
        var seeds: [(number: Int, pattern: Int)] = []
        for (number, type) in forest.types.enumerated() {
            let pattern: Int?
            if type != 0 {
                pattern = ofType[type] ?? first { $0.fits(type: types.name(type) ?? "") }
                ofType[type] = .some(pattern)
            } else {
                let size = forest.index.usable(forest.lost.members[number])
                pattern = ofSize[size] ?? first { $0.fits(type: "\(size) bytes") }
                ofSize[size] = .some(pattern)
            }
            if let pattern { seeds.append((number, pattern)) }
        }
        return without(seeds, forest)
    }

    /// The forest without the leaders of the groups that are named; nil where none is.
    /// - Parameter groupOf: per leader the number of its group.
    mutating func withoutGroups(_ forest: LostForest, _ groups: [LeakGroup], groupOf: [UInt32]) -> LostForest? {
        guard !patterns.isEmpty else { return nil }
        let named = groups.map { group in first { $0.fits(group) } }
        var seeds: [(number: Int, pattern: Int)] = []
        for (number, leader) in forest.leaders.enumerated() {
            guard let pattern = named[Int(groupOf[number])] else { continue }
            seeds.append((forest.lost.number(of: leader.id), pattern))
        }
        return without(seeds, forest)
    }

    /// The first pattern that fits; all that do have fit something.
    private mutating func first(_ fits: (ExcludePattern) -> Bool) -> Int? {
        var result: Int?
        for (number, pattern) in patterns.enumerated() where fits(pattern) {
            hasFit[number] = true
            if result == nil { result = number }
        }
        return result
    }

    private mutating func without(_ seeds: [(number: Int, pattern: Int)], _ forest: LostForest) -> LostForest? {
        guard !seeds.isEmpty else { return nil }
        let members = forest.lost.members
        var isNamed = [Bool](repeating: false, count: members.count)
        var holdsNamed = [Bool](repeating: false, count: forest.components.sizes.count)
        for seed in seeds {
            isNamed[seed.number] = true
            holdsNamed[Int(forest.components.component[seed.number])] = true
        }
        var isKept = [Bool](repeating: false, count: members.count)
        for leader in forest.leaders {
            let number = forest.lost.number(of: leader.id)
            guard !holdsNamed[Int(forest.components.component[number])] else { continue }
            forest.edges.flood(from: number) { other in
                if isNamed[other] || isKept[other] { return false }
                isKept[other] = true
                return true
            }
        }
        var isCounted = isKept
        for (pattern, _) in patterns.enumerated() {
            for seed in seeds where seed.pattern == pattern {
                forest.edges.flood(from: seed.number) { other in
                    if isCounted[other] { return false }
                    isCounted[other] = true
                    tallies[pattern].add(forest.index.usable(members[other]))
                    return true
                }
            }
        }
        return forest.keeping { isKept[$0] }
    }
}
