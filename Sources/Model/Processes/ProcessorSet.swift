/// Numbers of processors (man 2 sched_setaffinity), however many a machine has.
package struct ProcessorSet: Hashable, Sendable {
    /// Bit n of word m stands for processor 64 m + n; the last word is not 0.
    package private(set) var words: [UInt64]

    /// More than any kernel is built for (CONFIG_NR_CPUS is at most 8192).
    package static let limit = 1 << 16

    package init(words: [UInt64] = []) {
        self.words = Array(words.prefix(ProcessorSet.limit / 64))
        trim()
    }

    package init(_ numbers: some Sequence<Int>) {
        words = []
        for number in numbers { insert(number) }
    }

    /// The form of the kernel's lists: "0-3,8" (man 7 cpuset, list format); what is no such list, or too large, is nil.
    package init?(list: some StringProtocol) {
        words = []
        var total = 0
        for part in list.split(separator: ",", omittingEmptySubsequences: false) where !part.isEmpty {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
            guard let first = ends[0], let last = ends.count == 2 ? ends[1] : first, ends.count <= 2, first >= 0,
                first <= last, last < ProcessorSet.limit
            else { return nil }
            total += last - first + 1
            guard total <= ProcessorSet.limit else { return nil }
            for number in first...last { insert(number) }
        }
    }

    package var isEmpty: Bool { words.isEmpty }
    package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// In ascending order.
    package var numbers: [Int] {
        words.enumerated().flatMap { index, word in
            (0..<64).filter { word >> UInt64($0) & 1 != 0 }.map { index * 64 + $0 }
        }
    }

    package func contains(_ number: Int) -> Bool {
        words.indices.contains(number / 64) && number >= 0 && words[number / 64] >> UInt64(number % 64) & 1 != 0
    }

    /// One that no machine has is left out.
    package mutating func insert(_ number: Int) {
        guard (0..<ProcessorSet.limit).contains(number) else { return }
        let missing = number / 64 + 1 - words.count
        if missing > 0 { words += repeatElement(0, count: missing) }
        words[number / 64] |= 1 << UInt64(number % 64)
    }

    package func union(_ other: ProcessorSet) -> ProcessorSet { combined(other, |) }
    package func intersection(_ other: ProcessorSet) -> ProcessorSet { combined(other, &) }
    package func subtracting(_ other: ProcessorSet) -> ProcessorSet { combined(other) { $0 & ~$1 } }

    private func combined(_ other: ProcessorSet, _ operation: (UInt64, UInt64) -> UInt64) -> ProcessorSet {
        ProcessorSet(
            words: (0..<max(words.count, other.words.count)).map { index in
                operation(
                    index < words.count ? words[index] : 0, index < other.words.count ? other.words[index] : 0)
            })
    }

    private mutating func trim() { while words.last == 0 { words.removeLast() } }
}

extension ProcessorSet: CustomStringConvertible {
    /// "0-3,8"; two neighbours are a range, too, as the kernel writes them. Empty: "none".
    package var description: String {
        var ranges: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = ranges.last, last.upperBound + 1 == number {
                ranges[ranges.count - 1] = last.lowerBound...number
            } else {
                ranges.append(number...number)
            }
        }
        guard !ranges.isEmpty else { return "none" }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ",")
    }
}
