import CLinux
import Glibc
import Model
import SystemPackage

/// What the child of `SwitchBench` does: it stays on the first core and hands over to a partner, again and again.
struct BenchDriver {
    let cores: [Int]
    let results: BenchResults
    /// Seconds for each slot.
    let budget: Double

    func run() throws(Errno) {
        guard let core = cores.first, let last = cores.last else { throw .invalidArgument }
        _ = try checked { clinux_stay_on(Int32(core)) }
        for (slot, way) in SwitchCosts.Way.allCases.enumerated() {
            let other = way.isAcross ? last : core
            if way.isAcross, other == core { continue }
            switch way {
            case .pipeAlone: try pipeAlone(slot)
            case .pipeProcesses, .pipeProcessesAcross: try pipeToProcess(slot, on: other)
            case .pipeThreads, .pipeThreadsAcross: try pipeToThread(slot, on: other)
            case .futexThreads, .futexThreadsAcross: try futexToThread(slot, on: other)
            }
        }
        for (index, bytes) in SwitchBench.sizes.enumerated() {
            let slot = SwitchCosts.Way.allCases.count + 2 * index
            // The same memory both times: where its pages happen to lie decides what of it fits into a cache.
            let memory = try WorkingSet(bytes: bytes)
            try pipeAlone(slot, memory)
            try pipeToProcess(slot + 1, on: core, memory)
        }
    }

    /// - Parameter memory: what to go through in each turn; that is then what is measured, not the handing over.
    private func pipeAlone(_ slot: Int, _ memory: WorkingSet? = nil) throws(Errno) {
        let pipe = try BytePipe()
        measure(slot, handOvers: 1, memory) {
            pipe.send()
            return pipe.receive()
        }
    }

    private func pipeToProcess(_ slot: Int, on core: Int, _ memory: WorkingSet? = nil) throws(Errno) {
        let bytes = memory?.bytes ?? 0
        let there = try BytePipe()
        let back = try BytePipe()
        // Ended when it goes out of use.
        let partner = try ForkedChild {
            guard clinux_stay_on(Int32(core)) == 0, let memory = try? WorkingSet(bytes: bytes) else { return 1 }
            while there.receive() {
                memory.visit()
                back.send()
            }
            return 0
        }
        measure(slot, handOvers: 2, memory) {
            there.send()
            return back.receive()
        }
        _ = partner.pid
    }

    private func pipeToThread(_ slot: Int, on core: Int) throws(Errno) {
        let there = try BytePipe()
        let back = try BytePipe()
        let isOver = try SharedWord()
        let partner = try Partner {
            clinux_stay_on(Int32(core))
            while there.receive(), isOver.pointer.pointee == 0 { back.send() }
        }
        measure(slot, handOvers: 2) {
            there.send()
            return back.receive()
        }
        isOver.pointer.pointee = 1
        there.send()
        partner.join()
    }

    /// The word says whose turn it is: 0 the driver's, 1 the partner's; 2 is the end.
    private func futexToThread(_ slot: Int, on core: Int) throws(Errno) {
        let turn = try SharedWord()
        let partner = try Partner {
            clinux_stay_on(Int32(core))
            while clinux_futex_await(turn.pointer, 0) == 1 { clinux_futex_pass(turn.pointer, 0) }
        }
        measure(slot, handOvers: 2) {
            clinux_futex_pass(turn.pointer, 1)
            return clinux_futex_await(turn.pointer, 1) == 0
        }
        clinux_futex_pass(turn.pointer, 2)
        partner.join()
    }

    /// However long they take: below there are no quartiles.
    private static let leastBatches = 5

    /// Repeats `round` in batches of half a millisecond until the budget is used up, and keeps each batch's time.
    /// - Parameter handOvers: of a round.
    private func measure(_ slot: Int, handOvers: Int, _ memory: WorkingSet? = nil, _ round: () -> Bool) {
        let begin = Moment.now
        // Both come to where they stay, and their pages into memory.
        guard seconds(of: 3, memory, round) != nil else { return }
        let warm = Moment.now
        guard seconds(of: 3, memory, round) != nil else { return }
        let once = max(Moment.now.seconds(since: warm) / 3, 1e-9)
        let rounds = Int(min(max(0.0005 / once, 1), 100_000))
        let before = clinux_own_switches()
        var batches = 0
        while batches < Self.leastBatches || Moment.now.seconds(since: begin) < budget {
            guard let seconds = seconds(of: rounds, memory, round) else { return }
            batches += 1
            guard results.add(slot, seconds / Double(rounds * (memory == nil ? handOvers : 1))) else { break }
        }
        results.set(slot, switches: Double(clinux_own_switches() - before) / Double(rounds * batches))
    }

    /// What so many rounds take, or of each only to go through `memory`. nil when the partner has gone.
    private func seconds(of rounds: Int, _ memory: WorkingSet?, _ round: () -> Bool) -> Double? {
        guard let memory else {
            let start = Moment.now
            for _ in 0..<rounds { guard round() else { return nil } }
            return Moment.now.seconds(since: start)
        }
        var seconds = 0.0
        for _ in 0..<rounds {
            let start = Moment.now
            memory.visit()
            seconds += Moment.now.seconds(since: start)
            guard round() else { return nil }
        }
        return seconds
    }
}

/// Memory that a turn goes through; its size is 0 or a power of two. Each cache line says which is next, in an order that the
/// processor does not foresee, so that it must wait for every one that is not in a cache.
private final class WorkingSet {
    private static let line = 64
    private let memory: UnsafeMutableRawPointer?
    let bytes: Int

    init(bytes: Int) throws(Errno) {
        self.bytes = bytes
        guard bytes > 0 else {
            memory = nil
            return
        }
        guard let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else { throw Errno(rawValue: errno) }
        self.memory = memory
        // A full cycle modulo a power of two (Hull and Dobell).
        let lines = bytes / Self.line
        for line in 0..<lines {
            let next = (line &* 1_664_525 &+ 1_013_904_223) & (lines - 1)
            memory.storeBytes(of: next * Self.line, toByteOffset: line * Self.line, as: Int.self)
        }
    }

    deinit { if let memory { munmap(memory, bytes) } }

    /// Goes once through all, and leaves a word written in each.
    func visit() {
        guard let memory else { return }
        var offset = 0
        repeat {
            memory.storeBytes(of: offset, toByteOffset: offset + 8, as: Int.self)
            offset = memory.load(fromByteOffset: offset, as: Int.self)
        } while offset != 0
    }
}

/// A word that two threads see; a cache line of its own.
private final class SharedWord {
    let pointer: UnsafeMutablePointer<UInt32>

    init() throws(Errno) {
        guard let memory = aligned_alloc(64, 64) else { throw .noMemory }
        pointer = memory.bindMemory(to: UInt32.self, capacity: 16)
        pointer.initialize(repeating: 0, count: 16)
    }

    deinit { free(pointer) }
}

/// A thread of the measuring child.
private struct Partner {
    private let thread: pthread_t

    init(_ body: @escaping () -> Void) throws(Errno) {
        let box = Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, box.toOpaque())
        guard code == 0 else {
            box.release()
            throw Errno(rawValue: code)
        }
        self.thread = thread
    }

    func join() { pthread_join(thread, nil) }

    private final class Body {
        let run: () -> Void
        init(_ run: @escaping () -> Void) { self.run = run }
    }
}
