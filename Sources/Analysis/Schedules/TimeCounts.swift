/// How long things took: an exact mean, and percentiles in a bounded space, however many there are.
struct TimeCounts: Sendable {
    /// Times below 2^(bits+1) ns have a counter each; above, each power of two has 2^bits.
    private let bits: Int
    /// As far as they are used.
    private var counts: [Int] = []
    private(set) var count = 0
    private var sum = 0.0
    private(set) var longest = 0

    /// - Parameter bits: how fine percentiles are: 7 tells them to half a percent, 5 to 3 %.
    init(bits: Int = 7) { self.bits = bits }

    mutating func add(_ nanoseconds: Int) {
        let bucket = bucket(nanoseconds)
        if bucket >= counts.count { counts += repeatElement(0, count: bucket + 1 - counts.count) }
        counts[bucket] += 1
        count += 1
        sum += Double(nanoseconds)
        longest = max(longest, nanoseconds)
    }

    /// nil where there is none.
    var summary: TimeSummary? {
        guard count > 0 else { return nil }
        let rank = (count * 99 + 99) / 100
        var seen = 0
        for (bucket, number) in counts.enumerated() where number > 0 {
            seen += number
            if seen >= rank {
                return TimeSummary(mean: sum / Double(count), p99: min(largest(of: bucket), longest), worst: longest)
            }
        }
        return nil
    }

    private func bucket(_ time: Int) -> Int {
        let shift = max(Int.bitWidth - time.leadingZeroBitCount - bits - 1, 0)
        return (shift << bits) + (time >> shift)
    }

    private func largest(of bucket: Int) -> Int {
        let shift = max(bucket >> bits - 1, 0)
        return ((bucket - shift << bits) + 1) << shift - 1
    }
}

/// Nanoseconds of several things.
package struct TimeSummary: Hashable, Sendable {
    package var mean: Double
    /// 99 of 100 took at most so long (nearest rank).
    package var p99: Int
    package var worst: Int

    package init(mean: Double, p99: Int, worst: Int) {
        self.mean = mean
        self.p99 = p99
        self.worst = worst
    }
}
