import Model

/// What huge pages hold in memory that was never written: a program touches one byte and gets 2 MiB.
struct HugePageWaste {
    let image: MemoryImage
    /// Ascending, merged.
    let pages: [AddressRange]

    /// More than this is not read: the figure is then not known.
    private static let readLimit: UInt64 = 1 << 30
    private static let windowBytes: UInt64 = 1 << 18
    private static let pageBytes = 4096

    /// Pages of nothing but zeros in mappings that have huge pages, at most as much as is huge of each; nil where there is too
    /// much to look through.
    func bytes(in mappings: [MappingUse]) -> UInt64? {
        let huge = mappings.filter { $0.mapping.isAnonymous && ($0.use?.hugePages ?? 0) > 0 }
        let resident = huge.reduce(UInt64(0)) { $0 &+ ($1.use?.resident ?? 0) }
        guard resident <= HugePageWaste.readLimit else { return nil }
        return huge.reduce(0) { $0 + min(zeros(in: $1.mapping.range), $1.use?.hugePages ?? 0) }
    }

    private func zeros(in range: AddressRange) -> UInt64 {
        var sum: UInt64 = 0
        var next = pages.partitioningIndex { $0.upper > range.lower }
        var window = [UInt64](repeating: 0, count: Int(HugePageWaste.windowBytes) / 8)
        while next < pages.count, pages[next].lower < range.upper {
            let run = pages[next].intersection(range)
            var at = run.lower
            while at < run.upper {
                let count = Int(min(run.upper - at, HugePageWaste.windowBytes))
                let got = window.withUnsafeMutableBytes {
                    image.reader.read(at: at, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<count]))
                }
                sum += HugePageWaste.zeros(window, pages: got / HugePageWaste.pageBytes)
                at += UInt64(count)
            }
            next += 1
        }
        return sum
    }

    private static func zeros(_ window: [UInt64], pages: Int) -> UInt64 {
        window.withUnsafeBufferPointer { words in
            var sum: UInt64 = 0
            for page in 0..<pages {
                let first = page * pageBytes / 8
                if words[first..<first + pageBytes / 8].allSatisfy({ $0 == 0 }) { sum += UInt64(pageBytes) }
            }
            return sum
        }
    }
}
