import Model

/// Counts pages of ranges that are asked for in ascending order.
struct PageCounts {
    private let runs: [PageRun]
    private var next = 0

    init(_ runs: [PageRun]) { self.runs = runs }

    struct Count {
        var resident: UInt64 = 0
        var anonymous: UInt64 = 0
        var swapped: UInt64 = 0
    }

    /// Bytes of `range` that lie in pages of each state. A page that two parts share counts for each with its bytes in it, so
    /// that the parts of a mapping add up.
    mutating func count(in range: AddressRange) -> Count {
        while next < runs.count, runs[next].range.upper <= range.lower { next += 1 }
        var result = Count()
        var index = next
        while index < runs.count, runs[index].range.lower < range.upper {
            let bytes = runs[index].range.intersection(range).count
            let state = runs[index].state
            if state.contains(.present), !state.contains(.zero) {
                result.resident += bytes
                if !state.contains(.file) { result.anonymous += bytes }
            } else if state.contains(.swapped) {
                result.swapped += bytes
            }
            index += 1
        }
        return result
    }
}
