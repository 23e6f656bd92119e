/// The slope of Theil and Sen: the median of the slopes of all pairs, which a third of wild values does not move
/// (H. Theil 1950; P. K. Sen 1968).
package struct TheilSen: Hashable, Sendable {
    /// Per second.
    package let slope: Double
    /// 95 %: between the slopes of the ranks that the variance of Kendall's score gives (Sen 1968); nil where there are too
    /// few to tell.
    package let interval: ClosedRange<Double>?

    /// nil with fewer than two moments.
    /// - Parameter variance: of Kendall's score.
    package init?(seconds: [Double], values: [Double], variance: Double) {
        self.init(seconds: seconds, values: values) { _ in variance }
    }

    /// - Parameter variance: the same, where it depends on the slope.
    init?(seconds: [Double], values: [Double], variance: (Double) -> Double) {
        var slopes: [Double] = []
        slopes.reserveCapacity(values.count * (values.count - 1) / 2)
        for later in values.indices.dropFirst() {
            for earlier in 0..<later where seconds[later] > seconds[earlier] {
                slopes.append((values[later] - values[earlier]) / (seconds[later] - seconds[earlier]))
            }
        }
        guard !slopes.isEmpty else { return nil }
        slopes.sort()
        slope = Median.ofSorted(slopes[...])
        let count = Double(slopes.count)
        let reach = NormalDistribution.central95 * max(variance(slope), 0).squareRoot()
        guard reach < count - 2 else {
            interval = nil
            return
        }
        let lower = max(Int(((count - reach) / 2).rounded(.toNearestOrEven)) - 1, 0)
        let upper = min(Int(((count + reach) / 2).rounded(.toNearestOrEven)), slopes.count - 1)
        interval = slopes[lower]...slopes[upper]
    }
}

enum Median {
    /// Of values that are in order, at least one.
    static func ofSorted(_ values: ArraySlice<Double>) -> Double {
        let middle = values.startIndex + values.count / 2
        return values.count % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2
    }

    /// 0 for none.
    static func of(_ values: some Sequence<Double>) -> Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? 0 : ofSorted(sorted[...])
    }
}
