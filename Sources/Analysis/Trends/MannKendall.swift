import Glibc

/// The test of Mann and Kendall: whether later values tend to be larger, whatever the shape of their growth
/// (H. B. Mann 1945; M. G. Kendall, Rank Correlation Methods; R. O. Gilbert 1987, chapter 16).
package struct MannKendall: Hashable, Sendable {
    /// S: pairs that rise minus pairs that fall.
    package let score: Int
    /// The variance of S where there is no trend and values do not depend on each other; corrected for equal values.
    package let variance: Double
    package let count: Int

    package init(_ values: [Double]) {
        count = values.count
        var score = 0
        for later in values.indices.dropFirst() {
            for earlier in 0..<later {
                if values[later] > values[earlier] { score += 1 } else if values[later] < values[earlier] { score -= 1 }
            }
        }
        self.score = score
        var variance = MannKendall.term(count)
        var run = 0
        var previous: Double?
        for value in values.sorted() + [.nan] {
            if value == previous {
                run += 1
            } else {
                variance -= MannKendall.term(run)
                run = 1
                previous = value
            }
        }
        self.variance = max(variance, 0)
    }

    private static func term(_ count: Int) -> Double {
        let n = Double(count)
        return n * (n - 1) * (2 * n + 5) / 18
    }

    /// Kendall's tau (a): 1 where every later value is larger, -1 where every one is smaller.
    package var tau: Double { count < 2 ? 0 : Double(score) / (Double(count) * Double(count - 1) / 2) }

    /// The chance of a score at least this far from 0 without a trend, by the normal approximation with continuity
    /// correction (good from about ten values on).
    /// - Parameter inflation: by what the variance is larger since values depend on each other.
    package func probability(inflation: Double = 1) -> Double {
        guard variance > 0, score != 0 else { return 1 }
        return NormalDistribution.twoSided(Double(abs(score) - 1) / (variance * inflation).squareRoot())
    }
}

/// The standard normal distribution.
enum NormalDistribution {
    /// The chance to lie at least this far from 0, on either side.
    static func twoSided(_ distance: Double) -> Double { erfc(max(distance, 0) / 2.0.squareRoot()) }

    /// 95 % lie within so many standard deviations.
    static let central95 = 1.959963984540054
}
