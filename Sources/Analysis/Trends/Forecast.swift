/// When a figure that grows reaches its limit, if it goes on like this.
package struct Forecast: Hashable, Sendable {
    /// From now, in seconds.
    package let seconds: Double
    /// With the slopes at the ends of the interval (95 %): the earliest, and the latest; nil where the slowest growth would
    /// take more than ten times as long.
    package let earliestSeconds: Double
    package let latestSeconds: Double?

    /// What lies further ahead is no forecast.
    private static let horizonSeconds = 30.0 * 86_400

    /// nil where it does not surely grow, where there is no limit, or where that is more than 30 days away.
    package init?(_ trend: Trend, level: Double?, limit: Double?) {
        guard trend.grows, let slope = trend.slope, let interval = trend.interval, interval.lowerBound > 0,
            let level, let limit
        else { return nil }
        let left = max(limit - level, 0)
        guard left / slope <= Forecast.horizonSeconds else { return nil }
        seconds = left / slope
        earliestSeconds = left / interval.upperBound
        let latest = left / interval.lowerBound
        latestSeconds = latest <= 10 * seconds ? latest : nil
    }
}
