/// Whether a figure grows, how fast, and how sure that is. The README beside this file says how it is found.
package struct Trend: Hashable, Sendable {
    package enum Course: String, Hashable, Sendable {
        /// Too few looks to tell.
        case unknown
        /// Neither up nor down, as far as can be told; it may vary.
        case steady
        /// Its highs rise, but what it falls back to does not.
        case fallsBack
        /// It has grown, and does so less and less, or not any more.
        case slowing
        case grows
        case shrinks
    }

    package private(set) var course = Course.unknown
    /// Of `grows` and `shrinks`: the chance to see this without a trend is below 1 %, and there is enough to see.
    package private(set) var isSure = false
    /// Per second; nil where the course is unknown.
    package private(set) var slope: Double?
    /// 95 %, per second; nil where it cannot be told.
    package private(set) var interval: ClosedRange<Double>?
    /// The chance to see such a tendency without a trend; nil where the course is unknown.
    package private(set) var probability: Double?
    /// For how long it was watched, warm-up not counted.
    package private(set) var seconds = 0.0
    /// What was set aside at the beginning.
    package private(set) var warmUpSeconds = 0.0
    /// Points that were looked at.
    package private(set) var count = 0

    /// Something grows, and that is sure.
    package var grows: Bool { course == .grows && isSure }

    /// Fewer points tell nothing.
    package static let leastPoints = 8
    /// Fewer points are never sure.
    package static let leastSurePoints = 20
    private static let sureProbability = 0.01
    private static let unsureProbability = 0.1
    private static let leastRises = 4
    private static let leastGrains = 3.0

    package init(_ series: TimeSeries) {
        let all = series.points
        count = all.count
        seconds = (all.last?.seconds ?? 0) - (all.first?.seconds ?? 0)
        guard all.count >= Trend.leastPoints else { return }
        let points = Array(all.dropFirst(Trend.warmUp(all.map(\.value))))
        warmUpSeconds = points[0].seconds - all[0].seconds
        seconds = points[points.count - 1].seconds - points[0].seconds
        count = points.count
        course = .steady
        let line = TrendLine(points)
        probability = line.probability
        slope = line.slope
        interval = line.interval
        guard line.probability < Trend.unsureProbability, line.slope != 0 else { return }
        let isLikely = line.probability < Trend.sureProbability && all.count >= Trend.leastSurePoints
        guard line.slope > 0 else {
            course = .shrinks
            isSure = isLikely && line.probability < Trend.sureProbability
            return
        }
        let envelope = Envelope(points)
        guard envelope.slope >= line.slope / 4 else {
            course = .fallsBack
            return
        }
        guard !line.slowsDown else {
            course = .slowing
            return
        }
        course = .grows
        isSure =
            isLikely && line.riseCount >= Trend.leastRises && envelope.rise >= Trend.leastGrains * series.grain
            && (line.interval?.lowerBound ?? 0) > 0
    }

    /// How many points at the beginning are warm-up: see the README.
    static func warmUp(_ values: [Double]) -> Int {
        guard values.count >= 16 else { return 0 }
        let steps = Eighths.steps(values)
        var eighths = 0
        while eighths < 4 {
            let later = steps[(eighths + 1)...]
            let usual = later.reduce(0) { $0 + abs($1) } / Double(later.count)
            guard steps[eighths] > 0, steps[eighths] > 3 * usual else { break }
            eighths += 1
        }
        return values.count * eighths / 8
    }
}

/// Equal parts of a series.
enum Eighths {
    /// The indexes of part `number` of `parts`.
    static func range(_ number: Int, of count: Int, parts: Int = 8) -> Range<Int> {
        count * number / parts..<count * (number + 1) / parts
    }

    /// From the median of each eighth to that of the next.
    static func steps(_ values: [Double]) -> [Double] {
        let medians = (0..<8).map { Median.of(values[range($0, of: values.count)]) }
        return zip(medians.dropFirst(), medians).map { $0 - $1 }
    }
}

/// What a figure falls back to: the lowest points of equal parts.
private struct Envelope {
    /// Per second.
    let slope: Double
    let rise: Double

    init(_ points: [TimeSeries.Point]) {
        let parts = points.count >= 16 ? 8 : points.count / 2
        var seconds: [Double] = []
        var lows: [Double] = []
        for number in 0..<parts {
            let part = points[Eighths.range(number, of: points.count, parts: parts)]
            seconds.append(part.reduce(0) { $0 + $1.seconds } / Double(part.count))
            lows.append(part.reduce(.infinity) { min($0, $1.low) })
        }
        slope = TheilSen(seconds: seconds, values: lows, variance: 0)?.slope ?? 0
        rise = (lows.last ?? 0) - (lows.first ?? 0)
    }
}
