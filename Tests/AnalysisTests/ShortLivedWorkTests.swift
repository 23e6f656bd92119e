import Model
import Testing

@testable import Analysis

@Suite("Work of short-lived processes") struct ShortLivedWorkTests {
    private static var facts: MachineFacts { MachineFacts() }

    private static func record(
        _ pid: Int32, parent: Int32 = 1, own: UInt64 = 0, children: UInt64 = 0, start: UInt64 = 10
    ) -> ProcessRecord {
        var stat = ProcessStat()
        stat.pid = pid
        stat.parent = parent
        stat.userTicks = own
        stat.childUserTicks = children
        stat.startTicks = start
        return ProcessRecord(stat: stat, processID: pid)
    }

    private static func exit(
        _ process: Int32, parent: Int32, _ name: String, seconds: Double, thread: Int32? = nil
    ) -> ThreadExit {
        ThreadExit(
            thread: thread ?? process, process: process, parent: parent, commandBytes: Array(name.utf8),
            cpuSeconds: seconds, elapsedSeconds: 1)
    }

    private static func work(
        _ before: [ProcessRecord], _ after: [ProcessRecord], _ exits: [ThreadExit]? = nil
    ) -> [Int32: ShortLivedWork.Share] {
        ShortLivedWork(
            from: before.map { ProcessReading($0) }, to: after.map { ProcessReading($0) }, exits: exits, seconds: 2,
            facts: facts
        ).shares
    }

    @Test func whatWasWaitedForIsTheParents() {
        let shares = Self.work([Self.record(5)], [Self.record(5, children: 100)])
        #expect(shares[5]?.cpuPercent == 50)
        #expect(shares[5]?.count == nil)
    }

    @Test func whatWasShownBeforeIsNotCountedAgain() {
        // A child that ran for a minute and has ended: its last second was not seen.
        let before = [Self.record(5), Self.record(6, parent: 5, own: 6000)]
        let shares = Self.work(before, [Self.record(5, children: 6100)])
        #expect(shares[5]?.cpuPercent == 50)
    }

    @Test func grandchildrenThatWereShownAreNotCountedEither() {
        let before = [
            Self.record(5), Self.record(6, parent: 5, own: 10, children: 5), Self.record(7, parent: 6, own: 1000),
        ]
        #expect(Self.work(before, [Self.record(5, children: 1015)])[5] == nil)
    }

    @Test func anotherProcessWithTheNumberIsAnother() {
        let before = [Self.record(5, children: 5000)]
        let shares = Self.work(before, [Self.record(5, children: 40, start: 99)])
        #expect(shares[5]?.cpuPercent == 20)
    }

    @Test func exitRecordsAddNamesAndNumbers() {
        let exits = [
            Self.exit(20, parent: 5, "cc1", seconds: 0.4), Self.exit(21, parent: 20, "as", seconds: 0.1),
            Self.exit(22, parent: 5, "cc1", seconds: 0.5), Self.exit(23, parent: 99, "lost", seconds: 9),
        ]
        let share = Self.work([Self.record(5)], [Self.record(5, children: 100)], exits)[5]
        // Both ways say the same; it is counted once.
        #expect(share?.cpuPercent == 50)
        #expect(share?.count == 3)
        #expect(
            share?.names.map { "\(String(decoding: $0.commandBytes, as: UTF8.self)) \($0.count)" } == ["cc1 2", "as 1"])
    }

    @Test func childrenThatNobodyWaitsForAreInTheRecordsOnly() {
        let share = Self.work([Self.record(5)], [Self.record(5)], [Self.exit(20, parent: 5, "sh", seconds: 1)])[5]
        #expect(share?.cpuPercent == 50)
    }

    @Test func threadsOfOneProcessAreOneProcess() {
        let exits = [
            Self.exit(20, parent: 5, "worker", seconds: 0.5, thread: 21),
            Self.exit(20, parent: 5, "java", seconds: 0.5),
        ]
        let share = Self.work([Self.record(5)], [Self.record(5)], exits)[5]
        #expect(share?.count == 1)
        #expect(share?.names.first?.commandBytes == Array("java".utf8))
    }

    @Test func whoLivesIsShownItself() {
        let exits = [Self.exit(5, parent: 1, "thread", seconds: 1, thread: 50)]
        #expect(Self.work([Self.record(1), Self.record(5)], [Self.record(1), Self.record(5)], exits).isEmpty)
    }

    /// Rings of parents cannot be, but records can be damaged.
    @Test func ringsEnd() {
        let exits = [Self.exit(20, parent: 21, "a", seconds: 1), Self.exit(21, parent: 20, "b", seconds: 1)]
        #expect(Self.work([], [Self.record(5)], exits).isEmpty)
    }
}

@Suite("Meters of the machine") struct MachineMetersTests {
    private static func times(_ user: UInt64, _ idle: UInt64, stolen: UInt64 = 0) -> MachineSample.CoreTimes {
        var times = MachineSample.CoreTimes()
        times.user = user
        times.idle = idle
        times.stolen = stolen
        return times
    }

    private static func sample(_ total: MachineSample.CoreTimes, cores: [Int]) -> MachineSample {
        var sample = MachineSample()
        sample.total = total
        sample.cores = cores.map { MachineSample.Core(number: $0, times: total) }
        return sample
    }

    @Test func sharesOfTheTimeBetween() {
        let meters = MachineMeters(
            from: Self.sample(Self.times(100, 100), cores: [0, 1]),
            to: Self.sample(Self.times(150, 140, stolen: 10), cores: [0, 2]), seconds: 1)
        #expect(meters.total?.busy == 0.5)
        #expect(meters.total?.stolen == 0.1)
        #expect(meters.processorsUsed == 1)
        // One went off line, another came.
        #expect(meters.cores.map(\.number) == [0])
    }

    @Test func nothingIsKnownFromOneSample() {
        let meters = MachineMeters(from: nil, to: Self.sample(Self.times(1, 1), cores: [0]), seconds: nil)
        #expect(meters.total == nil && meters.cores.isEmpty && meters.processorsUsed == nil)
    }

    /// The kernel's idle times go back at times.
    @Test func stepsBackAreNoTime() {
        let meters = MachineMeters(
            from: Self.sample(Self.times(100, 100), cores: [0]), to: Self.sample(Self.times(110, 90), cores: [0]),
            seconds: 1)
        #expect(meters.total?.busy == 1)
    }

    @Test func aContainersLimitsAreTheMachine() {
        var before = Self.sample(Self.times(0, 0), cores: [0, 1, 2, 3])
        var after = Self.sample(Self.times(100, 100), cores: [0, 1, 2, 3])
        before.bounds = MachineSample.Bounds()
        before.bounds?.ranSeconds = 10
        after.bounds = MachineSample.Bounds()
        after.bounds?.ranSeconds = 11
        after.bounds?.processors = 2
        after.bounds?.memoryLimitBytes = 1000
        after.bounds?.memoryUsedBytes = 900
        after.bounds?.cacheBytes = 300
        let meters = MachineMeters(from: before, to: after, seconds: 2)
        #expect(meters.processorsUsed == 0.5)
        #expect(meters.boundUse == 0.25)
        #expect(meters.memoryUse?.used == 600 && meters.memoryUse?.total == 1000)
        // Of all processors where only its memory has a limit.
        after.bounds?.processors = nil
        #expect(MachineMeters(from: before, to: after, seconds: 2).boundUse == 0.125)
    }
}
