/// EEVDF, earliest eligible virtual deadline first, as Linux has it since 6.6 (kernel/sched/fair.c; Documentation/scheduler/
/// sched-eevdf.rst): each thread has a virtual time that goes slower the larger its weight; who is not ahead of the average is
/// eligible; of these the one runs whose virtual deadline, its virtual time plus its slice by weight, is earliest.
///
/// One queue for all cores, where the kernel has one each. Of a thread that sleeps the lag is kept, however long it sleeps
/// (6.6 to 6.11); later kernels let it work off a debt.
struct EligibleQueue: ReadyQueue {
    /// The weight of nice 0.
    static let unit = 1024
    /// Of nice -20 ... 19, each about 1.25 times the next (kernel/sched/core.c, sched_prio_to_weight).
    static let weights = [
        88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904, 3906, 3121, 2501,
        1991,
        1586, 1277, 1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
    ]

    /// What the policy knows of a thread; virtual times are nanoseconds of a thread of nice 0.
    private struct Entity {
        let weight: Int
        let slice: Int
        var virtualTime = 0
        var deadline = 0
        /// The virtual time that it was owed when it last left.
        var lag = 0
        var isNew = true

        var virtualSlice: Int { slice * EligibleQueue.unit / weight }
    }

    private var entities: [Entity]
    private let tick: Int?
    /// Over all that run or wait: the weights, and the virtual times by weight.
    private var totalWeight = 0
    private var weightedSum: Int128 = 0
    /// The average when last somebody left: all that is known while nobody is there.
    private var lastAverage = 0
    /// All that may be eligible, by deadline, and the others by virtual time.
    private var byDeadline = KeyedHeap()
    private var ahead = KeyedHeap()

    init(_ workload: Workload, _ machine: SchedulingMachine) {
        entities = workload.threads.map {
            Entity(weight: Self.weights[min(max($0.nice + 20, 0), 39)], slice: $0.slice ?? machine.slice)
        }
        tick = machine.tick
    }

    private var average: Int { totalWeight > 0 ? Int(weightedSum / Int128(totalWeight)) : lastAverage }

    private func isEligible(_ thread: Int) -> Bool {
        Int128(entities[thread].virtualTime) * Int128(totalWeight) <= weightedSum
    }

    mutating func add(_ thread: Int, _ cause: ReadyCause, remaining: Int, now: Int) {
        switch cause {
        case .woken: place(thread)
        case .expired: entities[thread].deadline = entities[thread].virtualTime + entities[thread].virtualSlice
        case .preempted: break
        }
        byDeadline.push(thread, key: entities[thread].deadline)
    }

    /// Puts a thread where its lag is what it was (place_entity). Its coming itself moves the average, which the factor
    /// makes up for.
    private mutating func place(_ thread: Int) {
        let weight = entities[thread].weight
        var lag = entities[thread].lag
        if totalWeight > 0 { lag = Int(Int128(lag) * Int128(totalWeight + weight) / Int128(totalWeight)) }
        let start = average - lag
        entities[thread].virtualTime = start
        // Newcomers get half a slice first (PLACE_DEADLINE_INITIAL).
        entities[thread].deadline = start + entities[thread].virtualSlice / (entities[thread].isNew ? 2 : 1)
        entities[thread].isNew = false
        totalWeight += weight
        weightedSum += Int128(start) * Int128(weight)
    }

    mutating func next(now: Int) -> Int? {
        while let entry = ahead.first, isEligible(entry.item) {
            _ = ahead.pop()
            byDeadline.push(entry.item, key: entities[entry.item].deadline)
        }
        while let entry = byDeadline.pop() {
            if isEligible(entry.item) { return entry.item }
            ahead.push(entry.item, key: entities[entry.item].virtualTime)
        }
        // All that are eligible run already, on other cores: no core stays idle for that.
        return ahead.pop()?.item
    }

    func slice(of thread: Int, from start: Int) -> Int {
        let entity = entities[thread]
        let left = max(entity.deadline - entity.virtualTime, 0)
        let length = max((left * entity.weight + Self.unit - 1) / Self.unit, 1)
        guard let tick else { return length }
        return (start + length + tick - 1) / tick * tick - start
    }

    mutating func charge(_ thread: Int, ran: Int) {
        let virtual = ran * Self.unit / entities[thread].weight
        entities[thread].virtualTime += virtual
        weightedSum += Int128(virtual) * Int128(entities[thread].weight)
    }

    mutating func leave(_ thread: Int) {
        let entity = entities[thread]
        let limit = max(2 * entity.slice, tick ?? 0) * Self.unit / entity.weight
        lastAverage = average
        entities[thread].lag = min(max(lastAverage - entity.virtualTime, -limit), limit)
        totalWeight -= entity.weight
        weightedSum -= Int128(entity.virtualTime) * Int128(entity.weight)
    }

    /// A thread runs to the end of its slice (RUN_TO_PARITY), but for one that asked for shorter ones (PREEMPT_SHORT).
    func preempts(_ woken: Candidate, _ running: Candidate) -> Bool {
        let (new, old) = (entities[woken.thread], entities[running.thread])
        return new.slice < old.slice && new.deadline < old.deadline && isEligible(woken.thread)
    }

    func yielding(_ running: Candidate) -> Int { entities[running.thread].deadline }
}
