import Model
import Testing

@testable import Analysis

@Suite struct TraceInvariantTests {
    /// A machine that schedules at random, and the truth about it.
    private struct RandomMachine {
        enum State: Equatable { case running, ready, blocked }
        var trace: TraceFixture
        var run: [Int32: Int] = [:]
        var wait: [Int32: Int] = [:]
        var blocked: [Int32: Int] = [:]
        var idle: [Int] = []
        var end = 0

        init(_ random: inout some RandomNumberGenerator, cores: Int, threads: Int, steps: Int) {
            trace = TraceFixture(cores: cores)
            var states: [State] = (0..<threads).map { _ in .ready }
            var occupant = [Int?](repeating: nil, count: cores)
            idle = [Int](repeating: 0, count: cores)
            func key(_ thread: Int) -> ThreadKey { TraceFixture.thread(Int32(thread + 1), of: Int32(thread / 3 + 1)) }
            for thread in 0..<threads { trace.at(0, .found(key(thread), nil)) }
            for core in 0..<cores { trace.at(0, core: UInt16(core), .switchIn(.idle)) }
            var now = 0
            func emit(_ core: Int, _ kind: SwitchEvent.Kind) {
                trace.events.append(SwitchEvent(time: UInt64(now), core: UInt16(core), kind: kind))
            }
            for _ in 0..<steps {
                let length = Int.random(in: 0...3_000_000, using: &random)
                now += length
                for thread in 0..<threads {
                    let tid = Int32(thread + 1)
                    switch states[thread] {
                    case .running: run[tid, default: 0] += length
                    case .ready: wait[tid, default: 0] += length
                    case .blocked: blocked[tid, default: 0] += length
                    }
                }
                for core in 0..<cores where occupant[core] == nil { idle[core] += length }
                let thread = Int.random(in: 0..<threads, using: &random)
                if states[thread] == .blocked {
                    states[thread] = .ready
                    emit(Int.random(in: 0..<cores, using: &random), .wakeup(key(thread), by: .idle))
                }
                let core = Int.random(in: 0..<cores, using: &random)
                if let old = occupant[core] {
                    let blocks = Bool.random(using: &random)
                    states[old] = blocks ? .blocked : .ready
                    emit(core, .switchOut(key(old), blocks ? .blocked(.interruptible) : .preempted))
                } else {
                    emit(core, .switchOut(.idle, .preempted))
                }
                let ready = (0..<threads).filter { states[$0] == .ready }
                occupant[core] = ready.randomElement(using: &random)
                if let next = occupant[core] { states[next] = .running }
                emit(core, .switchIn(occupant[core].map(key) ?? .idle))
            }
            end = now
        }
    }

    @Test func sumsAreThoseOfTheMachine() throws {
        var random = Seeded(7)
        for round in 0..<40 {
            let machine = RandomMachine(
                &random, cores: 1 + round % 4, threads: 1 + round % 9, steps: round % 5 == 0 ? 3000 : 60)
            let summary = machine.trace.summary(endingAt: Double(machine.end) / 1e6)
            for thread in summary.threads {
                let tid = thread.key.tid
                #expect(thread.run == machine.run[tid, default: 0], "\(round) \(tid)")
                #expect(thread.wait == machine.wait[tid, default: 0], "\(round) \(tid)")
                #expect(thread.blocked == machine.blocked[tid, default: 0], "\(round) \(tid)")
                #expect(thread.unknown == 0)
                var credited = thread.ranInstead.rest
                for rival in thread.ranInstead.items { credited += rival.nanoseconds }
                #expect(credited == thread.wait)
                #expect(thread.lane.cells.count <= TimeLane<StateCell>.maximumCells)
                let drawn = thread.lane.columns(77, end: machine.end)
                var sum: Float = 0
                for cell in drawn { sum += cell.sum }
                #expect(abs(sum - Float(machine.end)) <= Float(machine.end) / 1000)
            }
            #expect(summary.cores.map { $0.idle } == machine.idle)
            for core in summary.cores {
                #expect(core.busy + core.idle == machine.end && core.unknown == 0)
                var busy: Float = 0
                for cell in core.lane.columns(60, end: machine.end) { busy += cell.busy }
                #expect(abs(busy - Float(core.busy)) <= Float(machine.end) / 1000)
            }
            var busy = 0
            for core in summary.cores { busy += core.busy }
            #expect(busy == summary.run)
        }
    }

