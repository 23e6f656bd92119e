/// The line through a series, the two tests of whether it has one, and whether it bends down: the README says why.
struct TrendLine {
    let slope: Double
    let interval: ClosedRange<Double>?
    /// Of the stronger of the two tests.
    let probability: Double
    /// Steps upwards.
    let riseCount: Int
    /// The growth becomes surely less, or has stopped.
    let slowsDown: Bool

    init(_ points: [TimeSeries.Point]) {
        let seconds = points.map(\.seconds)
        let values = points.map(\.value)
        let steps = zip(values.dropFirst(), values).map { $0 - $1 }
        riseCount = steps.count { $0 > 0 }
        let kendall = MannKendall(values)
        var inflation = 1.0
        let ranked =
            kendall.variance > 0
            ? TheilSen(seconds: seconds, values: values) { slope in
                inflation = TrendLine.inflation(zip(seconds, values).map { $1 - slope * $0 })
                return kendall.variance * inflation
            } : nil
        guard let ranked else {
            (slope, interval, probability, slowsDown) = (0, 0...0, 1, false)
            return
        }
        slope = ranked.slope
        let byRank = kendall.probability(inflation: inflation)
        let drift = Drift(steps)
        // Only a drift to the same side as the rank test's speaks for it.
        let byDrift = (drift.mean > 0) == (kendall.score > 0) ? drift.probability : 1
        probability = min(1, 2 * min(byRank, byDrift))
        if byDrift < byRank, let last = seconds.last, let first = seconds.first, last > first {
            let reach = drift.deviation * Double(steps.count) / (last - first) * NormalDistribution.central95
            interval = ranked.slope - reach...ranked.slope + reach
        } else {
            interval = ranked.interval
        }
        slowsDown = ranked.slope > 0 && TrendLine.bends(seconds, values, steps, slope: ranked.slope)
    }

    /// By what the variance of Kendall's score grows since neighbours resemble each other: of an autoregressive process of
    /// first order, whose coefficient is estimated too low in short series, the more so as a line was taken out.
    static func inflation(_ rest: [Double]) -> Double {
        let count = Double(rest.count)
        let mean = rest.reduce(0, +) / count
        let centred = rest.map { $0 - mean }
        let square = centred.reduce(0) { $0 + $1 * $1 }
        let scale = rest.reduce(0) { max($0, abs($1)) }
        // A straight line leaves nothing but rounding.
        guard square > 1e-18 * scale * scale * count else { return 1 }
        let product = zip(centred.dropFirst(), centred).reduce(0) { $0 + $1.0 * $1.1 }
        let raw = max(product / square, 0)
        let coefficient = min(raw + (8 + 4 * raw) / count, 1 - 1 / count)
        return (1 + coefficient) / (1 - coefficient)
    }

    private static func bends(_ seconds: [Double], _ values: [Double], _ steps: [Double], slope: Double) -> Bool {
        let count = values.count
        let medians = (0..<8).map { Median.of(values[Eighths.range($0, of: count)]) }
        let quarter = slope * (seconds[count - 1] - seconds[0]) / 4
        // 1.4826: from a median of distances to a deviation; two values make a step, an eighth of all a median.
        let usual = Median.of(steps)
        let spread = 1.4826 * Median.of(steps.map { abs($0 - usual) })
        let noise = spread / 2.0.squareRoot() * 1.25 * (16 / Double(count)).squareRoot()
        if count >= 16, medians[7] - medians[5] + 2 * noise < quarter / 2 { return true }
        guard count >= 16 else { return false }
        let half = count / 2
        let early = interval(seconds[..<half], values[..<half])
        let late = interval(seconds[half...], values[half...])
        guard let early, let late else { return false }
        return late.upperBound < 0.6 * early.lowerBound
    }

    private static func interval(_ seconds: ArraySlice<Double>, _ values: ArraySlice<Double>) -> ClosedRange<Double>? {
        let values = Array(values)
        return TheilSen(seconds: Array(seconds), values: values, variance: MannKendall(values).variance)?.interval
    }
}

/// The mean step against the spread of steps: the test that is exact for a walk at random.
private struct Drift {
    let mean: Double
    /// Of the mean.
    let deviation: Double

    init(_ steps: [Double]) {
        let count = Double(steps.count)
        let mean = steps.reduce(0, +) / count
        self.mean = mean
        let square = steps.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        deviation = (square / max(count - 1, 1) / count).squareRoot()
    }

    var probability: Double {
        guard mean != 0 else { return 1 }
        return deviation > 0 ? NormalDistribution.twoSided(abs(mean) / deviation) : 0
    }
}
