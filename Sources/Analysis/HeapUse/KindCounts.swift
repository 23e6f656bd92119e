import Model

/// How many blocks there are of each kind: a type, or a size where there is none. By number: a heap has millions of blocks, and
/// a name for each would cost more than the search that finds them.
struct KindCounts {
    private let process: ProcessGraph
    /// By type, or by size with the highest bit set.
    private var counts: [UInt64: Int] = [:]

    private static let isSize: UInt64 = 1 << 63

    init(_ process: ProcessGraph) { self.process = process }

    mutating func add(_ block: BlockID) {
        let type = process.types.type(of: block)
        counts[type == 0 ? process.index.usable(block) | KindCounts.isSize : UInt64(type), default: 0] += 1
    }

    /// The `limit` kinds of which there are most.
    func most(_ limit: Int) -> [LeakGroup.HeldKind] {
        var named: [String: Int] = [:]
        for (kind, count) in counts {
            let type = kind & KindCounts.isSize == 0 ? process.types.name(TypeID(truncatingIfNeeded: kind)) : nil
            named[type ?? "\(kind & ~KindCounts.isSize) bytes", default: 0] += count
        }
        return named.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.prefix(limit)
            .map { LeakGroup.HeldKind(name: $0.key, blocks: $0.value) }
    }
}
