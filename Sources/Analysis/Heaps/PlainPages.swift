import Model
import Synchronization

/// Pages of a heap in which few words, or none, can be a pointer or name a type: text, numbers, nothing between them. They are
/// noted while the heap is walked, with these words, so that they need not be read once more for their pointers.
final class PlainPages: @unchecked Sendable {
    // Unchecked: no page is noted by two threads, and none is asked for before all have been.
    private let ranges: [AddressRange]
    /// The number of each range's first page.
    private let firsts: [Int]
    /// Per page: 0 where it is not plain or that is not known, 1 where nothing in it matters, else 2 + where its words begin.
    private let marks: GrowingBuffer<UInt32>
    private let words = Mutex(GrowingBuffer<Word>())

    private static let pageBytes: UInt64 = 4096
    /// Below it the kernel maps nothing, unless it was told to (vm.mmap_min_addr).
    private static let leastAddress: UInt64 = 1 << 16
    /// Above it are no addresses of programs.
    private static let addressLimit: UInt64 = 1 << 47
    /// Words that matter in a plain page: they take up to 5 % of its size.
    private static let wordLimit = 24

    /// A word that matters: 47 bits of it, its place in the page in the next 9.
    struct Word: BitwiseCopyable {
        private var bits: UInt64

        private static let followsCount: UInt64 = 1 << 62
        private static let last: UInt64 = 1 << 63

        /// - Parameter next: the word behind it, which may be a Swift object's counts; 0 where the page ends.
        init(_ word: UInt64, at place: Int, next: UInt64) {
            bits = word | UInt64(place) << 47 | (SwiftTypes.isPlausibleCount(next) ? Word.followsCount : 0)
        }

        var value: UInt64 { bits & (PlainPages.addressLimit - 1) }
        var place: Int { Int(bits >> 47) & 511 }
        /// Whether what stands behind it can be counts.
        var hasCount: Bool { bits & Word.followsCount != 0 }
        /// Of its page.
        var isLast: Bool {
            get { bits & Word.last != 0 }
            set { bits = newValue ? bits | Word.last : bits & ~Word.last }
        }
    }

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
        let found = GrowingBuffer<Word>()
        var firstWords: [(page: Int, word: Int)] = []
        for page in 0..<pages {
            let words = UnsafeRawBufferPointer(
                rebasing: bytes[page * Int(PlainPages.pageBytes)..<(page + 1) * Int(PlainPages.pageBytes)]
            ).assumingMemoryBound(to: UInt64.self)
            let before = found.count
            guard PlainPages.collect(words, into: found) else {
                marks[first + page] = 0
                continue
            }
            marks[first + page] = 1
            if found.count > before { firstWords.append((first + page, before)) }
        }
        guard !firstWords.isEmpty else { return }
        let start = words.withLock { words in
            defer { for word in found.elements { words.append(word) } }
            return words.count
        }
        for (page, word) in firstWords { marks[page] = UInt32(exactly: start + word + 2) ?? 0 }
    }

    /// Appends the words of a page that matter; false, and none, where they are too many.
    private static func collect(_ words: UnsafeBufferPointer<UInt64>, into found: GrowingBuffer<Word>) -> Bool {
        guard words.contains(where: { mayMatter(UInt64(littleEndian: $0)) }) else { return true }
        let before = found.count
        for place in 0..<words.count {
            let word = UInt64(littleEndian: words[place])
            guard mayMatter(word) else { continue }
            guard found.count - before < wordLimit else {
                found.truncate(to: before)
                return false
            }
            found.append(
                Word(word, at: place, next: place + 1 < words.count ? UInt64(littleEndian: words[place + 1]) : 0))
        }
        found[found.count - 1].isLast = true
        return true
    }

    private func range(at address: UInt64) -> Int? {
        let number = ranges.partitioningIndex { $0.upper > address }
        return number < ranges.count && ranges[number].contains(address) ? number : nil
    }

    /// Answers for addresses that mostly ascend.
    struct Cursor {
        private let pages: PlainPages
        private let words: UnsafePointer<Word>
        private var range = AddressRange(0, 0)
        private var marks: UnsafePointer<UInt32>

        init(_ pages: PlainPages) {
            self.pages = pages
            marks = UnsafePointer(pages.marks.base)
            words = pages.words.withLock { UnsafePointer($0.base) }
        }

        /// Whether nothing in the page of `address` matters.
        @inline(__always)
        mutating func contains(_ address: UInt64) -> Bool {
            guard range.contains(address) || move(to: address) else { return false }
            return marks[Int((address - range.lower) / pageBytes)] == 1
        }

        /// The words that matter in the page of `address`, up to the one that is its last; nil where it has to be read.
        mutating func words(at address: UInt64) -> UnsafePointer<Word>? {
            guard range.contains(address) || move(to: address) else { return nil }
            let mark = marks[Int((address - range.lower) / pageBytes)]
            return mark > 1 ? words + Int(mark - 2) : nil
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

/// A page made of its words that matter.
struct RestoredPage: ~Copyable {
    private let base = UnsafeMutablePointer<UInt64>.allocate(capacity: RestoredPage.wordCount + 1)
    private var words: UnsafePointer<PlainPages.Word>?

    private static let wordCount = 512
    /// Stands for a word that can be counts, whatever it was. No pointer.
    private static let count: UInt64 = 3

    init() { base.initialize(repeating: 0, count: RestoredPage.wordCount + 1) }

    deinit { base.deallocate() }

    mutating func restore(_ words: UnsafePointer<PlainPages.Word>) {
        RestoredPage.forEach(words) { word in
            base[word.place] = word.value.littleEndian
            base[word.place + 1] = word.hasCount ? RestoredPage.count.littleEndian : 0
            return true
        }
        self.words = words
    }

    /// Calls `body(words, count, place)` for each word that matters in these places, together with the one behind it where that
    /// is one of the places: 0 stands there if it can be no counts.
    @inline(__always)
    func runs(in places: Range<Int>, _ body: (UnsafePointer<UInt64>, Int, Int) -> Void) {
        guard let words else { return }
        var (first, end) = (places.lowerBound, places.lowerBound)
        RestoredPage.forEach(words) { word in
            guard word.place < places.upperBound else { return false }
            guard word.place >= places.lowerBound else { return true }
            if word.place >= end {
                if end > first { body(base + first, end - first, first) }
                first = word.place
            }
            end = min(word.place + 2, places.upperBound)
            return true
        }
        if end > first { body(base + first, end - first, first) }
    }

    /// Until `body` returns false.
    @inline(__always)
    private static func forEach(_ words: UnsafePointer<PlainPages.Word>, _ body: (PlainPages.Word) -> Bool) {
        var next = words
        while body(next.pointee), !next.pointee.isLast { next += 1 }
    }
}
