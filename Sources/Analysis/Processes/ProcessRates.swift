package import Model

/// What a process did between two looks, per second of that time. A part that was not read both times is nil.
package struct ProcessRates: Hashable, Sendable {
    /// 100 is one processor, all the time.
    package var cpuPercent: Double
    /// What its children did that came and went between the looks; part of `cpuPercent` once `add` was called.
    package private(set) var shortLived: ShortLivedWork.Share?
    /// The share of the time that it was ready to run and no processor was free; of the main thread, or of the thread.
    package var waitPercent: Double?
    package var voluntarySwitches: Double?
    package var involuntarySwitches: Double?
    package var minorFaults: Double
    package var majorFaults: Double
    /// The share of the time that it waited for storage, and for its memory to come back from swap; of the main thread, or of the
    /// thread.
    package var storageDelayPercent: Double?
    package var swapDelayPercent: Double?
    package var readBytes: Double?
    package var writtenBytes: Double?
    /// Below zero when it gave memory back.
    package var residentBytes: Double

    /// nil where the two are not the same process, or no time passed.
    package init?(from before: ProcessRecord, to after: ProcessRecord, seconds: Double, facts: MachineFacts) {
        guard seconds > 0, before.stat.pid == after.stat.pid, before.stat.startTicks == after.stat.startTicks else {
            return nil
        }
        func rate(_ first: UInt64, _ second: UInt64) -> Double { Double(second &- min(first, second)) / seconds }
        func rate(_ first: UInt64?, _ second: UInt64?) -> Double? {
            guard let first, let second else { return nil }
            return rate(first, second)
        }
        let ticks = rate(
            before.stat.userTicks &+ before.stat.systemTicks, after.stat.userTicks &+ after.stat.systemTicks)
        cpuPercent = ticks * 100 / Double(max(facts.ticksPerSecond, 1))
        waitPercent = rate(before.runTimes?.waited, after.runTimes?.waited).map { $0 / 1e7 }
        voluntarySwitches = rate(before.status?.voluntarySwitches, after.status?.voluntarySwitches)
        involuntarySwitches = rate(before.status?.involuntarySwitches, after.status?.involuntarySwitches)
        minorFaults = rate(before.stat.minorFaults, after.stat.minorFaults)
        majorFaults = rate(before.stat.majorFaults, after.stat.majorFaults)
        // Where the kernel counts no delays they are 0 for ever.
        if facts.countsDelays ?? (after.stat.storageDelayTicks > 0) {
            let ticks = rate(before.stat.storageDelayTicks, after.stat.storageDelayTicks)
            storageDelayPercent = ticks * 100 / Double(max(facts.ticksPerSecond, 1))
        }
        if facts.countsDelays ?? ((after.swapDelay ?? 0) > 0) {
            swapDelayPercent = rate(before.swapDelay, after.swapDelay).map { $0 / 1e7 }
        }
        readBytes = rate(before.io?.readBytes, after.io?.readBytes)
        writtenBytes = rate(before.io?.writtenBytes, after.io?.writtenBytes)
        let pages = Double(after.stat.residentPages) - Double(before.stat.residentPages)
        residentBytes = pages * Double(facts.pageBytes) / seconds
    }

    /// Counts what short-lived children did as the process's own.
    package mutating func add(_ share: ShortLivedWork.Share) {
        shortLived = share
        cpuPercent += share.cpuPercent
    }

    /// Of what no process can be charged with: interrupts, and processes that cannot be seen.
    package init(unattributedPercent: Double) {
        cpuPercent = unattributedPercent
        minorFaults = 0
        majorFaults = 0
        residentBytes = 0
    }

    /// The rates of every record of `after`, in its order. Both stand in ascending order of their numbers. A process that was not
    /// there before did all that it has done in this time.
    package static func aligned(
        _ before: [ProcessReading], _ after: [ProcessReading], seconds: Double, facts: MachineFacts
    ) -> [ProcessRates?] {
        var result: [ProcessRates?] = []
        result.reserveCapacity(after.count)
        var place = 0
        for index in after.indices {
            let pid = after[index].stat.pid
            while place < before.count, before[place].stat.pid < pid { place += 1 }
            if place < before.count, before[place].stat.pid == pid,
                before[place].stat.startTicks == after[index].stat.startTicks
            {
                result.append(
                    ProcessRates(
                        from: before[place].record, to: after[index].record, seconds: seconds, facts: facts))
            } else {
                var start = ProcessStat()
                start.pid = pid
                start.startTicks = after[index].stat.startTicks
                result.append(
                    ProcessRates(
                        from: ProcessRecord(stat: start, processID: pid), to: after[index].record, seconds: seconds,
                        facts: facts))
            }
        }
        return result
    }

    /// The rates of every record of `after` that was there before.
    package static func between(
        _ before: [ProcessRecord], _ after: [ProcessRecord], seconds: Double, facts: MachineFacts
    ) -> [Int32: ProcessRates] {
        let earlier = Dictionary(before.map { ($0.stat.pid, $0) }) { first, _ in first }
        var result: [Int32: ProcessRates] = [:]
        for record in after {
            guard let before = earlier[record.stat.pid] else { continue }
            result[record.stat.pid] = ProcessRates(from: before, to: record, seconds: seconds, facts: facts)
        }
        return result
    }
}
