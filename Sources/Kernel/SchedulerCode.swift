// SPDX-License-Identifier: Apache-2.0 OR BSD-2-Clause OR GPL-2.0-only
//
// nusu is under the Apache License 2.0. The instructions that this file makes may also be used under the BSD 2-Clause License or
// the GNU General Public License, version 2: the kernel lets programs read its memory only if they are under a licence that goes
// with its own, and is told "Dual BSD/GPL" of these (clinux_bpf_program; include/linux/license.h).

/// The instructions of the programs that run at the scheduler's hooks (Documentation/bpf/standardization/instruction-set.rst), made
/// for one kernel's layout. The kernel checks them before it runs them: that they end, and touch nothing but their own memory.
///
/// Each writes one record of 32 bytes into the ring of its core and goes on: the hooks run with interrupts off, so that a core has
/// one writer at a time, and no lock is needed.
///
/// | bytes | what |
/// |---|---|
/// | 0 | time of CLOCK_MONOTONIC |
/// | 8, 12 | thread and process: who leaves, is woken, or moves |
/// | 16, 20 | thread and process: who comes, or wakes |
/// | 24 | a leaving thread's state; the core of one that is woken or moves |
/// | 28 | `Kind` in the low byte; above it whether a leaving thread was preempted, or at a wake-up the count of preempt_count() |
struct SchedulerCode {
    enum Kind: UInt8 {
        case leaving = 1
        case waking = 2
        case migration = 3
    }

    static let recordBytes = 32
    /// A core's part of the memory's head: how much has been written, how much was lost, how much has been read.
    static let headBytes = 128
    static let lostOffset = 8
    static let readOffset = 64

    /// The descriptor of the memory.
    let memory: Int32
    let cores: Int
    /// Of a core's ring, a power of two.
    let ringBytes: Int
    let layout: SchedulerLayout

    private var code: [UInt64] = []

    init(memory: Int32, cores: Int, ringBytes: Int, layout: SchedulerLayout) {
        self.memory = memory
        self.cores = cores
        self.ringBytes = ringBytes
        self.layout = layout
    }

    /// Where the rings begin: behind all heads, on a page.
    static func ringsOffset(cores: Int) -> Int { (cores * headBytes + 4095) & ~4095 }

    // MARK: - The programs

    /// sched_switch(preempt, prev, next, prev_state), since Linux 5.18.
    func leaving() -> [UInt64] {
        var program = started()
        let full = program.begin()
        program.storeThread(argument: 1, at: 8)
        program.storeThread(argument: 2, at: 16)
        program.add(.load64, 4, 6, 3 * 8)
        program.add(.store32, 5, 4, 24)
        program.add(.load64, 4, 6, 0)
        program.end(.leaving, full)
        return program.code
    }

    /// sched_waking(p), sched_wakeup_new(p).
    func waking() -> [UInt64] {
        var program = started()
        // Who runs now, and whether it was interrupted, onto the stack.
        program.add(.storeNumber64, 10, 0, -16, 0)
        program.call(.currentNumbers)
        program.add(.store64, 10, 0, -8)
        program.call(.currentTask)
        program.add(.load64, 1, 0, layout.fairQueue)
        let none = program.jump(.ifEqual, 1, 0)
        program.add(.load64, 3, 1, layout.coreQueue)
        program.add(.addNumber, 3, 0, 0, layout.preemptCount)
        program.add(.move, 1, 10)
        program.add(.addNumber, 1, 0, 0, -16)
        program.add(.moveNumber, 2, 0, 0, 4)
        program.call(.readKernel)
        program.land(none)
        let full = program.begin()
        program.storeThread(argument: 0, at: 8)
        program.add(.load32, 4, 1, layout.core)
        program.add(.store32, 5, 4, 24)
        program.add(.load64, 4, 10, -8)
        program.add(.store64, 5, 4, 16)
        program.add(.load64, 4, 10, -16)
        program.end(.waking, full)
        return program.code
    }

    /// sched_migrate_task(p, dest_cpu).
    func migration() -> [UInt64] {
        var program = started()
        let full = program.begin()
        program.storeThread(argument: 0, at: 8)
        program.add(.load64, 4, 6, 8)
        program.add(.store32, 5, 4, 24)
        program.add(.moveNumber, 4, 0, 0, 0)
        program.end(.migration, full)
        return program.code
    }

    // MARK: - What they share

    /// The arguments come in r1, which calls do not keep.
    private func started() -> SchedulerCode {
        var program = self
        program.add(.move, 6, 1)
        return program
    }

