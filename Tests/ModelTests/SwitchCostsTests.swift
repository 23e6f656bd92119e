import Model
import Testing

@Suite struct SwitchCostsTests {
    @Test func spreadIsByQuartiles() {
        let spread = SwitchCosts.Spread(samples: [5, 1, 4, 2, 3, 100, 0, 6])
        #expect(spread?.median == 4 && spread?.lowerQuartile == 2 && spread?.upperQuartile == 6 && spread?.batches == 8)
        #expect(SwitchCosts.Spread(samples: []) == nil)
    }

    @Test func switchIsHandOverLessCalls() throws {
        var costs = SwitchCosts()
        #expect(costs.switchSeconds == nil)
        func add(_ way: SwitchCosts.Way, _ seconds: Double) throws {
            let time = try #require(SwitchCosts.Spread(samples: [seconds]))
            costs.handOvers.append(.init(way: way, time: time, switches: 1))
        }
        try add(.pipeProcesses, 3e-6)
        #expect(costs.switchSeconds == nil)
        try add(.pipeAlone, 1e-6)
        #expect(abs((costs.switchSeconds ?? 0) - 2e-6) < 1e-12)
        costs.handOvers.removeLast()
        try add(.pipeAlone, 4e-6)
        #expect(costs.switchSeconds == nil)
    }

    @Test func shareIsOfAllProcessors() {
        let machine = MachineSwitches(perSecond: 200_000, seconds: 1, processors: 4)
        #expect(abs(machine.share(of: 2e-6) - 0.1) < 1e-12)
    }
}
