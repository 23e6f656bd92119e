import Glibc
import Kernel
import Model

/// Reads the rings of all cores and puts what they tell into one order.
final class RingReader {
    let cores: [Int]

    private var rings: SwitchRings
    private var merge: EventMerge
    private var threads: TraceThreads
    /// What the kernel wrote to one ring, while it is read.
    private let buffer: UnsafeMutableRawBufferPointer

    /// Turns the rings on.
    init(
        _ rings: consuming SwitchRings, start: Moment, tracepoints: SchedulerTracepoints?, threads: TraceThreads
    ) {
        let cores = rings.cores
        self.cores = cores
        buffer = .allocate(byteCount: rings.bytesPerCore, alignment: 16)
        merge = EventMerge(
            cores.map { CoreRecords(core: UInt16($0), start: start.nanoseconds, tracepoints: tracepoints) })
        self.threads = threads
        rings.turn(on: true)
        self.rings = rings
    }

    deinit { buffer.deallocate() }

    func wait(seconds: Double) { rings.wait(seconds: seconds) }

    func stop() { rings.turn(on: false) }

    /// - Parameter limit: nanoseconds since the trace began; what is younger is kept for the next time.
    func read(before limit: UInt64, into events: inout [SwitchEvent]) {
        for index in cores.indices {
            rings.read(index, into: buffer) { merge.cores[index].take($0) }
        }
        threads.beginBatch()
        merge.take(before: limit) { threads.pass($0, into: &events) }
    }

    var damagedBytes: Int { merge.cores.reduce(0) { $0 + $1.damagedBytes } }

    /// What the kernel says itself, or else what stood in the rings.
    func lostCount() -> UInt64 { max(rings.lostCount() ?? 0, merge.cores.reduce(0) { $0 &+ $1.lost }) }
}
