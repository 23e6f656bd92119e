package import Model
package import SystemPackage

import CLinux
import Glibc

/// Measures what it costs to hand the processor over: a child of nusu's own, which stays on one core, plays ping-pong with
/// another process or thread. It must begin before nusu starts a thread, as it forks.
///
/// As lmbench's lat_ctx does (McVoy and Staelin, lmbench: Portable Tools for Performance Analysis, 1996), the cost of the calls
/// is measured without a switch too, and of working sets of several sizes with and without another between.
package struct SwitchBench: ~Copyable {
    /// Working sets, in bytes.
    package static let sizes = [16 << 10, 32 << 10, 128 << 10, 512 << 10, 1 << 20, 4 << 20]

    private var child: ForkedChild
    private let start: StartSignal
    private let results: BenchResults
    private let cores: [Int]

    /// Forks the child; it waits for `run`.
    /// - Parameter seconds: how long everything may take together.
    package init(seconds: Double) throws(Errno) {
        var list = [Int32](repeating: 0, count: 1024)
        let count = try checked { clinux_allowed_processors(&list, Int32(list.count)) }
        let cores = list.prefix(Int(count)).map(Int.init)
        let ways = SwitchCosts.Way.allCases.count
        let results = try BenchResults(slots: ways + 2 * Self.sizes.count)
        let start = try StartSignal()
        let budget = seconds / Double(ways + 2 * Self.sizes.count)
        child = try ForkedChild {
            guard start.pipe.receive() else { return 1 }
            do throws(Errno) {
                try BenchDriver(cores: cores, results: results, budget: budget).run()
                return 0
            } catch {
                return error.rawValue
            }
        }
        self.start = start
        self.results = results
        self.cores = cores
    }

    /// Lets the child measure, and waits for its end.
    package consuming func run() -> SwitchCosts {
        start.pipe.send()
        let status = child.end()
        var costs = SwitchCosts()
        costs.core = cores.first ?? 0
        costs.otherCore = cores.count > 1 ? cores.last : nil
        for (slot, way) in SwitchCosts.Way.allCases.enumerated() {
            guard let time = SwitchCosts.Spread(samples: results.samples(slot)) else { continue }
            costs.handOvers.append(
                SwitchCosts.HandOver(way: way, time: time, switches: results.switches(slot)))
        }
        for (index, bytes) in Self.sizes.enumerated() {
            let slot = SwitchCosts.Way.allCases.count + 2 * index
            guard let alone = SwitchCosts.Spread(samples: results.samples(slot)),
                let shared = SwitchCosts.Spread(samples: results.samples(slot + 1))
            else { continue }
            costs.turns.append(SwitchCosts.Turn(bytes: bytes, alone: alone, shared: shared))
        }
        if costs.otherCore == nil {
            costs.gaps.append(
                Gap(
                    what: "handing over to another core", reason: "nusu may run on a single one",
                    remedy: "taskset -p shows that; run it where it may use two"))
        }
        if case .exited(0) = status { return costs }
        costs.gaps.append(
            Gap(what: "a part of the measurements", reason: "the process that measures ended early (\(status))"))
        return costs
    }
}

/// What the child waits for before it measures.
private final class StartSignal {
    let pipe: BytePipe
    init() throws(Errno) { pipe = try BytePipe() }
}

/// Memory that the child writes what it measured into: of each slot the number of samples, of switches, and the samples.
final class BenchResults {
    static let maximumSamples = 254
    private static let stride = maximumSamples + 2
    private let memory: UnsafeMutablePointer<Double>
    private let bytes: Int

    init(slots: Int) throws(Errno) {
        bytes = slots * Self.stride * MemoryLayout<Double>.stride
        guard
            let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else { throw Errno(rawValue: errno) }
        self.memory = memory.bindMemory(to: Double.self, capacity: slots * Self.stride)
    }

    deinit { munmap(memory, bytes) }

    func set(_ slot: Int, switches: Double) { memory[slot * Self.stride + 1] = switches }

    /// False when there is no room for more.
    func add(_ slot: Int, _ sample: Double) -> Bool {
        let start = slot * Self.stride
        let count = Int(memory[start])
        guard count < Self.maximumSamples else { return false }
        memory[start + 2 + count] = sample
        memory[start] = Double(count + 1)
        return count + 1 < Self.maximumSamples
    }

    func samples(_ slot: Int) -> [Double] {
        let start = slot * Self.stride
        let count = min(max(Int(memory[start]), 0), Self.maximumSamples)
        return (0..<count).map { memory[start + 2 + $0] }
    }

    func switches(_ slot: Int) -> Double { memory[slot * Self.stride + 1] }
}
