package import SystemPackage

import CLinux
import Glibc

/// Programs of nusu's own at the hooks of the kernel's scheduler, and the memory into which they write what happens (man 2 bpf): the
/// cheapest way to learn of every switch. They change nothing, and the kernel takes them away when nusu ends, however it ends.
package struct SchedulerProgram: ~Copyable {
    /// One thing that happened, as it lies in the memory.
    package struct Record: Hashable, Sendable {
        package enum Kind: UInt8, Sendable {
            /// The first thread leaves its core, the second comes.
            case leaving = 1
            /// The first thread is woken; the second runs where that is done.
            case waking = 2
            /// The first thread is moved.
            case migration = 3
        }

        package static let bytes = SchedulerCode.recordBytes

        /// Nanoseconds of CLOCK_MONOTONIC.
        package var time: UInt64
        package var kind: Kind
        package var first: (process: Int32, thread: Int32)
        package var second: (process: Int32, thread: Int32)
        /// A leaving thread's state (include/linux/sched.h), or the core of one that is woken or moves.
        package var value: UInt32
        /// Whether a leaving thread was preempted; at a wake-up preempt_count() (include/linux/preempt.h).
        package var flags: UInt32

        package static func == (left: Record, right: Record) -> Bool {
            left.time == right.time && left.kind == right.kind && left.first == right.first
                && left.second == right.second && left.value == right.value && left.flags == right.flags
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(time)
            hasher.combine(first.thread)
        }

        /// nil where the bytes are none.
        /// - Parameter offset: at least `bytes` before the end.
        package init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
            guard offset >= 0, offset + Record.bytes <= bytes.count else { return nil }
            func word(_ at: Int) -> Int32 { bytes.loadUnaligned(fromByteOffset: offset + at, as: Int32.self) }
            let tail = UInt32(bitPattern: word(28))
            guard let kind = Kind(rawValue: UInt8(truncatingIfNeeded: tail)) else { return nil }
            time = bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            self.kind = kind
            first = (word(12), word(8))
            second = (word(20), word(16))
            value = UInt32(bitPattern: word(24))
            flags = tail >> 8
        }
    }

    package let coreCount: Int
    /// Of one core's ring.
    package let bytesPerCore: Int

    private let memory: UnsafeMutableRawPointer
    private let memoryBytes: Int
    /// Of the memory and the programs, then of the hooks at which they run.
    private let descriptors: [Int32]
    private var hooks: [Int32]

    /// Hands the programs to the kernel, which checks them; they run from then on.
    ///
    /// - Parameter bytes: of all rings together, at most, and 512 KiB for each of many cores.
    ///
    /// Throws EPERM without CAP_BPF and CAP_PERFMON, EINVAL or EACCES where the kernel does not take them: one before Linux 5.18, or
    /// one that is laid out in another way.
    ///
    /// The corresponding C functions are `bpf` and `mmap`.
    package init(_ layout: SchedulerLayout, bytes: Int) throws(Errno) {
        let cores = max(1, min(sysconf(Int32(_SC_NPROCESSORS_CONF)), 4096))
        var size = 8 << 20
        while size > 512 << 10, size * cores > bytes { size >>= 1 }
        let whole = SchedulerCode.ringsOffset(cores: cores) + size * cores
        var opened: [Int32] = []
        do throws(Errno) {
            let shared = try checked { clinux_bpf_memory(UInt32(whole)) }
            opened.append(shared)
            let code = SchedulerCode(memory: shared, cores: cores, ringBytes: size, layout: layout)
            for (program, hook) in [
                (code.leaving(), layout.hooks.leaving), (code.waking(), layout.hooks.waking),
                (code.waking(), layout.hooks.wakeupNew), (code.migration(), layout.hooks.migration),
            ] {
                opened.append(try checked { clinux_bpf_program(program, UInt32(program.count), hook) })
            }
            let programs = opened.dropFirst()
            for program in programs { opened.append(try checked { clinux_bpf_attach(program) }) }
            let mapped = mmap(nil, whole, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0)
            guard let mapped, mapped != UnsafeMutableRawPointer(bitPattern: -1) else { throw Errno(rawValue: errno) }
            memory = mapped
        } catch {
            for descriptor in opened { close(descriptor) }
            throw error
        }
        coreCount = cores
        bytesPerCore = size
        memoryBytes = whole
        descriptors = Array(opened[..<5])
        hooks = Array(opened[5...])
    }

    deinit {
        for descriptor in descriptors + hooks { close(descriptor) }
        munmap(memory, memoryBytes)
    }

    /// The programs run no more; what they wrote can still be read.
    package mutating func stop() {
        for hook in hooks { close(hook) }
        hooks = []
    }

    /// The longest time between two readings in which the fastest storm that was ever seen (four million records a second on
    /// one core) fills a ring by half.
    package var patience: Double { Double(bytesPerCore / 2 / SchedulerCode.recordBytes) / 4e6 }

    /// Takes out what has been written to one core's ring since the last time. The bytes live only as long as the call.
    ///
    /// - Parameter buffer: of at least `bytesPerCore`.
    package borrowing func read<Result>(
        _ core: Int, into buffer: UnsafeMutableRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        let head = memory + core * SchedulerCode.headBytes
        let ring = UnsafeRawBufferPointer(
            start: memory + SchedulerCode.ringsOffset(cores: coreCount) + core * bytesPerCore, count: bytesPerCore)
        let written = clinux_load64(head)
        let count = SwitchRings.unwrap(
            ring, from: clinux_load64(head + SchedulerCode.readOffset), to: written, into: buffer)
        clinux_store64(head + SchedulerCode.readOffset, written)
        return body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }

    /// How many records of one core found no room so far.
    package borrowing func lostCount(_ core: Int) -> UInt64 {
        clinux_load64(memory + core * SchedulerCode.headBytes + SchedulerCode.lostOffset)
    }
}
