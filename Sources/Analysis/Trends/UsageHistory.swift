package import Model

/// What one process has used while it was watched: one bounded series for each figure.
package struct UsageHistory: Sendable {
    package enum Figure: String, CaseIterable, Hashable, Sendable {
        case resident, anonymous, heap, swapped, descriptors, threads

        /// What is counted in bytes, by pages.
        package var isMemory: Bool { self != .descriptors && self != .threads }
    }

    private var series: [Figure: TimeSeries] = [:]
    package private(set) var first: ProcessSample?
    package private(set) var last: ProcessSample?
    package private(set) var firstSeconds = 0.0
    package private(set) var lastSeconds = 0.0
    package private(set) var sampleCount = 0

    package init() {}

    /// - Parameter seconds: of any clock that does not jump; later than those before.
    package mutating func append(_ sample: ProcessSample, at seconds: Double) {
        if first == nil { (first, firstSeconds) = (sample, seconds) }
        (last, lastSeconds) = (sample, seconds)
        sampleCount += 1
        for figure in Figure.allCases {
            guard let value = UsageHistory.value(figure, of: sample) else { continue }
            series[figure, default: TimeSeries(grain: figure.isMemory ? 4096 : 1)].append(Double(value), at: seconds)
        }
    }

    package static func value(_ figure: Figure, of sample: ProcessSample) -> UInt64? {
        switch figure {
        case .resident: sample.residentBytes
        case .anonymous: sample.anonymousBytes
        case .heap: sample.heapBytes
        case .swapped: sample.swappedBytes
        case .descriptors: sample.descriptors
        case .threads: sample.threads
        }
    }

    /// nil where the figure was never known.
    package func series(of figure: Figure) -> TimeSeries? { series[figure] }

    /// As it was last known: a process that is being taken apart has no memory any more.
    package func last(_ figure: Figure) -> UInt64? { series[figure]?.last.map { UInt64($0) } }

    /// nil where the figure was never known.
    package func trend(of figure: Figure) -> Trend? { series[figure].map { Trend($0) } }

    package func trends() -> [Figure: Trend] { series.mapValues { Trend($0) } }

    /// Faults per second over the whole watch; nil where they are not known or no time passed.
    package var faultRates: (minor: Double, major: Double)? {
        let seconds = lastSeconds - firstSeconds
        guard seconds > 0, let first, let last, let minor = first.minorFaults, let major = first.majorFaults,
            let lastMinor = last.minorFaults, let lastMajor = last.majorFaults
        else { return nil }
        return (
            Double(lastMinor &- min(minor, lastMinor)) / seconds, Double(lastMajor &- min(major, lastMajor)) / seconds
        )
    }
}

/// What a memory control group has held while it was watched.
package struct GroupHistory: Sendable {
    /// What cannot be given back.
    package private(set) var held = TimeSeries(grain: 4096)
    package private(set) var first: MemoryGroupSample?
    package private(set) var last: MemoryGroupSample?
    /// When the kernel was last seen to have ended a process of it for lack of memory.
    package private(set) var lastKillSeconds: Double?

    package init() {}

    /// - Parameter isInUse: a target is in it; what it holds after that is of no interest.
    package mutating func append(_ sample: MemoryGroupSample, at seconds: Double, isInUse: Bool = true) {
        if let before = last?.outOfMemoryKills, let after = sample.outOfMemoryKills, after > before {
            lastKillSeconds = seconds
        }
        first = first ?? sample
        guard isInUse else {
            last?.outOfMemoryKills = sample.outOfMemoryKills
            return
        }
        last = sample
        if let bytes = sample.heldBytes { held.append(Double(bytes), at: seconds) }
    }

    /// How many processes the kernel ended in it meanwhile; nil where that is not counted.
    package var newOutOfMemoryKills: UInt64? {
        guard let before = first?.outOfMemoryKills, let after = last?.outOfMemoryKills else { return nil }
        return after - min(before, after)
    }

    package var forecast: Forecast? {
        Forecast(
            Trend(held), level: last?.heldBytes.map { Double($0) }, limit: last?.limitBytes.map { Double($0) })
    }

    /// The share of the limit that is in use; nil without a limit.
    package var share: Double? {
        guard let limit = last?.limitBytes, limit > 0, let held = last?.heldBytes else { return nil }
        return Double(held) / Double(limit)
    }
}
