import Analysis
import Testing

/// What must hold of every schedule, on workloads made at random.
@Suite struct ScheduleInvariantTests {
    static let policies: [SchedulingPolicy] = [
        .firstComeFirstServed, .shortestJobFirst, .shortestRemainingTime, .roundRobin(quantum: 1_000_000),
        .roundRobin(quantum: 70_000), .priority, .feedback, .eevdf,
    ]

    @Test(arguments: policies) func propertiesOfRandomSchedules(_ policy: SchedulingPolicy) throws {
        for seed in Rounds.of(60, fuzz: 3000) {
            var random = Numbers(seed: seed)
            let workload = random.workload()
            let machine = SchedulingMachine(
                cores: random.number(1...3), switchCost: random.number(0...1) * 3000,
                tick: random.number(0...3) == 0 ? 4_000_000 : nil)
            let schedule = try #require(policy.schedule(workload, on: machine))
            try check(schedule, of: workload, seed)
        }
    }

    private func check(_ schedule: Schedule, of workload: Workload, _ seed: UInt64) throws {
        #expect(schedule.spansEnd == nil)
        // Threads get what they want, and no thread ends before it can.
        for (plan, outcome) in zip(workload.threads, schedule.threads) {
            #expect(outcome.ran == plan.totalRun && outcome.blocked == plan.totalBlock, "seed \(seed)")
            #expect(outcome.waited >= 0 && outcome.firstResponse >= 0, "seed \(seed)")
        }
        // A core runs one thread at a time, and a thread runs on one core at a time.
        let byStart = schedule.spans.sorted { ($0.start, $0.end) < ($1.start, $1.end) }
        var coreEnd = [Int](repeating: 0, count: schedule.machine.cores)
        var threadEnd = workload.threads.map(\.arrival)
        for span in byStart {
            #expect(span.start < span.end && span.start >= coreEnd[span.core], "seed \(seed)")
            #expect(span.start >= threadEnd[span.thread], "seed \(seed)")
            (coreEnd[span.core], threadEnd[span.thread]) = (span.end, span.end)
        }
        #expect(
            schedule.spans.reduce(0) { $0 + $1.end - $1.start } == workload.threads.reduce(0) { $0 + $1.totalRun })
        let fairness = try #require(schedule.fairness)
        #expect(fairness <= 1.000001 && fairness >= 0.999999 / Double(workload.threads.count))
        if schedule.machine.switchCost == 0 { checkWork(schedule, byStart, of: workload, seed) }
    }

    /// Work is conserved: no core is idle while a thread waits. When each thread is ready follows from its spans alone.
    private func checkWork(
        _ schedule: Schedule, _ byStart: [Schedule.Span], of workload: Workload, _ seed: UInt64
    ) {
        var changes: [(time: Int, ready: Int, running: Int)] = []
        for (index, plan) in workload.threads.enumerated() {
            changes.append((plan.arrival, 1, 0))
            var phases = (0..<plan.rounds).flatMap { _ in plan.phases }[...]
            var left = phases.popFirst()
            for span in byStart where span.thread == index {
                changes += [(span.start, 0, 1), (span.end, 0, -1)]
                var time = span.start
                while let phase = left, time + phase.run <= span.end {
                    time += phase.run
                    changes.append((time, -1, 0))
                    left = phases.popFirst()
                    if left != nil { changes.append((time + phase.block, 1, 0)) }
                    if phase.block > 0 { break }
                }
                left?.run -= span.end - time
            }
        }
        changes.sort { $0.time < $1.time }
        var (ready, running) = (0, 0)
        for (index, change) in changes.enumerated() {
            ready += change.ready
            running += change.running
            guard index + 1 == changes.count || changes[index + 1].time > change.time else { continue }
            #expect(running == min(schedule.machine.cores, ready), "at \(change.time), seed \(seed)")
        }
    }

    @Test func roundRobinOfInfiniteQuantumIsFirstComeFirstServed() throws {
        for seed in Rounds.of(60, fuzz: 3000) {
            var random = Numbers(seed: seed)
            let workload = random.workload()
            let machine = SchedulingMachine(cores: random.number(1...3), switchCost: 2000)
            let first = try #require(SchedulingPolicy.firstComeFirstServed.schedule(workload, on: machine))
            var second = try #require(SchedulingPolicy.roundRobin(quantum: Int.max).schedule(workload, on: machine))
            second.policy = .firstComeFirstServed
            #expect(first == second)
        }
    }

    @Test func nothingBeatsTheShortestFirst() throws {
        for seed in Rounds.of(60, fuzz: 3000) {
            var random = Numbers(seed: seed)
            var workload = random.workload()
            for index in workload.threads.indices {
                workload.threads[index].phases = [.init(run: workload.threads[index].totalRun)]
                workload.threads[index].rounds = 1
            }
            func mean(_ policy: SchedulingPolicy) throws -> Double {
                let schedule = try #require(policy.schedule(workload, on: SchedulingMachine()))
                return try #require(schedule.waiting).mean
            }
            let least = try mean(.shortestRemainingTime)
            for policy in Self.policies { #expect(try mean(policy) >= least - 0.001, "\(policy), seed \(seed)") }
            for index in workload.threads.indices { workload.threads[index].arrival = 0 }
            let best = try mean(.shortestJobFirst)
            for policy in Self.policies { #expect(try mean(policy) >= best - 0.001, "\(policy), seed \(seed)") }
        }
    }

    @Test func eevdfGivesSharesByWeight() throws {
        // kernel/sched/core.c, sched_prio_to_weight
        let weights = [-5: 3121, 0: 1024, 1: 820, 5: 335, 10: 110]
        for seed in Rounds.of(30, fuzz: 1000) {
            var random = Numbers(seed: seed)
            let nice = (0..<random.number(2...6)).map { _ in Array(weights.keys.sorted())[random.number(0...4)] }
            let workload = Workload(
                threads: nice.map { .init("t", phases: [.init(run: 400_000_000)], nice: $0) })
            let machine = SchedulingMachine()
            let schedule = try #require(SchedulingPolicy.eevdf.schedule(workload, on: machine))
            let end = try #require(schedule.threads.map(\.end).min())
            let total = nice.reduce(0.0) { $0 + Double(weights[$1] ?? 0) }
            for (index, value) in nice.enumerated() {
                let ran = schedule.spans.reduce(0) {
                    $1.thread == index ? $0 + max(min($1.end, end) - $1.start, 0) : $0
                }
                let fair = Double(weights[value] ?? 0) / total * Double(end)
                // Nobody is ahead or behind by more than a slice.
                #expect(abs(Double(ran) - fair) <= Double(machine.slice) + 1000, "seed \(seed), nice \(value)")
            }
        }
    }

    @Test func switchesCostTime() throws {
        let workload = Workload(threads: [
            .init("A", phases: [.init(run: 8_000_000)]), .init("B", phases: [.init(run: 8_000_000)]),
        ])
        let machine = SchedulingMachine(switchCost: 1_000_000)
        let schedule = try #require(SchedulingPolicy.roundRobin(quantum: 4_000_000).schedule(workload, on: machine))
        // /A A A A/B B B B/A A A A/B B B B
        #expect(schedule.switches == 4 && schedule.switchTime == 4_000_000 && schedule.makespan == 20_000_000)
        #expect(schedule.overhead == 0.2 && schedule.utilisation == 0.8)
        #expect(schedule.threads.map(\.firstResponse) == [1_000_000, 6_000_000])
        #expect(schedule.threads.map(\.waited) == [7_000_000, 12_000_000])
    }

    @Test func endlessSchedulesAreGivenUp() {
        let workload = Workload(threads: [.init("A", phases: [.init(run: 1_000_000)], rounds: 1000)])
        #expect(SchedulingPolicy.firstComeFirstServed.schedule(workload, on: SchedulingMachine(), limit: 1999) == nil)
        let all = SchedulingPolicy.firstComeFirstServed.schedule(workload, on: SchedulingMachine(), limit: 2001)
        // A thousand arrivals, as many ends, one switch.
        #expect(all?.events == 2001)
    }

    @Test func percentilesOfManyResponsesAreNear() throws {
        var random = Numbers(seed: 1)
        for count in [1, 2, 99, 100, 101, 3000] {
            let workload = Workload(
                threads: (0..<count).map { _ in .init("t", phases: [.init(run: random.number(1...2_000_000))]) })
            let schedule = try #require(
                SchedulingPolicy.firstComeFirstServed.schedule(workload, on: SchedulingMachine()))
            let response = try #require(schedule.response)
            let exact = schedule.threads.map(\.firstResponse).sorted()
            // Nearest rank.
            let p99 = Double(exact[(count * 99 + 99) / 100 - 1])
            #expect(Double(response.p99) >= p99 && Double(response.p99) <= p99 * 1.008)
            #expect(abs(response.mean - exact.reduce(0) { $0 + Double($1) } / Double(count)) < 1)
            #expect(response.worst == exact[count - 1])
        }
    }
}

/// Numbers that are the same in every run.
private struct Numbers {
    private var random: Seeded

    init(seed: UInt64) { random = Seeded(seed) }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    /// Up to eight threads; times of whole 10 us, so that many things happen at one moment.
    mutating func workload() -> Workload {
        Workload(
            threads: (0..<number(1...8)).map { index in
                let phases = (0..<number(1...4)).map { _ in
                    Workload.Phase(run: number(1...400) * 10_000, block: number(0...300) * 10_000)
                }
                return Workload.Thread(
                    "t\(index)", arrival: number(0...1) * number(0...500) * 10_000, phases: phases,
                    rounds: number(1...4),
                    nice: number(-20...19), slice: number(0...2) == 0 ? number(1...30) * 100_000 : nil)
            })
    }
}
