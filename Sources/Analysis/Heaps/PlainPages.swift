import Model

/// Pages of a heap without a word that can be a pointer or name a type: text, numbers, nothing. They are noted while the heap
/// is walked, so that they need not be read once more for its pointers.
final class PlainPages: @unchecked Sendable {
    // Unchecked: no page is noted by two threads, and none is asked for before all have been.
    private let ranges: [AddressRange]
    /// The number of each range's first page.
    private let firsts: [Int]
    /// Per page: 1 where it is plain, 0 where it is not or is not known.
    private let marks: GrowingBuffer<UInt8>

    private static let pageBytes: UInt64 = 4096
    /// Below it the kernel maps nothing, unless it was told to (vm.mmap_min_addr).
    private static let leastAddress: UInt64 = 1 << 16
    /// Above it are no addresses of programs.
    private static let addressLimit: UInt64 = 1 << 47

    /// - Parameter ranges: page aligned, ascending, without overlaps.
    init(ranges: [AddressRange]) {
        self.ranges = ranges
        var firsts: [Int] = []
        var count = 0
        for range in ranges {
            firsts.append(count)
            count += Int(range.count / PlainPages.pageBytes)
        }
        self.firsts = firsts
        marks = GrowingBuffer(capacity: count)
        for _ in 0..<count { marks.append(0) }
    }

    /// Whether a word can be an address of the program: of a block, or of what names a type.
    @inline(__always)
    static func mayMatter(_ word: UInt64) -> Bool { word &- leastAddress < addressLimit - leastAddress }

    /// Notes which of the whole pages in `bytes` are plain. `address`: page aligned.
    func note(_ bytes: UnsafeRawBufferPointer, at address: UInt64) {
        guard let number = range(at: address) else { return }
        let pages = Int(min(UInt64(bytes.count), ranges[number].upper - address) / PlainPages.pageBytes)
        let first = firsts[number] + Int((address - ranges[number].lower) / PlainPages.pageBytes)
        for page in 0..<pages {
            let words = UnsafeRawBufferPointer(
                rebasing: bytes[page * Int(PlainPages.pageBytes)..<(page + 1) * Int(PlainPages.pageBytes)]
            ).assumingMemoryBound(to: UInt64.self)
            if !words.contains(where: { PlainPages.mayMatter(UInt64(littleEndian: $0)) }) { marks[first + page] = 1 }
        }
    }

    private func range(at address: UInt64) -> Int? {
        let number = ranges.partitioningIndex { $0.upper > address }
        return number < ranges.count && ranges[number].contains(address) ? number : nil
    }

    /// Answers for addresses that mostly ascend.
    struct Cursor {
        private let pages: PlainPages
        private var range = AddressRange(0, 0)
        private var marks: UnsafePointer<UInt8>

        init(_ pages: PlainPages) {
            self.pages = pages
            marks = UnsafePointer(pages.marks.base)
        }

        @inline(__always)
        mutating func contains(_ address: UInt64) -> Bool {
            guard range.contains(address) || move(to: address) else { return false }
            return marks[Int((address - range.lower) / pageBytes)] != 0
        }

        /// How much of `count` bytes from `address` on, which is page aligned, is worth reading in one go: up to several plain
        /// pages in a row.
        mutating func worth(_ count: Int, from address: UInt64) -> Int {
            guard range.contains(address) || move(to: address) else { return count }
            let first = Int((address - range.lower) / pageBytes)
            let pages = min(Int(range.count / pageBytes) - first, count / Int(pageBytes))
            var plain = 0
            for page in 1..<max(pages, 1) {
                plain = marks[first + page] == 0 ? 0 : plain + 1
                if plain == 8 { return (page - plain + 1) * Int(pageBytes) }
            }
            return count
        }

        @inline(never)
        private mutating func move(to address: UInt64) -> Bool {
            guard let number = pages.range(at: address) else { return false }
            range = pages.ranges[number]
            marks = UnsafePointer(pages.marks.base + pages.firsts[number])
            return true
        }
    }
}
