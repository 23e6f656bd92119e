import Model

/// Says how much of a range is in memory. Ranges are asked for in ascending order: the cursor never moves back.
struct ResidentCursor {
    /// Ascending, without overlaps.
    private let pages: [AddressRange]
    private var next = 0

    init(_ pages: [AddressRange]) { self.pages = pages }

    /// Bytes of `lower ..< upper` that are in memory. `lower` must not lie below the `lower` asked for before.
    @inline(__always)
    mutating func bytes(_ lower: UInt64, _ upper: UInt64) -> UInt64 {
        while next < pages.count, pages[next].upper <= lower { next += 1 }
        guard next < pages.count else { return 0 }
        if pages[next].lower <= lower, upper <= pages[next].upper { return upper - lower }
        return scattered(lower, upper)
    }

    /// The same for ranges that reach over the ends of runs. The last run touched stays the current one: the next range may
    /// begin in it.
    private func scattered(_ lower: UInt64, _ upper: UInt64) -> UInt64 {
        var sum: UInt64 = 0
        var index = next
        while index < pages.count, pages[index].lower < upper {
            sum += pages[index].intersection(AddressRange(lower, upper)).count
            index += 1
        }
        return sum
    }

    /// Bytes of these ranges, which must ascend, that are in memory.
    static func bytes(of ranges: [AddressRange], in pages: [AddressRange]) -> UInt64 {
        var cursor = ResidentCursor(pages)
        return ranges.reduce(0) { $0 + cursor.bytes($1.lower, $1.upper) }
    }
}
