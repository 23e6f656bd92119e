import Model

/// The usable size of each block, in two bytes: eight million blocks are common, and few of them are as large as 512 KiB.
/// Those stand in a list beside.
struct BlockSizes {
    /// Units of 8 bytes, or `isListed`.
    private let words = GrowingBuffer<UInt16>(capacity: 1 << 12)
    private var listed: [(number: Int, bytes: UInt64)] = []

    private static let isListed = UInt16.max

    var count: Int { words.count }

    @inline(__always)
    subscript(number: Int) -> UInt64 {
        let size = words.base[number]
        return size == BlockSizes.isListed ? listedSize(number) : UInt64(size) * 8
    }

    private func listedSize(_ number: Int) -> UInt64 { listed[listed.partitioningIndex { $0.number >= number }].bytes }

    /// `bytes`: a multiple of 8; what is over is left out.
    @inline(__always)
    mutating func append(_ bytes: UInt64) {
        let size = bytes >> 3
        if size >= UInt64(BlockSizes.isListed) { listed.append((count, size * 8)) }
        words.append(UInt16(clamping: size))
    }

    mutating func truncate(to count: Int) {
        words.truncate(to: count)
        listed.removeAll { $0.number >= count }
    }

    /// Keeps the sizes of those blocks whose number `isKept` accepts, and numbers them anew.
    mutating func keep(where isKept: (Int) -> Bool) {
        let old = listed
        listed = []
        var next = old.startIndex
        var kept = 0
        for number in 0..<count {
            let isListed = next < old.endIndex && old[next].number == number
            if isKept(number) {
                words[kept] = words[number]
                if isListed { listed.append((kept, old[next].bytes)) }
                kept += 1
            }
            if isListed { next += 1 }
        }
        words.truncate(to: kept)
    }

    /// Gives back what was reserved and not used.
    func shrink() { words.shrink() }
}