    /// r6: the hook's arguments, r2: the core's head, r3: bytes written so far, r5: the place of the new record, with its time.
    /// - Returns: the jumps to be taken where there is no room, and where the core has no ring.
    private mutating func begin() -> (full: Int, none: Int) {
        call(.time)
        add(.move, 7, 0)
        call(.core)
        add(.move, 8, 0)
        let none = jump(.ifNotBelow, 8, cores)
        // The memory's address is two instructions.
        code.append(SchedulerCode.encoded(.memory, 9, 2, 0, Int(memory)))
        code.append(0)
        add(.move, 1, 8)
        add(.shiftNumber, 1, 0, 0, SchedulerCode.headBytes.trailingZeroBitCount)
        add(.move, 2, 9)
        add(.add, 2, 1)
        add(.load64, 3, 2, 0)
        add(.load64, 4, 2, SchedulerCode.readOffset)
        add(.move, 5, 3)
        add(.subtract, 5, 4)
        let full = jump(.ifAbove, 5, ringBytes - SchedulerCode.recordBytes)
        add(.move, 4, 3)
        add(.andNumber, 4, 0, 0, ringBytes - SchedulerCode.recordBytes)
        add(.move, 1, 8)
        add(.shiftNumber, 1, 0, 0, ringBytes.trailingZeroBitCount)
        add(.add, 4, 1)
        add(.addNumber, 4, 0, 0, SchedulerCode.ringsOffset(cores: cores))
        add(.move, 5, 9)
        add(.add, 5, 4)
        add(.store64, 5, 7, 0)
        return (full, none)
    }

    /// The numbers of the hook's argument, a task_struct; leaves its address in r1.
    private mutating func storeThread(argument: Int, at offset: Int) {
        add(.load64, 1, 6, argument * 8)
        add(.load32, 4, 1, layout.thread)
        add(.store32, 5, 4, offset)
        add(.load32, 4, 1, layout.process)
        add(.store32, 5, 4, offset + 4)
    }

    /// r4: what goes above the kind.
    private mutating func end(_ kind: Kind, _ jumps: (full: Int, none: Int)) {
        add(.shiftNumber, 4, 0, 0, 8)
        add(.orNumber, 4, 0, 0, Int(kind.rawValue))
        add(.store32, 5, 4, 28)
        add(.addNumber, 3, 0, 0, SchedulerCode.recordBytes)
        // Stores are seen in their order on x86-64: the record is whole when its head says so.
        add(.store64, 2, 3, 0)
        add(.moveNumber, 0, 0, 0, 0)
        add(.exit)
        land(jumps.full)
        add(.load64, 3, 2, SchedulerCode.lostOffset)
        add(.addNumber, 3, 0, 0, 1)
        add(.store64, 2, 3, SchedulerCode.lostOffset)
        land(jumps.none)
        add(.moveNumber, 0, 0, 0, 0)
        add(.exit)
    }

    // MARK: - Instructions

    private enum Operation: UInt64 {
        case memory = 0x18
        case load32 = 0x61
        case load64 = 0x79
        case store32 = 0x63
        case store64 = 0x7b
        case storeNumber64 = 0x7a
        case move = 0xbf
        case moveNumber = 0xb7
        case add = 0x0f
        case addNumber = 0x07
        case subtract = 0x1f
        case andNumber = 0x57
        case orNumber = 0x47
        case shiftNumber = 0x67
        case ifEqual = 0x15
        case ifAbove = 0x25
        case ifNotBelow = 0x35
        case call = 0x85
        case exit = 0x95
    }

    /// Functions of the kernel (include/uapi/linux/bpf.h).
    private enum Function: Int {
        case time = 5
        case core = 8
        case currentNumbers = 14
        case readKernel = 113
        case currentTask = 158
    }

    private static func encoded(
        _ operation: Operation, _ destination: UInt64 = 0, _ source: UInt64 = 0, _ offset: Int = 0, _ number: Int = 0
    ) -> UInt64 {
        operation.rawValue | destination << 8 | source << 12
            | UInt64(UInt16(truncatingIfNeeded: offset)) << 16 | UInt64(UInt32(truncatingIfNeeded: number)) << 32
    }

    private mutating func add(
        _ operation: Operation, _ destination: UInt64 = 0, _ source: UInt64 = 0, _ offset: Int = 0, _ number: Int = 0
    ) {
        code.append(SchedulerCode.encoded(operation, destination, source, offset, number))
    }

    private mutating func call(_ function: Function) { add(.call, 0, 0, 0, function.rawValue) }

    /// - Returns: its place, for `land`.
    private mutating func jump(_ condition: Operation, _ register: UInt64, _ number: Int) -> Int {
        add(condition, register, 0, 0, number)
        return code.count - 1
    }

    /// The jump goes to what is added next.
    private mutating func land(_ jump: Int) {
        let distance = UInt16(truncatingIfNeeded: code.count - jump - 1)
        code[jump] = code[jump] & ~(0xffff << 16) | UInt64(distance) << 16
    }
}
