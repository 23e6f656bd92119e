import Glibc
import Kernel
import Model

/// Reads the rings of all cores and puts what they tell into one order.
final class RingReader {
    let cores: [Int]
    /// When the trace began.
    let start: Moment

    private var rings: SwitchRings
    private var program: SchedulerProgram?
    /// Of each ring, then of each core that the program writes for.
    private var merge: EventMerge
    private var threads: TraceThreads
    /// What was written to one ring, while it is read.
    private let buffer: UnsafeMutableRawBufferPointer
    /// The longest that may lie between two readings.
    private let patience: Double

    /// Turns the rings on. What the program wrote until now is dropped: reading who was there before has filled its rings.
    init(
        _ rings: consuming SwitchRings, program: consuming SchedulerProgram?, tracepoints: SchedulerTracepoints?,
        isIdleTold: Bool, threads: TraceThreads
    ) {
        let cores = rings.cores
        self.cores = cores
        self.threads = threads
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(rings.bytesPerCore, program?.bytesPerCore ?? 0), alignment: 16)
        self.buffer = buffer
        var lostBefore: [UInt64] = []
        for core in 0..<(program?.coreCount ?? 0) {
            program?.read(core, into: buffer) { _ in }
            lostBefore.append(program?.lostCount(core) ?? 0)
        }
        let start = Moment.now
        self.start = start
        var records = cores.map {
            CoreRecords(
                core: UInt16($0), start: start.nanoseconds, tracepoints: tracepoints, isIdleTold: isIdleTold)
        }
        for (core, lost) in lostBefore.enumerated() {
            records.append(
                CoreRecords(core: UInt16(core), start: start.nanoseconds, tracepoints: nil, lostBefore: lost))
        }
        patience = program?.patience ?? 1
        merge = EventMerge(records)
        rings.turn(on: true)
        self.rings = rings
        self.program = program
    }

    deinit { buffer.deallocate() }

    func wait(seconds: Double) { rings.wait(seconds: min(seconds, patience)) }

    func stop() {
        program?.stop()
        rings.turn(on: false)
    }

    /// - Parameter limit: nanoseconds since the trace began; what is younger is kept for the next time.
    func read(before limit: UInt64, into events: inout [SwitchEvent]) {
        for index in cores.indices {
            rings.read(index, into: buffer) { merge.cores[index].take($0) }
        }
        for core in 0..<(program?.coreCount ?? 0) {
            let lost = program?.lostCount(core) ?? 0
            program?.read(core, into: buffer) { merge.cores[cores.count + core].take(program: $0, lost: lost) }
        }
        threads.beginBatch()
        merge.take(before: limit) { threads.pass($0, into: &events) }
    }

    var damagedBytes: Int { merge.cores.reduce(0) { $0 + $1.damagedBytes } }

    /// What the kernel says itself, or else what stood in the rings.
    func lostCount() -> UInt64 {
        let (ofRings, ofProgram) = (merge.cores[..<cores.count], merge.cores[cores.count...])
        return max(rings.lostCount() ?? 0, ofRings.reduce(0) { $0 &+ $1.lost }) &+ ofProgram.reduce(0) { $0 &+ $1.lost }
    }
}
