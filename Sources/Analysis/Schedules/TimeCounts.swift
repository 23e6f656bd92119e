/// How long things took: an exact mean, and percentiles to half a percent in a bounded space, however many there are.
struct TimeCounts {
    /// Times below 256 ns have a counter each; above, each power of two has 128.
    private static let bits = 7
    private var counts = [Int](repeating: 0, count: (64 - bits) << bits)
    private(set) var count = 0
    private var sum = 0.0
    private var longest = 0

    mutating func add(_ nanoseconds: Int) {
        counts[Self.bucket(nanoseconds)] += 1
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
                let p99 = min(Self.largest(of: bucket), longest)
                return TimeSummary(mean: sum / Double(count), p99: p99, worst: longest)
            }
        }
        return nil
    }

    private static func bucket(_ time: Int) -> Int {
        let shift = max(Int.bitWidth - time.leadingZeroBitCount - bits - 1, 0)
        return (shift << bits) + (time >> shift)
    }

    private static func largest(of bucket: Int) -> Int {
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
