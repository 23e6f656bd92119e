import Model

/// How many blocks there are of each kind: a type, or a size where there is none. By number: a heap has millions of blocks, and
/// a name, or a place in a hash table, for each would cost more than the search that finds them.
struct KindCounts {
    private let process: ProcessGraph
    private var byType: [Tally]
    /// Blocks without a type, by size in words; others beside.
    private var byWords = [Tally](repeating: Tally(), count: 1024)
    private var bySize: [UInt64: Tally] = [:]

    init(_ process: ProcessGraph) {
        self.process = process
        byType = [Tally](repeating: Tally(), count: process.types.entries.count)
    }

    mutating func add(_ block: BlockID) { add(block, usable: process.index.usable(block)) }

    @inline(__always)
    mutating func add(_ block: BlockID, usable: UInt64) {
        let type = process.types.type(of: block)
        if type != 0 {
            byType[Int(type)].add(usable)
        } else if usable >> 3 < byWords.count, usable & 7 == 0 {
            byWords[Int(usable >> 3)].add(usable)
        } else {
            bySize[usable, default: Tally()].add(usable)
        }
    }

    /// By the type's name: types of one name count together.
    var named: [String: Tally] {
        var named: [String: Tally] = [:]
        for (type, tally) in byType.enumerated() where tally.blocks > 0 {
            named[process.types.entries[type].name, default: Tally()].add(tally)
        }
        return named
    }

    /// Blocks without a type, by their usable size.
    var sized: [(bytes: UInt64, tally: Tally)] {
        byWords.enumerated().filter { $0.element.blocks > 0 }.map { (UInt64($0.offset) * 8, $0.element) }
            + bySize.map { ($0.key, $0.value) }
    }

    /// The `limit` kinds of which there are most.
    func most(_ limit: Int) -> [LeakGroup.HeldKind] {
        let all =
            named.map { LeakGroup.HeldKind(name: $0.key, blocks: $0.value.blocks) }
            + sized.map { LeakGroup.HeldKind(name: "\($0.bytes) bytes", blocks: $0.tally.blocks) }
        return Array(all.sorted { ($0.blocks, $1.name) > ($1.blocks, $0.name) }.prefix(limit))
    }
}
