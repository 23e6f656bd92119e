/// Where a thread is in what it does.
private struct Course {
    /// Its place in `Simulator.phases`, and where its phases begin and end there.
    var phase: Int
    let firstPhase: Int
    let endPhase: Int
    var roundsLeft: Int
    /// Of its run, until it blocks.
    var remaining: Int
    /// Since when it has been ready without having run; nil where it has.
    var readySince: Int?
    var hasRun = false
}

private struct Core {
    var thread: Int?
    /// Who ran there last.
    var last = -1
    /// When the thread really begins: after the switch.
    var begins = 0
    var switchStart = 0
    var stops = Int.max
}

/// Goes from event to event: a thread arrives, a block ends, a run or a slice ends. Of what happens at one moment, runs end first,
/// then threads become ready, then those whose slice is over line up behind them.
struct Simulator<Queue: ReadyQueue> {
    /// Those of all threads, one after the other.
    private let phases: [Workload.Phase]
    private let machine: SchedulingMachine
    private var queue: Queue
    private var threads: [Course]
    private var cores: [Core]
    private var waiting = 0
    private var idle: Int
    /// Arrivals and ends of blocks, by time.
    private var wakes = KeyedHeap()
    private var now = 0
    private var schedule: Schedule
    private var response = TimeCounts()
    /// The last span of each core.
    private var lastSpan: [Int?]
    private var expired: [Int] = []
    private var woken: [Int] = []

    init(_ workload: Workload, _ machine: SchedulingMachine, _ queue: Queue) {
        self.machine = machine
        self.queue = queue
        phases = workload.threads.flatMap(\.phases)
        threads = []
        for thread in workload.threads {
            let first = threads.last?.endPhase ?? 0
            threads.append(
                Course(
                    phase: first, firstPhase: first, endPhase: first + thread.phases.count, roundsLeft: thread.rounds,
                    remaining: thread.phases.first?.run ?? 0))
        }
        cores = [Core](repeating: Core(), count: machine.cores)
        idle = machine.cores
        lastSpan = [Int?](repeating: nil, count: machine.cores)
        schedule = Schedule(
            policy: .firstComeFirstServed, machine: machine,
            threads: workload.threads.map { Schedule.Outcome(arrival: $0.arrival) })
        for (index, thread) in workload.threads.enumerated() where !thread.phases.isEmpty {
            wakes.push(index, key: thread.arrival)
        }
    }

    mutating func run(_ policy: SchedulingPolicy, limit: Int) -> Schedule? {
        schedule.policy = policy
        while let next = nextMoment {
            advance(to: next)
            stopCores()
            wake()
            for thread in expired {
                queue.add(thread, .expired, remaining: threads[thread].remaining, now: now)
                waiting += 1
            }
            expired.removeAll(keepingCapacity: true)
            fillCores()
            for thread in woken where threads[thread].readySince != nil { preempt(for: thread) }
            woken.removeAll(keepingCapacity: true)
            if schedule.events > limit { return nil }
        }
        schedule.response = response.summary
        return schedule
    }

    private var nextMoment: Int? {
        var next = wakes.first?.key ?? Int.max
        for core in cores { next = min(next, core.stops) }
        return next < Int.max ? next : nil
    }

    /// Lets all that run do so until `next`.
    private mutating func advance(to next: Int) {
        for index in cores.indices {
            guard let thread = cores[index].thread else { continue }
            let from = max(now, cores[index].begins)
            guard next > from else { continue }
            let ran = next - from
            threads[thread].remaining -= ran
            schedule.threads[thread].ran += ran
            queue.charge(thread, ran: ran)
            guard let since = threads[thread].readySince else { continue }
            threads[thread].readySince = nil
            response.add(from - since)
            if !threads[thread].hasRun {
                threads[thread].hasRun = true
                schedule.threads[thread].firstResponse = from - since
            }
        }
        now = next
    }