    /// Whatever the events are, every moment is counted once, and nothing traps.
    @Test func damagedTracesAddUpAllTheSame() {
        var random = Seeded(11)
        for _ in Rounds.of(60, fuzz: 5000) {
            var trace = TraceFixture(
                cores: Int.random(in: 0...3, using: &random),
                scope: Bool.random(using: &random)
                    ? .machine : .command(TraceFixture.process(3, "x")),
                source: Bool.random(using: &random) ? .cpuWide : .ownThreads, wakeups: Bool.random(using: &random))
            for _ in 0..<400 {
                func key() -> ThreadKey {
                    ThreadKey(
                        pid: Int32.random(in: -1...5, using: &random),
                        tid: [-1, 0, 1, 2, 3, 4, 5, 4_194_303, .max, .min].randomElement(using: &random) ?? 0)
                }
                let kinds: [SwitchEvent.Kind] = [
                    .switchIn(key()), .switchIn(key()), .switchOut(key(), .preempted),
                    .switchOut(key(), .blocked(.interruptible)), .wakeup(key(), by: key()), .wakeup(key(), by: nil),
                    .migration(key()), .fork(parent: key(), child: key()), .exit(key()),
                    .name(key(), CommandName([UInt8.random(in: 0...255, using: &random)])), .found(key(), nil),
                    .lost(UInt64.random(in: 0...(.max), using: &random)),
                ]
                let time =
                    Int.random(in: 0...50, using: &random) == 0
                    ? UInt64.random(in: 0...(.max), using: &random) : UInt64.random(in: 0...40_000_000, using: &random)
                trace.events.append(
                    SwitchEvent(
                        time: time, core: UInt16.random(in: 0...4, using: &random),
                        kind: kinds.randomElement(using: &random) ?? .lost(1)))
                if Bool.random(using: &random) {
                    trace.waits.append(WaitSample(time: time, thread: key(), channel: "x", call: nil))
                }
            }
            let summary = trace.summary(endingAt: 41)
            for thread in summary.threads {
                let life = (thread.ended ?? summary.nanoseconds) - (thread.began ?? 0)
                var sum = thread.waitAtLeast
                for part in [thread.run, thread.unknown, thread.blocked ?? thread.blockedAtMost] { sum += part ?? 0 }
                #expect(sum == life)
            }
            for core in summary.cores {
                let sum = core.busy + core.idle + core.unknown
                #expect(sum == summary.nanoseconds)
            }
        }
    }

    @Test func manyThreadsStayBounded() {
        var trace = TraceFixture(cores: 2)
        let count = 20_000
        let shell = TraceFixture.thread(1)
        for index in 0..<count {
            let child = TraceFixture.thread(Int32(index + 10))
            let start = Double(index) / 100
            trace.at(start, .fork(parent: shell, child: child), .switchIn(child))
            trace.at(start + 0.005, .exit(child), .switchOut(child, .blocked(.ended)), .switchIn(.idle))
        }
        let summary = trace.summary(endingAt: Double(count) / 100)
        #expect(summary.threads.count <= ThreadTable.limit)
        #expect(summary.threads.count + summary.folded.count >= count)
        #expect(summary.run == count * 5000 && summary.gaps.isEmpty)
    }

    @Test(arguments: [(1, "1 record of further threads"), (12_000, "12,000 records of further threads")])
    func tooManyAtOnceAreCounted(further: Int, what: String) {
        var trace = TraceFixture(cores: 2)
        for tid in 0..<ThreadTable.limit + further {
            trace.at(0, .wakeup(TraceFixture.thread(Int32(tid + 10)), by: .idle))
        }
        let gaps = trace.summary(endingAt: 1).gaps
        #expect(gaps.map(\.what) == [what] && gaps.map(\.reason) == ["over 4,096 were busy at once"])
    }

    /// A machine with thousands of threads that sleep, found before the one that the trace is about.
    @Test(arguments: [true, false]) func sleepersLeaveRoom(isMachine: Bool) throws {
        let target = TraceFixture.thread(30_000)
        let waker = TraceFixture.thread(20)
        var trace = TraceFixture(
            cores: 2, scope: isMachine ? .machine : .process(TraceFixture.process(30_000, "target")))
        let count: Int32 = 6000
        for tid in 10..<(10 + count) {
            trace.name(tid, tid == 20 ? "waker" : "sleeper")
            trace.at(0, .found(TraceFixture.thread(tid), .interruptible))
        }
        trace.name(30_000, "target")
        trace.at(0, .found(target, .interruptible))
        trace.at(2, .switchIn(waker), .wakeup(target, by: waker))
        trace.at(3, core: 1, .switchIn(target))
        trace.at(4, .switchOut(waker, .blocked(.interruptible)), .switchIn(.idle))
        // Each of them runs once.
        for tid in 10..<(10 + count) {
            let time = 4 + Double(tid) / 1000
            trace.at(time, .wakeup(TraceFixture.thread(tid), by: .idle), .switchIn(TraceFixture.thread(tid)))
            trace.at(time, .switchOut(TraceFixture.thread(tid), .blocked(nil)), .switchIn(.idle))
            // Of a process the sleepers are nobody's concern; of a machine the busy ones are too many.
            if isMachine, tid == 1000 { break }
        }
        trace.at(20, core: 1, .switchOut(target, .blocked(.interruptible)))
        let summary = trace.summary(endingAt: 24)
        let thread = try #require(summary.thread(30_000))
        #expect(thread.run == 17_000_000 && thread.wait == 1_000_000 && thread.blocked == 6_000_000)
        #expect(thread.wokenBy.items.first?.who == .command(CommandName("waker".utf8)))
        #expect(summary.gaps.isEmpty && summary.threads.count <= ThreadTable.limit)
        #expect(summary.threads.count + summary.folded.count == (isMachine ? Int(count) + 1 : 1))
        if isMachine { #expect(summary.thread(20)?.wait == 2_000_000 && summary.thread(20)?.blocked == 20_000_000) }
    }
}
