import Model
import Testing

@testable import Analysis

@Suite("What threads did between two looks") struct ActivityRatesTests {
    private func thread(ran: UInt64, switches: UInt64?) -> ProcessActivity.Thread {
        ProcessActivity.Thread(
            runTimes: ProcessRecord.RunTimes(ran: ran, waited: 0, slices: 0), voluntarySwitches: switches)
    }

    @Test("Of threads that were there, came, went, and whose number is another's") func sums() throws {
        let before = ProcessActivity(
            nanoseconds: 1_000_000_000,
            threads: [
                1: thread(ran: 100, switches: 10), 2: thread(ran: 7, switches: 7), 3: thread(ran: 900, switches: 90),
            ])
        let after = ProcessActivity(
            nanoseconds: 1_500_000_000,
            threads: [
                1: thread(ran: 200_000_100, switches: 20), 3: thread(ran: 50_000_000, switches: 1),
                4: thread(ran: 0, switches: 5),
            ])
        let rates = try #require(ActivityRates(from: before, to: after))
        #expect(rates.seconds == 0.5)
        #expect(rates.voluntarySwitches == 32)
        #expect(abs((rates.cores ?? 0) - 0.5) < 1e-4)
        #expect(rates.involuntarySwitches == nil)
    }

    @Test("No time, nothing known") func edges() {
        let none = ProcessActivity(nanoseconds: 5)
        #expect(ActivityRates(from: none, to: none) == nil)
        #expect(ActivityRates(from: none, to: ProcessActivity(nanoseconds: 9))?.cores == nil)
    }
}
