import Analysis
import Testing

extension Seeded {
    /// About normal: the sum of twelve, less six.
    fileprivate mutating func normal() -> Double {
        (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0..<1, using: &self) }
    }
}

@Suite struct TrendTests {
    private func trend(_ values: [Double], grain: Double = 1) -> Trend {
        var series = TimeSeries(grain: grain)
        for (index, value) in values.enumerated() { series.append(value, at: Double(index)) }
        return Trend(series)
    }

    /// How many of a hundred are surely called growing.
    private func alarms(_ count: Int, rounds: Int = 100, _ make: (inout Seeded, Int) -> [Double]) -> Double {
        var random = Seeded(UInt64(count))
        let found = (0..<rounds).count { _ in trend(make(&random, count)).grows }
        return 100 * Double(found) / Double(rounds)
    }

    // MARK: - Known answers

    /// Hollander and Wolfe, Nonparametric Statistical Methods, example 9.1: clouds seeded in five years. They give the
    /// score -6 and the slope -0.056.
    @Test func cloudSeeding() throws {
        let values = [1.26, 1.27, 1.12, 1.16, 1.03]
        let kendall = MannKendall(values)
        #expect(kendall.score == -6)
        #expect(abs(kendall.variance - 50.0 / 3) < 1e-9)
        #expect(kendall.tau == -0.6)
        let line = try #require(TheilSen(seconds: [1, 2, 3, 4, 5], values: values, variance: kendall.variance))
        #expect(abs(line.slope - -0.05625) < 1e-12)
    }

