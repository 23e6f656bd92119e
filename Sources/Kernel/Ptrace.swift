package import SystemPackage

import CLinux
import Glibc

/// The requests of `ptrace` that nusu uses, for threads attached to with PTRACE_SEIZE (man 2 ptrace).
///
/// All must come from the thread that attached; all but `seize` and `interrupt` need a stopped thread. ESRCH: the thread
/// is gone, not stopped, or not ours.
package enum Ptrace {
    package struct Options: OptionSet, Sendable {
        package let rawValue: UInt64
        package init(rawValue: UInt64) { self.rawValue = rawValue }
        /// System call stops are told from SIGTRAP.
        package static let markSystemCalls = Options(rawValue: 1)
        /// The child of a clone is attached to before its first instruction.
        package static let traceClone = Options(rawValue: 8)
        /// A thread stops at its end, while its memory is still there.
        package static let traceExit = Options(rawValue: 0x40)
        /// The tracee is killed when its tracer ends. Only ever for a child that nusu made.
        package static let exitKill = Options(rawValue: 0x0010_0000)
    }

    /// Attaches without stopping. EPERM: not permitted, traced already, or a zombie.
    package static func seize(_ thread: Int32, options: Options = []) throws(Errno) {
        try request(0x4206, thread, 0, options.rawValue)
    }

    /// Asks a running thread to stop; the stop is reported as `WaitStatus.interrupted`.
    package static func interrupt(_ thread: Int32) throws(Errno) {
        try request(0x4207, thread, 0, 0)
    }

    package static func setOptions(_ options: Options, of thread: Int32) throws(Errno) {
        try request(0x4200, thread, 0, options.rawValue)
    }

    /// Resumes, handing `signal` on (0: none).
    package static func resume(_ thread: Int32, signal: Int32 = 0) throws(Errno) {
        try request(7, thread, 0, UInt64(signal))
    }

    /// Resumes up to the next entry to or exit from a system call.
    package static func resumeToSystemCall(_ thread: Int32, signal: Int32 = 0) throws(Errno) {
        try request(24, thread, 0, UInt64(signal))
    }

    /// Leaves a thread in its group stop (PTRACE_LISTEN): SIGCONT makes it go on, as without a tracer.
    package static func listen(_ thread: Int32) throws(Errno) {
        try request(0x4208, thread, 0, 0)
    }

    /// Lets go of a stopped thread, which runs on (or stays in its group stop), handing `signal` on (0: none).
    package static func detach(_ thread: Int32, signal: Int32 = 0) throws(Errno) {
        try request(17, thread, 0, UInt64(signal))
    }

    /// PTRACE_GETEVENTMSG: after a clone the new thread's identifier in nusu's own pid namespace; at a thread's end its wait
    /// status.
    package static func eventMessage(of thread: Int32) throws(Errno) -> UInt64 {
        var message: UInt64 = 0
        try withPointer(&message) { (pointer) throws(Errno) in try request(0x4201, thread, 0, pointer) }
        return message
    }

    package static func registers(of thread: Int32) throws(Errno) -> Registers {
        var raw = user_regs_struct()
        try withPointer(&raw) { (pointer) throws(Errno) in try request(12, thread, 0, pointer) }
        return Registers(raw: raw)
    }

    package static func setRegisters(_ registers: Registers, of thread: Int32) throws(Errno) {
        var raw = registers.raw
        try withPointer(&raw) { (pointer) throws(Errno) in try request(13, thread, 0, pointer) }
    }

    /// The extended state in the standard XSAVE format (NT_X86_XSTATE); the kernel chooses the length.
    package static func extendedState(of thread: Int32) throws(Errno) -> [UInt8] {
        // Today's processors need at most 11 KiB, the greater part for matrix tiles.
        var buffer = [UInt8](repeating: 0, count: 32 * 1024)
        var count = 0
        let code: Errno? = buffer.withUnsafeMutableBytes { bytes in
            var vector = iovec(iov_base: bytes.baseAddress, iov_len: bytes.count)
            do throws(Errno) {
                try withPointer(&vector) { (pointer) throws(Errno) in try request(0x4204, thread, 0x202, pointer) }
            } catch { return error }
            count = min(vector.iov_len, bytes.count)
            return nil
        }
        if let code { throw code }
        return Array(buffer[..<count])
    }

    /// The signals that the thread blocks, bit n-1 for signal n. In a call that blocks others for its duration
    /// (sigsuspend, ppoll) the ones blocked outside of it.
    package static func signalMask(of thread: Int32) throws(Errno) -> UInt64 {
        var mask: UInt64 = 0
        try withPointer(&mask) { (pointer) throws(Errno) in try request(0x420a, thread, 8, pointer) }
        return mask
    }

    package static func setSignalMask(_ mask: UInt64, of thread: Int32) throws(Errno) {
        var mask = mask
        try withPointer(&mask) { (pointer) throws(Errno) in try request(0x420b, thread, 8, pointer) }
    }

    /// Where the thread's `struct rseq` lies; nil when it has none, or the kernel does not say (before 5.13).
    package static func restartableSequence(of thread: Int32) -> UInt64? {
        var configuration = clinux_rseq_configuration()
        let size = UInt64(MemoryLayout<clinux_rseq_configuration>.size)
        do throws(Errno) {
            try withPointer(&configuration) { (pointer) throws(Errno) in try request(0x420f, thread, size, pointer) }
        } catch { return nil }
        return configuration.abi_pointer == 0 ? nil : configuration.abi_pointer
    }

    /// Whether the thread has its system calls dispatched to itself (prctl PR_SET_SYSCALL_USER_DISPATCH).
    package static func dispatchesSystemCalls(_ thread: Int32) -> Bool {
        var configuration = clinux_dispatch_configuration()
        let size = UInt64(MemoryLayout<clinux_dispatch_configuration>.size)
        do throws(Errno) {
            try withPointer(&configuration) { (pointer) throws(Errno) in try request(0x4211, thread, size, pointer) }
        } catch { return false }
        return configuration.mode != 0
    }

    /// The values that come with signals which wait to be delivered (`sigqueue`, timers, message queues: man 2 sigaction,
    /// si_value), to the thread or, `shared`, to its process. They stay queued.
    package static func queuedValues(of thread: Int32, shared: Bool) -> [UInt64] {
        // sizeof(siginfo_t), and the places of si_code and of si_value behind si_pid and si_uid or si_timerid and si_overrun.
        let (size, code, value) = (128, 8, 24)
        let batch = 32
        var values: [UInt64] = []
        var arguments = clinux_peek_signals(offset: 0, flags: shared ? 1 : 0, count: Int32(batch))
        var buffer = [UInt8](repeating: 0, count: batch * size)
        while arguments.offset < UInt64(queueLimit) {
            let count = buffer.withUnsafeMutableBytes { bytes in
                withUnsafePointer(to: &arguments) { pointer in
                    clinux_ptrace(
                        0x4209, thread, UInt64(UInt(bitPattern: pointer)),
                        UInt64(UInt(bitPattern: bytes.baseAddress)))
                }
            }
            guard count > 0, count <= batch else { break }
            buffer.withUnsafeBytes { bytes in
                for start in stride(from: 0, to: count * size, by: size) {
                    // SI_QUEUE, SI_TIMER, SI_MESGQ, SI_ASYNCIO
                    guard (-4 ... -1).contains(bytes.loadUnaligned(fromByteOffset: start + code, as: Int32.self)) else {
                        continue
                    }
                    values.append(bytes.loadUnaligned(fromByteOffset: start + value, as: UInt64.self))
                }
            }
            guard count == batch else { break }
            arguments.offset += UInt64(batch)
        }
        return values
    }

    /// A user may have no more signals queued than RLIMIT_SIGPENDING says, which is some 10,000 to 100,000.
    private static let queueLimit = 1 << 18

    private static func request(_ request: Int, _ thread: Int32, _ address: UInt64, _ data: UInt64) throws(Errno) {
        _ = try checked(retries: false) { clinux_ptrace(request, thread, address, data) }
    }

    private static func withPointer<Value>(
        _ value: inout Value, _ body: (UInt64) throws(Errno) -> Void
    ) throws(Errno) {
        let code: Errno? = withUnsafeMutablePointer(to: &value) { pointer in
            do throws(Errno) {
                try body(UInt64(UInt(bitPattern: pointer)))
                return nil
            } catch { return error }
        }
        if let code { throw code }
    }
}
