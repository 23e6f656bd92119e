/// A number that an explanation shows live: of this machine, or (`own…`) of one process: nusu itself, or the one that is asked
/// about.
package enum ExplainFact: String, CaseIterable, Hashable, Sendable {
    case processes, threads, kernelThreads, zombies, adopted, runningNow
    case pidLimit, lastPID, forksSinceBoot, cores, idleShare, firstProcess, kernelRelease
    case switchesPerSecond, roundRobinSlice, autogroup, unixSockets, sharedSegments
    case ownPID, ownParent, ownSession, ownGroup, ownForegroundGroup, ownNice
    case ownReserved, ownResident, ownAnonymous, ownMappings, pageSize
    case ownStack, ownStackLimit, ownHeap, ownData, ownBss
    case ownVoluntarySwitches, ownInvoluntarySwitches, ownStatusLines, ownCaught
    case ownThreads, ownChildren, ownZombies, ownState, ownInnerPID
    case ownIgnored, ownBlocked, ownPending
    case ownSwitchesPerSecond, ownPolicy, ownSlice, ownProcessor, ownPriority, ownAutogroupNice
    case ownSockets, ownPipes, ownSharedRegions

    package var isOfProcess: Bool { rawValue.hasPrefix("own") }

    /// The file that it is from; `self` stands for the process.
    package var source: String {
        switch self {
        case .processes, .threads, .kernelThreads, .zombies, .adopted: "/proc/*/stat"
        case .runningNow, .lastPID: "/proc/loadavg"
        case .pidLimit: "/proc/sys/kernel/pid_max"
        case .forksSinceBoot, .cores, .idleShare, .switchesPerSecond: "/proc/stat"
        case .firstProcess: "/proc/1/stat"
        case .kernelRelease: "/proc/sys/kernel/osrelease"
        case .roundRobinSlice: "/proc/sys/kernel/sched_rr_timeslice_ms"
        case .autogroup: "/proc/sys/kernel/sched_autogroup_enabled"
        case .unixSockets: "/proc/net/unix"
        case .sharedSegments: "/proc/sysvipc/shm"
        case .ownPID, .ownParent, .ownSession, .ownGroup, .ownForegroundGroup, .ownNice, .ownThreads, .ownState,
            .ownPolicy, .ownProcessor, .ownPriority:
            "/proc/self/stat"
        case .ownChildren: "/proc/self/task/*/children"
        case .ownZombies: "/proc/*/stat"
        case .ownSwitchesPerSecond: "/proc/self/task/*/status"
        case .ownSlice: "/proc/self/sched"
        case .ownAutogroupNice: "/proc/self/autogroup"
        case .ownSockets, .ownPipes: "/proc/self/fd"
        case .ownReserved, .ownResident, .ownAnonymous, .ownVoluntarySwitches, .ownInvoluntarySwitches,
            .ownStatusLines, .ownCaught, .ownIgnored, .ownBlocked, .ownPending, .ownInnerPID:
            "/proc/self/status"
        case .ownSharedRegions, .ownMappings, .ownStack, .ownHeap, .ownData, .ownBss: "/proc/self/maps"
        case .pageSize: "getconf PAGESIZE"
        case .ownStackLimit: "/proc/self/limits"
        }
    }
}

/// What a fact is, with its unit.
package enum ExplainValue: Hashable, Sendable {
    case count(UInt64)
    case number(Int64)
    case bytes(UInt64)
    case seconds(Double)
    case perSecond(Double)
    /// 0 to 1.
    case share(Double)
    case address(UInt64)
    case range(AddressRange)
    /// Not escaped.
    case text(String)
}

/// A line of what a demonstration has shown; the words are Report's, in the user's language.
package struct DemonstrationLine: Hashable, Sendable {
    package enum Event: String, CaseIterable, Hashable, Sendable {
        case forked, sharedBefore, sharedAfter
        case childEnded, zombieState, reaped
        case orphanBefore, orphanAfter
        case residentAtStart, lostBlocks, freedByEnd
        case pingPong, pingPongSwitches
        case signalCaught, signalKilled, stoppedByKey
        case busyShare, turnShare, turnsEnded
        case codeAt, dataAt, bssAt, heapAt, stackAt
        case impossible
    }

    package let event: Event
    package let values: [ExplainValue]

    package init(_ event: Event, _ values: ExplainValue...) {
        self.event = event
        self.values = values
    }
}
