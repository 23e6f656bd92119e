import Model

/// How many blocks there are of each kind: a type, or a size where there is none. By number: a heap has millions of blocks, and
/// a name for each would cost more than the search that finds them.
struct KindCounts {
    private let process: ProcessGraph
    private var byType: [Int]
    /// Blocks without a type, by size in words; larger ones beside.
    private var byWords = [Int](repeating: 0, count: 1024)
    private var bySize: [UInt64: Int] = [:]

    init(_ process: ProcessGraph) {
        self.process = process
        byType = [Int](repeating: 0, count: process.types.entries.count)
    }

    mutating func add(_ block: BlockID) {
        let type = process.types.type(of: block)
        let size = process.index.usable(block)
        if type != 0 {
            byType[Int(type)] += 1
        } else if size >> 3 < byWords.count {
            byWords[Int(size >> 3)] += 1
        } else {
            bySize[size, default: 0] += 1
        }
    }

    /// The `limit` kinds of which there are most.
    func most(_ limit: Int) -> [LeakGroup.HeldKind] {
        var named: [String: Int] = [:]
        for (type, count) in byType.enumerated() where count > 0 {
            named[process.types.entries[type].name, default: 0] += count
        }
        for (words, count) in byWords.enumerated() where count > 0 { named["\(words * 8) bytes"] = count }
        for (size, count) in bySize { named["\(size) bytes"] = count }
        return named.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.prefix(limit)
            .map { LeakGroup.HeldKind(name: $0.key, blocks: $0.value) }
    }
}