    private mutating func stopCores() {
        for index in cores.indices where cores[index].stops <= now {
            guard let thread = release(index) else { continue }
            schedule.events += 1
            if threads[thread].remaining > 0 {
                expired.append(thread)
            } else {
                queue.leave(thread)
                endRun(of: thread)
            }
        }
    }

    /// Takes the thread from a core.
    private mutating func release(_ index: Int) -> Int? {
        guard let thread = cores[index].thread else { return nil }
        cores[index].thread = nil
        cores[index].stops = Int.max
        idle += 1
        schedule.switchTime += min(cores[index].begins, now) - cores[index].switchStart
        if now > cores[index].begins { record(index, thread, from: cores[index].begins) }
        return thread
    }

    private mutating func endRun(of index: Int) {
        let block = phases[threads[index].phase].block
        threads[index].phase += 1
        if threads[index].phase == threads[index].endPhase {
            threads[index].phase = threads[index].firstPhase
            threads[index].roundsLeft -= 1
        }
        guard threads[index].roundsLeft > 0 else {
            schedule.threads[index].end = now
            return
        }
        threads[index].remaining = phases[threads[index].phase].run
        schedule.threads[index].blocked += block
        wakes.push(index, key: now + block)
    }

    private mutating func wake() {
        while let first = wakes.first, first.key <= now {
            _ = wakes.pop()
            threads[first.item].readySince = now
            queue.add(first.item, .woken, remaining: threads[first.item].remaining, now: now)
            waiting += 1
            woken.append(first.item)
            schedule.events += 1
        }
    }

    private mutating func fillCores() {
        while idle > 0, waiting > 0, let thread = queue.next(now: now) {
            waiting -= 1
            // The core that it ran on last, where that is free.
            var choice: Int?
            for index in cores.indices where cores[index].thread == nil {
                if cores[index].last == thread {
                    choice = index
                    break
                }
                choice = choice ?? index
            }
            guard let choice else { return }
            start(thread, on: choice)
        }
    }

    private mutating func start(_ thread: Int, on index: Int) {
        let isSwitch = cores[index].last != thread
        cores[index].thread = thread
        cores[index].last = thread
        cores[index].switchStart = now
        cores[index].begins = now + (isSwitch ? machine.switchCost : 0)
        if isSwitch {
            schedule.switches += 1
            schedule.events += 1
        }
        let slice = queue.slice(of: thread, from: cores[index].begins)
        cores[index].stops = cores[index].begins + min(slice, threads[thread].remaining)
        idle -= 1
    }

    /// Gives a thread that has just become ready and found no free core the one of a lesser.
    private mutating func preempt(for thread: Int) {
        guard !cores.contains(where: { $0.thread == thread }) else { return }
        let candidate = Candidate(thread: thread, remaining: threads[thread].remaining)
        var choice: (core: Int, yielding: Int)?
        for index in cores.indices {
            guard let other = cores[index].thread else { continue }
            let running = Candidate(thread: other, remaining: threads[other].remaining)
            guard queue.preempts(candidate, running) else { continue }
            let yielding = queue.yielding(running)
            if yielding > choice?.yielding ?? Int.min { choice = (index, yielding) }
        }
        guard let choice, let victim = release(choice.core) else { return }
        queue.add(victim, .preempted, remaining: threads[victim].remaining, now: now)
        waiting += 1
        fillCores()
    }

    private mutating func record(_ core: Int, _ thread: Int, from start: Int) {
        if let last = lastSpan[core], schedule.spans[last].thread == thread, schedule.spans[last].end == start {
            schedule.spans[last].end = now
            return
        }
        guard schedule.spans.count < Schedule.maximumSpans else {
            schedule.spansEnd = min(schedule.spansEnd ?? start, start)
            return
        }
        schedule.spans.append(Schedule.Span(core: core, thread: thread, start: start, end: now))
        lastSpan[core] = schedule.spans.count - 1
    }
}
