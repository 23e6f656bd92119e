/// One figure against time, in bounded memory however long it is watched.
///
/// Up to `capacity` points every sample is a point. When they are full, neighbours are joined two by two, and from then on
/// a point stands for twice as many samples: 1 s samples become points of 2 s after 4 minutes, of 32 s after two hours. A
/// point keeps the mean of its samples, and the lowest: what a collector or a cache falls back to stays visible.
package struct TimeSeries: Hashable, Sendable {
    package struct Point: Hashable, Sendable {
        /// The mean of its samples' times, in seconds.
        package var seconds: Double
        /// The mean of its samples.
        package var value: Double
        package var low: Double
        package var high: Double
    }

    /// Even; with 240 points all pairs of two are 28,680.
    package static let capacity = 240

    /// Points in the order of time.
    package private(set) var points: [Point] = []
    package private(set) var samplesPerPoint = 1
    package private(set) var sampleCount = 0
    package private(set) var first: Double?
    package private(set) var last: Double?
    package private(set) var lowest: Double?
    package private(set) var highest: Double?
    /// The smallest step that the figure can take: a page, or one descriptor.
    package let grain: Double
    /// Samples of a point that is not full yet.
    private var pending: [Point] = []

    package init(grain: Double = 1) { self.grain = grain }

    /// Adds a sample. One that is not finite, or not later than the last, is left out.
    package mutating func append(_ value: Double, at seconds: Double) {
        guard value.isFinite, seconds.isFinite, seconds > (pending.last ?? points.last)?.seconds ?? -.infinity else {
            return
        }
        sampleCount += 1
        first = first ?? value
        last = value
        lowest = min(lowest ?? value, value)
        highest = max(highest ?? value, value)
        pending.append(Point(seconds: seconds, value: value, low: value, high: value))
        guard pending.count >= samplesPerPoint else { return }
        points.append(TimeSeries.joined(pending[...]))
        pending.removeAll(keepingCapacity: true)
        if points.count >= TimeSeries.capacity { halve() }
    }

    private mutating func halve() {
        points = stride(from: 0, to: points.count - 1, by: 2).map { TimeSeries.joined(points[$0...$0 + 1]) }
        samplesPerPoint *= 2
    }

    /// Points that stand for equally many samples.
    private static func joined(_ parts: ArraySlice<Point>) -> Point {
        let count = Double(parts.count)
        return Point(
            seconds: parts.reduce(0) { $0 + $1.seconds } / count, value: parts.reduce(0) { $0 + $1.value } / count,
            low: parts.reduce(.infinity) { min($0, $1.low) }, high: parts.reduce(-.infinity) { max($0, $1.high) })
    }
}