    /// The numbers that scipy.stats.theilslopes gives (SciPy 1.17): annual flow of the Nile at Aswan, 1871 to 1890, with its
    /// fall at the dam left out; equal values among them.
    @Test func nile() throws {
        let values: [Double] = [
            1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958,
            1140,
        ]
        let kendall = MannKendall(values)
        #expect(kendall.score == -46)
        #expect(abs(kendall.variance - 945.3333333333334) < 1e-6)
        #expect(abs(kendall.probability() - 0.1433054588641964) < 1e-9)
        let line = try #require(
            TheilSen(seconds: (0..<20).map(Double.init), values: values, variance: kendall.variance))
        #expect(abs(line.slope - -7.142857142857143) < 1e-9)
        let interval = try #require(line.interval)
        #expect(abs(interval.lowerBound - -20.22222222222222) < 1e-9)
        #expect(abs(interval.upperBound - 2.8181818181818183) < 1e-9)
    }

    @Test func straightLine() throws {
        let trend = trend((0..<60).map { 100 + 3 * Double($0) })
        #expect(trend.grows)
        #expect(trend.slope == 3)
        #expect(trend.interval == 3...3)
        #expect(trend.warmUpSeconds == 0)
        let forecast = try #require(Forecast(trend, level: 277, limit: 577))
        #expect(forecast.seconds == 100)
        #expect(Forecast(trend, level: 277, limit: nil) == nil)
        #expect(try #require(Forecast(trend, level: 600, limit: 577)).seconds == 0)
    }

    @Test func constantAndShort() {
        #expect(trend([Double](repeating: 7, count: 60)).course == .steady)
        #expect(trend([Double](repeating: 7, count: 60)).slope == 0)
        #expect(trend([1, 2, 3]).course == .unknown)
        #expect(trend([1, 2, 3]).slope == nil)
        // So few are never sure.
        let short = trend((0..<12).map { Double($0) * 50 })
        #expect(short.course == .grows && !short.isSure)
    }

    @Test func falling() {
        let trend = trend((0..<60).map { 1000 - 3 * Double($0) })
        #expect(trend.course == .shrinks && trend.isSure && !trend.grows)
    }

    /// The figure moves in pages: a step now and then, all upwards.
    @Test(arguments: [6, 9, 15]) func staircase(steps: Int) {
        let values = (0..<120).map { Double(($0 * steps + 60) / 120) * 132 }
        #expect(trend(values).grows, "\(trend(values))")
    }

    @Test func twoStepsAreUnsure() {
        #expect(!trend((0..<120).map { $0 < 50 ? 0 : $0 < 90 ? 132 : 264 }).grows)
    }

    @Test func warmUpIsSetAside() {
        let values = (0..<80).map { $0 < 10 ? Double($0) * 1000 : 10_000 }
        let trend = trend(values)
        #expect(trend.course == .steady)
        #expect(trend.warmUpSeconds >= 10)
    }

    @Test func fullCacheIsNoGrowth() {
        for end in stride(from: 10, through: 80, by: 10) {
            let values = (0..<100).map { Double(min($0, end)) * 500 }
            #expect(!trend(values).grows, "filled after \(end) of 100: \(trend(values))")
        }
    }

    @Test(arguments: [7, 15, 23, 40, 55]) func sawTooth(period: Int) {
        for phase in 0..<period {
            let values = (0..<120).map { Double(($0 + phase) % period) * 100 }
            #expect(!trend(values).grows, "phase \(phase): \(trend(values))")
        }
    }

    /// A collector that falls back to more and more.
    @Test func sawToothOnALeak() {
        #expect(trend((0..<120).map { Double($0 % 12) * 100 + Double($0) * 40 }).grows)
    }

    // MARK: - How often it is wrong

    @Test(arguments: [20, 60, 120]) func walksAtRandom(count: Int) {
        let share = alarms(count) { random, count in
            var at = 0.0
            return (0..<count).map { _ in
                at += random.normal() * 50
                return at.rounded()
            }
        }
        #expect(share <= 3)
    }

    @Test(arguments: [20, 60, 120]) func noise(count: Int) {
        #expect(alarms(count) { random, count in (0..<count).map { _ in (random.normal() * 50).rounded() } } <= 1)
        let resembling = alarms(count) { random, count in
            var at = 0.0
            return (0..<count).map { _ in
                at = 0.9 * at + random.normal() * 50
                return at.rounded()
            }
        }
        #expect(resembling <= 2)
    }

    /// Growth that no eye sees between two looks: by four times the noise's deviation in all.
    @Test(arguments: [40, 60, 120]) func slowLeak(count: Int) {
        let share = alarms(count) { random, count in
            (0..<count).map { (index: Int) -> Double in
                let line = Double(index) * 200 / Double(count)
                return (line + random.normal() * 50).rounded()
            }
        }
        #expect(share >= 90)
    }

    /// The interval holds the true slope about as often as it says.
    @Test func coverage() {
        var random = Seeded(3)
        let held = (0..<200).count { _ in
            let trend = trend((0..<60).map { (index: Int) -> Double in Double(index) * 20 + random.normal() * 50 })
            return trend.interval?.contains(20) ?? false
        }
        #expect(held >= 185)
    }

    // MARK: - Series

    @Test func boundedAndTrue() {
        var series = TimeSeries()
        for second in 0..<100_000 { series.append(Double(second) * 2, at: Double(second)) }
        #expect(series.points.count < TimeSeries.capacity)
        #expect(series.sampleCount == 100_000)
        #expect(series.first == 0 && series.last == 199_998)
        #expect(series.lowest == 0 && series.highest == 199_998)
        #expect(
            series.points.allSatisfy {
                abs($0.value - 2 * $0.seconds) < 1e-6 && $0.low <= $0.value && $0.value <= $0.high
            })
        let trend = Trend(series)
        #expect(trend.grows)
        #expect(abs((trend.slope ?? 0) - 2) < 1e-9)
    }

    @Test func nonsenseIsLeftOut() {
        var series = TimeSeries()
        for (value, second) in [(1, 0), (Double.nan, 1), (.infinity, 2), (5, 0), (5, -1), (2, 3), (3, .nan)] {
            series.append(value, at: second)
        }
        #expect(series.points.map(\.value) == [1, 2])
    }
}
