import Model

/// One thread while its trace is read. Each moment of its life goes into exactly one of four sums.
struct ThreadRecord: Sendable {
    enum Mode: UInt8, Sendable {
        /// Nothing has been said of it yet.
        case unseen
        /// It was found running or ready to, or asleep, just before the trace began: what is heard of it first is surer.
        case foundReady
        case foundAsleep
        case running
        case ready
        case blocked
        /// What was lost may have changed it.
        case unknown
        case gone
    }

    var key: ThreadKey
    /// In the order of appearance; never used again.
    let number: Int32
    /// A number of `NameTable`.
    var name: Int32
    /// Whether the trace is about it.
    let isChosen: Bool
    /// Since when it was there; nil: before the trace began.
    private(set) var began: Int?
    private(set) var ended: Int?

    private(set) var mode: Mode
    private(set) var since: Int
    var isExiting = false
    /// Indexes of cores: the one that it ran on last, and the one in whose queue it waits; -1: not known.
    private(set) var core = -1
    var queue = -1
    /// When it was woken while it still ran.
    var wokenAt: Int?
    /// How and where it sleeps now.
    private(set) var sleep: SleepState?
    private var place = BlockReason.noPlace

    private(set) var run = 0
    private(set) var wait = 0
    private(set) var blocked = 0
    private(set) var unknown = 0
    /// To 3 %: a histogram of 7 bits would be 50 KB for each thread.
    private(set) var waits = TimeCounts(bits: 5)
    private(set) var worstWaitAt: Int?
    private(set) var slices = 0
    private(set) var longestSlice = 0
    private(set) var voluntary = 0
    private(set) var involuntary = 0
    private(set) var migrations = 0
    /// By numbers of `BlockReason`.
    private(set) var blockedOn = RankedNames()
    var wokenBy = RankedNames()
    var ranInstead = RankedNames()
    private(set) var lane = TimeLane<StateCell>()

    init(
        _ key: ThreadKey, number: Int32, name: Int32, isChosen: Bool, mode: Mode, at time: Int, isNew: Bool
    ) {
        self.key = key
        self.number = number
        self.name = name
        self.isChosen = isChosen
        self.mode = mode
        since = isNew ? time : 0
        began = isNew ? time : nil
    }

    /// Ends the present stretch of time as what it was, and begins the next.
    private mutating func enter(_ mode: Mode, at time: Int) {
        fill(upTo: time)
        self.mode = mode
    }

    /// Credits the present stretch up to `time`.
    private mutating func fill(upTo time: Int) {
        let length = max(time - since, 0)
        let filling: StateCell.Filling?
        switch mode {
        case .running:
            run += length
            filling = .running
        case .ready, .foundReady:
            wait += length
            filling = .waiting
        case .blocked, .foundAsleep:
            blocked += length
            filling = .blocked
        case .unseen, .unknown:
            unknown += length
            filling = .unknown
        case .gone: filling = nil
        }
        if isChosen, let filling { lane.add(filling, from: since, to: time) }
        since = time
    }

    /// Since when it has been ready to run, without a core; nil where it is not.
    var waitsSince: Int? { mode == .ready || mode == .foundReady ? since : nil }
    /// Whether nothing that it did has been seen.
    var isNew: Bool { mode == .unseen || mode == .foundReady || mode == .foundAsleep }
    private var isBlocked: Bool { mode == .blocked || mode == .foundAsleep }
    /// Whether nothing is lost when it is forgotten until it is heard of again: of others than those that the trace is about nobody asks
    /// how long they slept.
    var onlySleeps: Bool {
        began == nil && (mode == .foundAsleep || mode == .unseen) || !isChosen && mode == .blocked
    }

    // MARK: - What happened

    /// Begins to run.
    /// - Returns: since when it had waited for that, where it had.
    /// - Parameter seesWakeups: whether it would have been seen if it was woken since the trace began.
    mutating func begin(on core: Int, at time: Int, seesWakeups: Bool) -> Int? {
        // It runs elsewhere, as far as is known: when it left is not.
        if mode == .running { mode = .unknown }
        if mode == .foundAsleep, seesWakeups { mode = .foundReady }
        let waiting = waitsSince
        endWait(at: time)
        endBlock(at: time)
        enter(.running, at: time)
        if self.core >= 0, self.core != core { migrations += 1 }
        self.core = core
        queue = -1
        slices += 1
        wokenAt = nil
        return waiting
    }

