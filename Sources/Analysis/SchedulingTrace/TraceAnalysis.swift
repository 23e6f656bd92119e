package import Model

/// Follows every thread and every core through a trace, event by event, in a bounded space (the README here has the rules).
package struct TraceAnalysis: Sendable {
    /// More than any kernel runs on today is not looked at.
    static let maximumCores = 4096
    /// Later times are no times of a trace: eleven days.
    private static let maximumTime = Workload.maximumTotal
    private static let maximumPlaces = 4096

    struct Place: Hashable, Sendable {
        var channel: String?
        var call: String?
    }

    let header: TraceHeader
    private(set) var now = 0
    private(set) var lost: UInt64 = 0
    var names = NameTable()
    var threads = ThreadTable()
    var cores: [CoreRecord] = []
    /// Index in `cores` by the kernel's number; -1 for one that was not watched.
    private var coreIndexes: [Int]
    /// Processes of `.command`.
    private var family: Set<Int32> = []
    var places: [Place] = []
    private var placeNumbers: [Place: Int32] = [:]

    package init(_ header: TraceHeader) {
        self.header = header
        coreIndexes = [Int](repeating: -1, count: min((header.cores.max() ?? -1) + 1, 65_536))
        for number in header.cores.prefix(Self.maximumCores) where coreIndexes.indices.contains(number) {
            coreIndexes[number] = cores.count
            cores.append(CoreRecord(number))
        }
        switch header.scope {
        case .machine: break
        case .process(let process), .command(let process): family = [process.pid]
        }
    }

    // MARK: - Events

    package mutating func add(_ batch: TraceBatch) {
        var waits = batch.waits[...]
        for event in batch.events {
            while let wait = waits.first, wait.time < event.time {
                add(wait)
                waits.removeFirst()
            }
            add(event)
        }
        for wait in waits { add(wait) }
    }

    package mutating func add(_ event: SwitchEvent) {
        // Whatever a damaged file says: time does not go back.
        now = max(now, Int(min(event.time, UInt64(Self.maximumTime))))
        let core = Int(event.core) < coreIndexes.count ? coreIndexes[Int(event.core)] : -1
        switch event.kind {
        case .switchIn(let key): begin(key, core)
        case .switchOut(let key, let leaving): leave(key, leaving, core)
        case .wakeup(let key, let waker): wake(key, waker, core)
        case .migration(let key):
            if let index = threads.find(key), threads[index].mode == .ready { threads[index].queue = core }
        case .fork(let parent, let child): fork(parent, child)
        case .exit(let key): exit(key)
        case .name(let key, let name):
            let number = names.number(name)
            if let index = index(key) { threads[index].name = number }
        case .found(let key, let state):
            if let index = index(key) { threads[index].find(state) }
        case .lost(let count):
            lost = lost.addingReportingOverflow(count).overflow ? .max : lost + count
            lose(core)
        }
        if core >= 0 { cores[core].lastEvent = now }
    }

    private mutating func add(_ wait: WaitSample) {
        guard let index = threads.find(wait.thread), threads[index].mode != .gone else { return }
        let place = Place(channel: wait.channel, call: wait.call)
        guard place.channel != nil || place.call != nil else { return }
        let number: Int32
        if let known = placeNumbers[place] {
            number = known
        } else {
            guard places.count < Self.maximumPlaces else { return }
            number = Int32(places.count)
            places.append(place)
            placeNumbers[place] = number
        }
        threads[index].sample(number, at: Int(min(wait.time, UInt64(Self.maximumTime))))
    }

    /// The record of a thread, made where there is none.
    private mutating func index(_ key: ThreadKey) -> Int? {
        if let index = threads.find(key) {
            if threads[index].mode != .gone {
                if threads[index].key.pid == 0 { threads[index].key.pid = key.pid }
                return index
            }
            return threads.add(
                key, name: NameTable.unknown, isChosen: isChosen(key), mode: .unseen, at: now, isNew: true)
        }
        return threads.add(key, name: NameTable.unknown, isChosen: isChosen(key), mode: .unseen, at: now, isNew: false)
    }

    private func isChosen(_ key: ThreadKey) -> Bool {
        switch header.scope {
        case .machine: true
        case .process, .command: family.contains(key.pid)
        }
    }

    private mutating func fork(_ parent: ThreadKey, _ child: ThreadKey) {
        if case .command = header.scope, family.contains(parent.pid), child.pid > 0 { family.insert(child.pid) }
        let name = threads.find(parent).map { threads[$0].name } ?? NameTable.unknown
        // It may have been found before this record of its beginning was read.
        if let index = threads.find(child), threads[index].mode != .gone {
            if threads[index].slices == 0 { threads[index].restart(name: name, at: now) }
            return
        }
        _ = threads.add(child, name: name, isChosen: isChosen(child), mode: .ready, at: now, isNew: true)
    }

    private mutating func exit(_ key: ThreadKey) {
        guard let index = threads.find(key) else { return }
        threads[index].isExiting = true
        // The kernel takes a thread's own records away before it leaves its core for the last time.
        if header.source == .ownThreads { end(index) }
        if key.pid == key.tid, case .command(let process) = header.scope, key.pid != process.pid {
            family.remove(key.pid)
        }
    }

    private mutating func end(_ index: Int) {
        if threads[index].mode == .running, threads[index].core >= 0 {
            let core = threads[index].core
            if case .thread(let key) = cores[core].occupant, threads.find(key) == index {
                closeSpan(core, of: .thread(key))
                cores[core].occupant = .none
            }
        }
        threads[index].end(at: now)
    }

    // MARK: - Switches

    private mutating func begin(_ key: ThreadKey, _ core: Int) {
        guard core >= 0 else { return }
        let before = cores[core].occupant
        closeSpan(core, of: before)
        // Whoever was there has left without a record of its own: for the last time, or that record was lost.
        if case .thread(let old) = before, old.tid != key.tid, let index = threads.find(old),
            threads[index].core == core
        {
            if threads[index].isExiting {
                threads[index].end(at: now)
            } else if threads[index].mode == .running {
                threads[index].lose(at: now)
            }
        }
        if key.isIdle {
            cores[core].occupant = .idle
            return
        }
        cores[core].occupant = .thread(key)
        guard let index = index(key) else { return }
        let queue = threads[index].queue
        guard let start = threads[index].begin(on: core, at: now, seesWakeups: header.wakeupsSeen),
            threads[index].isChosen, start < now
        else { return }
        credit(from: start, in: queue >= 0 ? queue : core, to: index)
    }

    /// Notes who had a core while a thread waited for it.
    private mutating func credit(from start: Int, in core: Int, to index: Int) {
        // Who has it still has not been put away yet.
        let present = cores[core].since < now ? span(core, of: cores[core].occupant) : nil
        cores[core].recent.credit(from: start, to: now, present: present, &threads[index].ranInstead)
    }

    private mutating func leave(_ key: ThreadKey, _ leaving: SwitchEvent.Leaving, _ core: Int) {
        guard core >= 0 else { return }
        var key = key
        // A thread that has given back its number is still on its core once.
        if key.tid < 0, case .thread(let last) = cores[core].occupant { key = last }
        if key.isIdle {
            closeSpan(core, of: isFirst(core) ? .idle : cores[core].occupant)
        } else if let index = index(key) {
            let isKnown = cores[core].occupant.tid == key.tid
            let ran = !isKnown && threads[index].isNew
            // It has run since it was there, or since the core was another's.
            if ran { cores[core].since = max(cores[core].since, threads[index].since) }
            threads[index].leave(leaving, core: core, at: now, since: cores[core].since)
            closeSpan(core, of: isKnown || ran ? .thread(key) : .none)
        } else {
            closeSpan(core, of: isFirst(core) || cores[core].occupant.tid == key.tid ? .thread(key) : .none)
        }
        cores[core].occupant = .none
    }

    /// Whether nothing has been heard of a core yet.
    private func isFirst(_ core: Int) -> Bool { cores[core].occupant == .unseen }

    private mutating func wake(_ key: ThreadKey, _ waker: ThreadKey?, _ core: Int) {
        guard !key.isIdle, let index = index(key), threads[index].wake(on: core, at: now), threads[index].isChosen
        else { return }
        guard let waker else { return }
        if waker.isIdle {
            threads[index].wokenBy.add(NameTable.idle, weight: 1)
        } else {
            let name = threads.find(waker).map { threads[$0].name } ?? NameTable.unknown
            threads[index].wokenBy.add(name, pid: waker.pid, weight: 1)
        }
    }

    private mutating func lose(_ core: Int) {
        guard core >= 0 else { return }
        let last = cores[core].lastEvent
        if case .thread(let key) = cores[core].occupant, let index = threads.find(key), threads[index].mode == .running
        {
            threads[index].lose(at: last)
        }
        let present = now
        now = last
        closeSpan(core, of: cores[core].occupant)
        now = present
        cores[core].occupant = .none
    }

    /// Ends everything that goes on when the trace ends.
    /// - Returns: its length.
    mutating func close(_ nanoseconds: UInt64) -> Int {
        now = max(now, Int(min(nanoseconds, UInt64(Self.maximumTime))))
        for core in cores.indices { closeSpan(core, of: cores[core].occupant) }
        for index in threads.records.indices {
            if threads[index].isChosen, let start = threads[index].waitsSince, start < now, threads[index].queue >= 0 {
                credit(from: start, in: threads[index].queue, to: index)
            }
            // Of thousands of threads that were looked at one by one, who was ready then and is not heard of has rather fallen asleep
            // before the trace began than waited through all of it.
            if case .machine = header.scope, threads[index].mode == .foundReady { threads[index].lose(at: 0) }
            threads[index].finish(at: now)
        }
        return now
    }

    /// What an occupant had of a core up to now; nil where nobody is known.
    private func span(_ core: Int, of occupant: CoreRecord.Occupant) -> RecentSpans.Span? {
        switch occupant {
        case .unseen, .none: return nil
        case .idle: return .init(name: NameTable.idle, pid: 0, start: cores[core].since, end: now)
        case .thread(let key):
            let name = threads.find(key).map { threads[$0].name } ?? NameTable.unknown
            return .init(name: name, pid: key.pid, start: cores[core].since, end: now)
        }
    }

    /// Credits a core's time up to now to whoever had it.
    private mutating func closeSpan(_ core: Int, of occupant: CoreRecord.Occupant) {
        let span = span(core, of: occupant)
        var filling: OccupantCell.Filling
        switch occupant {
        case .unseen, .none: filling = .unknown
        case .idle: filling = .idle
        case .thread(let key):
            filling = .thread(Occupant(name: span?.name ?? NameTable.unknown))
            if let index = threads.find(key), threads[index].isChosen {
                filling = .thread(Occupant(thread: threads[index].number))
            }
        }
        cores[core].close(filling, span, at: now)
    }
}

