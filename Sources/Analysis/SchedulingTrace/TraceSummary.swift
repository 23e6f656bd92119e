package import Model

/// What a trace says of every thread and core. Times are nanoseconds; nil: not known.
package struct TraceSummary: Sendable {
    package var header: TraceHeader
    package var nanoseconds: Int
    /// Records that were lost: then what was seen is a lower bound.
    package var lost: UInt64
    /// Those that the trace is about: who waited longest first, then who ran longest.
    package var threads: [ThreadSchedule]
    /// Those that had to make room for others: their sums.
    package var folded = FoldedThreads()
    /// Empty where single switches were not seen.
    package var cores: [CoreUse] = []
    /// Of `Occupant.name`.
    package var names: [CommandName] = []
    package var gaps: [Gap]

    /// Over all threads that the trace is about; nil where it is not known of one of them.
    package var wait: Int? {
        let known = threads.compactMap(\.wait)
        return known.count == threads.count ? known.reduce(folded.wait, +) : nil
    }
    /// What is sure of it.
    package var waitAtLeast: Int { threads.reduce(folded.wait) { $0 + $1.waitAtLeast } }
    /// nil where it is known of none.
    package var run: Int? {
        let known = threads.compactMap(\.run)
        return known.isEmpty && !threads.isEmpty ? nil : known.reduce(folded.run, +)
    }

    /// Who had their cores while they waited, over all of them.
    package var ranInstead: Ranking<ThreadSchedule.Rival> {
        Ranking.merged(threads.map(\.ranInstead)) {
            $0.name == $1.name
        } by: { one, other in
            var one = one
            if one.pid != other.pid { one.pid = nil }
            one.nanoseconds += other.nanoseconds
            return one
        } weight: {
            $0.nanoseconds
        }
    }
}

/// The first of many by weight, and what the others had together.
package struct Ranking<Item: Hashable & Sendable>: Hashable, Sendable {
    package var items: [Item] = []
    package var rest = 0

    package init(items: [Item] = [], rest: Int = 0) {
        self.items = items
        self.rest = rest
    }

    /// Puts alike of several rankings together.
    static func merged(
        _ rankings: [Ranking], alike: (Item, Item) -> Bool, by join: (Item, Item) -> Item, weight: (Item) -> Int
    ) -> Ranking {
        var result = Ranking()
        for ranking in rankings {
            result.rest += ranking.rest
            for item in ranking.items {
                if let index = result.items.firstIndex(where: { alike($0, item) }) {
                    result.items[index] = join(result.items[index], item)
                } else {
                    result.items.append(item)
                }
            }
        }
        result.items.sort { weight($0) > weight($1) }
        return result
    }
}

/// What one thread did.
package struct ThreadSchedule: Sendable {
    /// By name and process: who woke it.
    package struct Waker: Hashable, Sendable {
        package var who: Who
        /// nil: of several processes.
        package var pid: Int32?
        package var times: Int

        package enum Who: Hashable, Sendable {
            case command(CommandName)
            /// An interrupt: a timer, a device.
            case interrupt
        }
    }

    /// By name: who ran on the core that it waited for.
    package struct Rival: Hashable, Sendable {
        /// nil: nobody, the core was idle.
        package var name: CommandName?
        /// nil: several processes.
        package var pid: Int32?
        package var nanoseconds: Int
    }

    /// What it waited for while it was blocked.
    package struct Reason: Hashable, Sendable {
        package var state: SleepState?
        /// The kernel's function; nil where it was not seen.
        package var channel: String?
        package var call: String?
        package var nanoseconds: Int
        package var times: Int
    }

    package var key: ThreadKey
    /// Its last one.
    package var command: CommandName
    /// Its place in the order of appearance, for `Occupant.thread`.
    package var number: Int32
    package var run: Int?
    /// Ready to run, without a core.
    package var wait: Int?
    /// What is sure of it: where wake-ups were not seen, the waits after another took its core.
    package var waitAtLeast = 0
    /// How long it was until it ran, each time that it became ready and that was seen.
    package var waits: TimeSummary?
    /// Whether `waits` are only those after another took its core.
    package var waitsArePreempted = false
    /// When the worst of them began.
    package var worstWaitAt: Int?
    package var blocked: Int?
    /// Where wake-ups were not seen: blocked, or woken and not yet on a core.
    package var blockedAtMost: Int?
    /// It was there, and what it did was not seen: before its first record, or after a loss.
    package var unknown: Int?
    package var voluntary: Int?
    package var involuntary: Int?
    /// How often it began to run on another core than before; of `.schedstat` the kernel's count of moves.
    package var migrations: Int?
    /// How often it ran; those that the trace's ends cut count too.
    package var slices: Int?
    package var longestSlice: Int?
    package var blockedOn = Ranking<Reason>()
    package var wokenBy = Ranking<Waker>()
    package var ranInstead = Ranking<Rival>()
    /// When it came and went; nil where it was there before, or after.
    package var began: Int?
    package var ended: Int?
    package var lane = TimeLane<StateCell>()

    /// The mean of a slice; nil without one.
    package var meanSlice: Double? {
        guard let run, let slices, slices > 0 else { return nil }
        return Double(run) / Double(slices)
    }

    /// What part of the time in which it was ready to run it had no core.
    package var waitShare: Double? {
        guard let wait, let run, wait + run > 0 else { return nil }
        return Double(wait) / Double(wait + run)
    }
}

/// Threads that had ended and did least, or were found asleep and slept on: more than are told apart.
package struct FoldedThreads: Hashable, Sendable {
    package var count = 0
    package var run = 0
    package var wait = 0
    package var voluntary = 0
    package var involuntary = 0
}

extension Sequence<CoreUse> {
    /// The part of their time that cores were busy; where more than a twentieth of it is not known, at least that. nil where nothing is.
    package var busyShare: (share: Double, isAtLeast: Bool)? {
        let (busy, idle, unknown) = reduce((0, 0, 0)) { ($0.0 + $1.busy, $0.1 + $1.idle, $0.2 + $1.unknown) }
        guard busy + idle > 0 else { return nil }
        guard unknown > (busy + idle + unknown) / 20 else { return (Double(busy) / Double(busy + idle), false) }
        return (Double(busy) / Double(busy + idle + unknown), true)
    }
}

/// What one core did.
package struct CoreUse: Sendable {
    package var number: Int
    package var busy = 0
    package var idle = 0
    /// Between two threads, or not seen.
    package var unknown = 0
    package var lane = TimeLane<OccupantCell>()
}
