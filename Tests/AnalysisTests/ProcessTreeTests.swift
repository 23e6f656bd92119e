import Model
import Testing

@testable import Analysis

@Suite("Process tree") struct ProcessTreeTests {
    private func record(
        _ pid: Int32, _ parent: Int32, start: UInt64 = 0, state: Character = "S", lastRan: Double? = nil
    ) -> ProcessRecord {
        var stat = ProcessStat()
        stat.pid = pid
        stat.parent = parent
        stat.startTicks = start
        stat.state = state.asciiValue ?? 0
        var record = ProcessRecord(stat: stat, processID: pid)
        record.lastRanSeconds = lastRan
        return record
    }

    @Test("Children stand under their parents, the eldest first") func family() throws {
        let tree = ProcessTree(
            [record(30, 1, start: 5), record(1, 0), record(20, 1, start: 9), record(40, 30, start: 7)], now: nil)
        let root = try #require(tree.index(of: 1))
        #expect(tree.roots == [root])
        #expect(tree.nodes[root].children.map { tree.nodes[$0].record.processID } == [30, 20])
        #expect(tree.nodes[root].size == 4)
        let leaf = try #require(tree.index(of: 40))
        #expect(tree.ancestors(of: leaf).map { tree.nodes[$0].record.processID } == [30, 1])
        #expect(tree.family(of: root).map { tree.nodes[$0].record.processID } == [1, 30, 40, 20])
    }

    @Test("Processes whose parent cannot be seen are roots") func orphans() {
        let tree = ProcessTree([record(5, 4), record(7, 6), record(1, 0)], now: nil)
        #expect(tree.roots.count == 3)
    }

    /// Files of /proc are read one after the other: a number may have gone to another process between.
    @Test("Rings and parents younger than their children are taken apart") func rings() {
        let own = ProcessTree([record(5, 5)], now: nil)
        #expect(own.roots == [0])
        let pair = ProcessTree([record(5, 6, start: 1), record(6, 5, start: 1)], now: nil)
        #expect(pair.roots.count == 1)
        #expect(pair.family(of: pair.roots[0]).count == 2)
        let reused = ProcessTree([record(5, 6, start: 1), record(6, 1, start: 9)], now: nil)
        #expect(reused.roots.count == 2)
    }

    @Test("A chain of a hundred thousand") func deep() throws {
        let tree = ProcessTree((1...100_000).map { record($0, $0 - 1, start: UInt64($0)) }, now: nil)
        #expect(tree.nodes[tree.roots[0]].size == 100_000)
        #expect(tree.ancestors(of: try #require(tree.index(of: 100_000))).count == 99_999)
        #expect(tree.family(of: tree.roots[0]).count == 100_000)
    }

    @Test("Zombies and long sleeps in the kernel need a look, short ones and kernel threads do not") func concerns() {
        var thread = record(5, 2, state: "D", lastRan: 1)
        thread.stat.flags = 0x0020_0000
        let tree = ProcessTree(
            [
                record(1, 0), record(2, 1, start: 1, state: "Z"), record(3, 1, start: 1, state: "D", lastRan: 59),
                record(4, 1, start: 1, state: "D", lastRan: 19), thread, record(6, 1, start: 2, state: "D"),
            ], now: 60)
        func concern(_ pid: Int32) -> ProcessTree.Concern? { tree.index(of: pid).flatMap { tree.nodes[$0].concern } }
        #expect(concern(1) == nil && concern(3) == nil && concern(5) == nil)
        #expect(concern(2) == .zombie)
        #expect(concern(4) == .stuck(seconds: 41))
        #expect(concern(6) == .stuck(seconds: nil))
        #expect(tree.index(of: 1).map { tree.nodes[$0].concerns } == 3)
    }

    @Test("Rates: only of the same process, and only of what was read twice") func rates() throws {
        var facts = MachineFacts()
        facts.ticksPerSecond = 100
        var before = record(7, 1, start: 3)
        before.runTimes = ProcessRecord.RunTimes(ran: 0, waited: 0, slices: 0)
        var after = before
        after.stat.userTicks = 100
        after.stat.systemTicks = 50
        after.stat.residentPages = 10
        after.runTimes = ProcessRecord.RunTimes(ran: 0, waited: 500_000_000, slices: 9)
        let rates = try #require(ProcessRates(from: before, to: after, seconds: 2, facts: facts))
        #expect(rates.cpuPercent == 75)
        #expect(rates.waitPercent == 25)
        #expect(rates.residentBytes == 20480)
        #expect(rates.voluntarySwitches == nil && rates.readBytes == nil)
        #expect(ProcessRates(from: after, to: before, seconds: 2, facts: facts)?.cpuPercent == 0)
        // Where the kernel counts no delays, none is known to have been none.
        #expect(rates.storageDelayPercent == nil && rates.swapDelayPercent == nil)
        facts.countsDelays = true
        after.stat.storageDelayTicks = 50
        (before.swapDelay, after.swapDelay) = (1_000_000_000, 1_500_000_000)
        let delays = try #require(ProcessRates(from: before, to: after, seconds: 2, facts: facts))
        #expect(delays.storageDelayPercent == 25 && delays.swapDelayPercent == 25)
        after.stat.startTicks = 4
        #expect(ProcessRates(from: before, to: after, seconds: 2, facts: facts) == nil)
        #expect(ProcessRates(from: before, to: before, seconds: 0, facts: facts) == nil)
    }

    @Test("A search: name, path, arguments; exactly; without capitals") func search() throws {
        var redis = record(9, 1)
        redis.stat.commandBytes = Array("redis-server".utf8)
        redis.executable = Array("/opt/bin/redis-check".utf8)
        let line = Array("./cpu --redis".utf8)
        func place(
            _ pattern: String?, _ scope: ProcessSearch.Scope = .everywhere, exact: Bool = false, anyCase: Bool = false
        ) throws -> ProcessSearch.Place? {
            try ProcessSearch(pattern, scope: scope, isExact: exact, ignoresCase: anyCase)
                .place(in: redis, commandLine: line)
        }
        #expect(try place("redis") == .name)
        #expect(try place("check$") == .path)
        #expect(try place("./cpu") == .arguments)
        #expect(try place("redis", .arguments) == .arguments)
        #expect(try place("server", .arguments) == nil)
        #expect(try place("redis", .names, exact: true) == nil)
        #expect(try place("redis-check", .names, exact: true) == .path)
        #expect(try place("REDIS-SERVER") == nil)
        #expect(try place("REDIS-SERVER", anyCase: true) == .name)
        #expect(try place(nil) == .name)
        #expect(ProcessSearch.ancestry(of: 9) { [9: 5, 5: 1, 1: 0][$0] } == [9, 5, 1])
        #expect(ProcessSearch.ancestry(of: 9) { [9: 5, 5: 9][$0] } == [9, 5])
    }
}
