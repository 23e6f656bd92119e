package import Analysis
import Model

/// Trends in words.
package enum TrendText {
    /// "grows 3.1 MiB/min (2.8–3.5)", "grows about 3 MiB/min (10 s watched: unsure)", "steady".
    package static func words(_ trend: Trend, _ figure: UsageHistory.Figure, of series: TimeSeries? = nil) -> String {
        switch trend.course {
        case .unknown: "watched too short to tell"
        case .steady: range(series, figure).map { "varies, \($0)" } ?? "steady"
        case .fallsBack: "rises and falls back" + (range(series, figure).map { ", \($0)" } ?? "")
        case .slowing: "has grown, slows down"
        case .grows: moves("grows", trend, figure)
        case .shrinks: moves("shrinks", trend, figure)
        }
    }

    /// "3.1 MiB/min (2.8–3.5)", or "about 3 MiB/min (10 s watched: unsure)".
    static func rate(_ trend: Trend, _ figure: UsageHistory.Figure) -> String? {
        guard let slope = trend.slope else { return nil }
        let unit = RateUnit(abs(slope), isBytes: figure.isMemory)
        guard trend.isSure else {
            return "about \(unit.text(abs(slope), rough: true)) (\(Units.span(trend.seconds)) watched: unsure)"
        }
        guard let interval = trend.interval else { return unit.text(abs(slope)) }
        let ends = [abs(interval.lowerBound), abs(interval.upperBound)].sorted().map { unit.number($0) }
        let between = ends[0] == ends[1] ? "" : " (\(ends[0])–\(ends[1]))"
        return unit.text(abs(slope)) + between
    }

    private static func moves(_ verb: String, _ trend: Trend, _ figure: UsageHistory.Figure) -> String {
        rate(trend, figure).map { "\(verb) \($0)" } ?? verb
    }

    /// "90.1 MiB to 130 MiB", where that is more than a trifle.
    private static func range(_ series: TimeSeries?, _ figure: UsageHistory.Figure) -> String? {
        guard let series, let low = series.lowest, let high = series.highest, high - low >= 16 * series.grain,
            high - low > high / 20
        else { return nil }
        return "\(amount(low, figure)) to \(amount(high, figure))"
    }

    static func amount(_ value: Double, _ figure: UsageHistory.Figure) -> String {
        let whole = UInt64(max(0, min(value.rounded(), 9e18)))
        return figure.isMemory ? Units.bytes(whole) : Units.grouped(Int(clamping: whole))
    }

    /// "in about 40 min (36–45)"; "in less than a second".
    static func forecast(_ forecast: Forecast) -> String {
        guard forecast.seconds >= 1 else { return "in less than a second" }
        let (divisor, unit) =
            forecast.seconds < 120
            ? (1.0, "s")
            : forecast.seconds < 7200 ? (60, "min") : forecast.seconds < 172_800 ? (3600, "h") : (86_400, "d")
        func number(_ seconds: Double) -> String {
            RateUnit.decimal(seconds / divisor, always: seconds / divisor >= 10)
        }
        let latest = forecast.latestSeconds.map { "–\(number($0))" } ?? " or later"
        let early = number(forecast.earliestSeconds)
        let between = latest == "–\(early)" ? "" : " (\(early)\(latest))"
        return "in about \(number(forecast.seconds)) \(unit)\(between)"
    }
}

/// The unit in which a rate is said: the numbers beside it are in the same.
struct RateUnit {
    private let divisor: Double
    private let name: String

    /// - Parameter slope: per second.
    init(_ slope: Double, isBytes: Bool) {
        let perMinute = slope * 60
        let isHourly = perMinute < (isBytes ? 10 * 1024 : 1)
        let seconds = isHourly ? 3600.0 : 60
        let time = isHourly ? "h" : "min"
        guard isBytes else {
            (divisor, name) = (1 / seconds, "/\(time)")
            return
        }
        var unit = 1024.0
        var names = ["KiB", "MiB", "GiB", "TiB"][...]
        while names.count > 1, slope * seconds >= unit * 1000 {
            unit *= 1024
            names.removeFirst()
        }
        divisor = unit / seconds
        name = " \(names.first ?? "KiB")/\(time)"
    }

    func number(_ slope: Double) -> String { RateUnit.decimal(slope / divisor) }

    func text(_ slope: Double, rough: Bool = false) -> String {
        (rough && slope / divisor >= 1 ? RateUnit.decimal(slope / divisor, always: true) : number(slope)) + name
    }

    /// One decimal below 100, none from there on; or none `always`.
    static func decimal(_ value: Double, always: Bool = false) -> String {
        let bounded = min(max(value, 0), 1e12)
        guard !always, bounded < 99.95 else { return Units.grouped(Int(bounded.rounded())) }
        let tenths = Int((bounded * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}

/// A series as a row of blocks of eight heights.
enum Sparkline {
    private static let blocks = Array("▁▂▃▄▅▆▇█")

    /// At most `width` characters; the whole series. Changes below a hundredth of the height are not blown up.
    static func text(_ series: TimeSeries, width: Int) -> String {
        let points = series.points
        guard !points.isEmpty, width > 0 else { return "" }
        let columns = min(width, points.count)
        let values = (0..<columns).map { column in
            let part = points[points.count * column / columns..<points.count * (column + 1) / columns]
            return part.reduce(0) { $0 + $1.value } / Double(part.count)
        }
        let low = values.reduce(.infinity) { min($0, $1) }
        let high = values.reduce(-.infinity) { max($0, $1) }
        let height = max(high - low, 8 * series.grain, high / 100)
        return String(values.map { blocks[min(7, max(0, Int(($0 - low) / height * 7.999)))] })
    }
}
