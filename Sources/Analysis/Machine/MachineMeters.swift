package import Model

/// How busy the machine was between two samples, and what it has.
package struct MachineMeters: Hashable, Sendable {
    /// Of one processor or of all: shares of the time between, which add up to 1 with the idle rest.
    package struct Use: Hashable, Sendable {
        package var user: Double = 0
        package var nice: Double = 0
        package var system: Double = 0
        package var interrupts: Double = 0
        package var stolen: Double = 0
        /// Idle, and something waited for storage: not part of `busy`.
        package var ioWait: Double = 0

        /// What ran here; not what the hypervisor gave to others.
        package var busy: Double { user + nice + system + interrupts }

        package init() {}

        /// nil where no time passed.
        init?(_ before: MachineSample.CoreTimes, _ after: MachineSample.CoreTimes) {
            // The kernel's idle times can go back a little; a step back is no time.
            func step(_ part: KeyPath<MachineSample.CoreTimes, UInt64>) -> Double {
                Double(after[keyPath: part] &- min(before[keyPath: part], after[keyPath: part]))
            }
            let parts: [Double] = [
                step(\.user), step(\.nice), step(\.system), step(\.interrupts), step(\.stolen), step(\.ioWait),
            ]
            let all = parts.reduce(step(\.idle), +)
            guard all > 0 else { return nil }
            user = parts[0] / all
            nice = parts[1] / all
            system = parts[2] / all
            interrupts = parts[3] / all
            stolen = parts[4] / all
            ioWait = parts[5] / all
        }
    }

    package struct CoreUse: Hashable, Sendable {
        package var number: Int
        package var use: Use
    }

    /// The later of the two samples.
    package let sample: MachineSample
    /// Of all processors together; nil without an earlier sample.
    package private(set) var total: Use?
    /// Of those that were on line both times.
    package private(set) var cores: [CoreUse] = []
    /// In a container with limits: the share that it used of the processors' worth of time that it may have; nil where that is not
    /// counted.
    package private(set) var boundUse: Double?
    /// Processor time that was used between the two, in processors: of the container where its limits are known, else of the
    /// machine with its interrupts.
    package private(set) var processorsUsed: Double?

    package init(from before: MachineSample?, to after: MachineSample, seconds: Double?) {
        sample = after
        guard let before, let seconds, seconds > 0 else { return }
        if let first = before.total, let second = after.total { total = Use(first, second) }
        let earlier = Dictionary(before.cores.map { ($0.number, $0.times) }) { first, _ in first }
        cores = after.cores.compactMap { core in
            earlier[core.number].flatMap { Use($0, core.times) }.map { CoreUse(number: core.number, use: $0) }
        }
        if let total { processorsUsed = total.busy * Double(max(after.cores.count, 1)) }
        if let first = before.bounds?.ranSeconds, let second = after.bounds?.ranSeconds {
            let used = max(0, second - first) / seconds
            processorsUsed = used
            if processorsAllowed > 0 { boundUse = used / processorsAllowed }
        }
    }

    /// Processors' worth of time that can be had: those that are on line, or what the container may have of them.
    package var processorsAllowed: Double { sample.bounds?.processors ?? Double(max(sample.cores.count, 1)) }

    /// Memory in use that nothing gives back by itself, and the whole: of the container where it has a limit.
    package var memoryUse: (used: UInt64, cache: UInt64, total: UInt64)? {
        if let bounds = sample.bounds, let limit = bounds.memoryLimitBytes, let used = bounds.memoryUsedBytes {
            let cache = min(bounds.cacheBytes ?? 0, used)
            return (used - cache, cache, limit)
        }
        guard let memory = sample.memory else { return nil }
        let used = memory.totalBytes - min(memory.availableBytes, memory.totalBytes)
        return (used, min(memory.cacheBytes, memory.totalBytes - used), memory.totalBytes)
    }

    package var swapUse: (used: UInt64, total: UInt64)? {
        guard let memory = sample.memory, memory.swapTotalBytes > 0 else { return nil }
        return (memory.swapTotalBytes - min(memory.swapFreeBytes, memory.swapTotalBytes), memory.swapTotalBytes)
    }
}