    /// Gives up its core.
    /// - Parameter start: since when it can have run there, where the first that is heard of it is that it stops.
    mutating func leave(_ leaving: SwitchEvent.Leaving, core: Int, at time: Int, since start: Int) {
        switch mode {
        case .unseen, .foundReady, .foundAsleep:
            fill(upTo: max(since, min(start, time)))
            mode = .running
            slices += 1
        case .running: break
        case .ready, .blocked, .unknown: mode = .unknown
        case .gone: return
        }
        if mode == .running { longestSlice = max(longestSlice, time - since) }
        self.core = core
        switch leaving {
        case .preempted:
            involuntary += 1
            enter(.ready, at: time)
            queue = core
        case .blocked where isExiting: end(at: time)
        case .blocked(let state):
            voluntary += 1
            if let wokenAt, time - wokenAt <= Self.wakingNanoseconds {
                enter(.ready, at: time)
            } else {
                enter(.blocked, at: time)
                queue = -1
            }
            sleep = state
            place = BlockReason.noPlace
        }
        wokenAt = nil
    }

    /// Who is woken on one core while it is just leaving another is seen woken first: the record of the switch comes after the
    /// thread was taken from its queue (kernel/sched/core.c, try_to_wake_up waits for that).
    private static let wakingNanoseconds = 20_000

    /// Becomes ready to run.
    /// - Returns: whether that changed anything.
    mutating func wake(on core: Int, at time: Int) -> Bool {
        switch mode {
        case .unseen, .foundReady, .foundAsleep, .blocked, .unknown:
            // Who is woken for the first time slept until then.
            if mode != .unknown { mode = .blocked }
            endBlock(at: time)
            enter(.ready, at: time)
            queue = core
            return true
        case .running:
            wokenAt = time
            queue = core
            return false
        case .ready, .gone: return false
        }
    }

    /// Was found at the beginning.
    mutating func find(_ state: SleepState?) {
        guard mode == .unseen else { return }
        mode = state == nil ? .foundReady : .foundAsleep
        sleep = state
    }

    /// Was found, but began only now.
    mutating func restart(name: Int32, at time: Int) {
        self = ThreadRecord(
            key, number: number, name: name, isChosen: isChosen, mode: .ready, at: time, isNew: true)
    }

    /// Its records may be missing from `time` on.
    mutating func lose(at time: Int) {
        guard mode != .gone else { return }
        enter(.unknown, at: max(time, since))
    }

    /// Was seen asleep.
    mutating func sample(_ place: Int32, at time: Int) {
        if isBlocked, time >= since { self.place = place }
    }

    mutating func end(at time: Int) {
        guard mode != .gone else { return }
        enter(.gone, at: time)
        ended = time
    }

    /// The trace is over.
    mutating func finish(at time: Int) {
        guard mode != .gone else { return }
        if mode == .running { longestSlice = max(longestSlice, time - since) }
        endWait(at: time)
        endBlock(at: time)
        fill(upTo: time)
    }

    // MARK: - Waits

    private mutating func endWait(at time: Int) {
        guard waitsSince != nil else { return }
        let length = max(time - since, 0)
        if length > waits.longest { worstWaitAt = since }
        waits.add(length)
    }

    /// Notes what it was blocked on until `time`.
    private mutating func endBlock(at time: Int) {
        guard isBlocked else { return }
        blockedOn.add(BlockReason(sleep, place: place).number, weight: max(time - since, 0))
    }
}

/// What a thread was blocked on: how it slept, and where it was seen asleep, in one number.
struct BlockReason: Hashable, Sendable {
    static let noPlace: Int32 = -1
    let state: SleepState?
    /// Index of the places that were seen.
    let place: Int32

    init(_ state: SleepState?, place: Int32) {
        self.state = state
        self.place = place
    }

    init(number: Int32) {
        place = number / 8 - 1
        state = number % 8 == 0 ? nil : SleepState(rawValue: UInt8(number % 8 - 1))
    }

    var number: Int32 { (place + 1) * 8 + (state.map { Int32($0.rawValue) + 1 } ?? 0) }
}