/// One core while its trace is read.
struct CoreRecord: Sendable {
    enum Occupant: Hashable, Sendable {
        /// Nothing has been heard of it yet.
        case unseen
        /// Between two threads, or somebody who is not traced.
        case none
        case idle
        case thread(ThreadKey)

        /// nil where nobody is known.
        var tid: Int32? {
            switch self {
            case .unseen, .none: nil
            case .idle: 0
            case .thread(let key): key.tid
            }
        }
    }

    var use: CoreUse
    var occupant = Occupant.unseen
    var since = 0
    var lastEvent = 0
    var recent = RecentSpans()

    init(_ number: Int) { use = CoreUse(number: number) }

    /// Ends the present stretch. What lies before `since` and was not closed is unknown.
    mutating func close(_ filling: OccupantCell.Filling, _ span: RecentSpans.Span?, at time: Int) {
        let start = closed
        if since > start { fill(.unknown, from: start, to: since) }
        fill(filling, from: max(since, start), to: time)
        if let span { recent.append(span) }
        closed = max(closed, time)
        since = closed
    }

    /// Up to where its time has been credited.
    private var closed = 0

    private mutating func fill(_ filling: OccupantCell.Filling, from start: Int, to end: Int) {
        guard end > start else { return }
        switch filling {
        case .thread: use.busy += end - start
        case .idle: use.idle += end - start
        case .unknown: use.unknown += end - start
        }
        use.lane.add(filling, from: start, to: end)
    }
}
