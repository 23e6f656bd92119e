package import SystemPackage

import Glibc

/// A thread as it was stopped.
package struct StoppedThread: Sendable {
    package let thread: Int32
    package let registers: Registers
    /// NT_X86_XSTATE; empty where the kernel gives none.
    package let extendedState: [UInt8]

    /// Reads it from a thread that is held stopped.
    package init(_ thread: Int32) throws(Errno) {
        self.thread = thread
        registers = try Ptrace.registers(of: thread)
        extendedState = (try? Ptrace.extendedState(of: thread)) ?? []
    }
}

/// One system call run inside one stopped thread of a target, in such a way that the target comes to no harm when nusu
/// dies at any moment of it: what is injected goes back to the original state by itself (`SignalFrame`).
///
/// The order matters. The frame is in place before the registers point to it; signals are blocked only once the
/// registers are those whose frame unblocks them again; on the way back they are unblocked first and the registers
/// last, so that between any two steps the thread can be let go.
package struct Injection {
    package enum Phase: Sendable, CaseIterable {
        case frameWritten
        case registersSet
        case signalsBlocked
        case callEntered
        case childCreated
        case callReturned
        case signalsRestored
        case registersRestored
        case stackRestored
    }

    package enum Refusal: Error, Hashable, Sendable {
        /// The frame cannot be made or written: nothing was changed.
        case impossible
        /// The thread ended, or did not come back in time. The owning thread must end, so that the kernel lets go.
        case lost
    }

    let stopped: StoppedThread
    let gadgets: Gadgets
    let signalMask: UInt64
    let frame: SignalFrame
    let deadline: Moment

    /// - Parameter seconds: how long the call may take. Copying page tables takes 15 ms per GiB.
    package init(into stopped: StoppedThread, gadgets: Gadgets, within seconds: Double) throws(Refusal) {
        guard let mask = try? Ptrace.signalMask(of: stopped.thread),
            let frame = SignalFrame(
                registers: stopped.registers, state: stopped.extendedState, signalMask: mask, gadgets: gadgets)
        else { throw .impossible }
        self.stopped = stopped
        self.gadgets = gadgets
        self.frame = frame
        signalMask = mask
        deadline = Moment.now.after(seconds: seconds)
    }

    /// The bytes below the stack pointer that are overwritten for the time of the call.
    package static let stackBytes: UInt64 = 8 * 1024

    /// Makes a copy of the process that stops before its first instruction and is traced by the calling thread.
    ///
    /// Returns the copy's process identifier, or the error with which `clone` failed.
    package func fork(
        memory: borrowing MemoryFile, note: (Phase) -> Void
    ) throws(Refusal) -> Result<Int32, Errno> {
        let call = InjectedCall.fork(childStack: frame.childStackPointer)
        var child: Int32?
        let result = try run(call, options: [.markSystemCalls, .traceClone], memory: memory, note: note) {
            () throws(Errno) in
            // With an interruption pending clone would not even begin, so that one comes only once it has succeeded.
            try Ptrace.resumeToSystemCall(stopped.thread)
            let status = try WaitStatus.wait(for: stopped.thread, until: deadline)
            if status.isEnd { throw .noSuchProcess }
            if status == .child {
                child = Int32(truncatingIfNeeded: try Ptrace.eventMessage(of: stopped.thread))
                note(.childCreated)
            }
        }
        if let child { return .success(child) }
        return .failure(Errno(rawValue: Int32(truncatingIfNeeded: -max(min(result, -1), -4095))))
    }

    /// Runs a call that makes no process. Returns its result, a negated error number for a failure.
    package func call(
        _ call: InjectedCall, memory: borrowing MemoryFile, note: (Phase) -> Void
    ) throws(Refusal) -> Int64 {
        try run(call, options: .markSystemCalls, memory: memory, note: note) { () throws(Errno) in }
    }

    private func run(
        _ call: InjectedCall, options: Ptrace.Options, memory: borrowing MemoryFile, note: (Phase) -> Void,
        inCall: () throws(Errno) -> Void
    ) throws(Refusal) -> Int64 {
        let thread = stopped.thread
        guard let overwritten = memory.bytes(at: frame.address, count: frame.bytes.count) else { throw .impossible }
        do throws(Errno) {
            try memory.write(frame.bytes, at: frame.address)
            note(.frameWritten)
            try Ptrace.setOptions(options, of: thread)
        } catch {
            try? memory.write(overwritten, at: frame.address)
            throw .impossible
        }
        do throws(Errno) {
            var injected = stopped.registers
            injected.setSystemCall(call, at: gadgets.call, stackPointer: frame.stackPointer)
            try Ptrace.setRegisters(injected, of: thread)
            note(.registersSet)
            try Ptrace.setSignalMask(UInt64.max, of: thread)
            note(.signalsBlocked)
            try enterCall()
            note(.callEntered)
            try inCall()
            try Ptrace.interrupt(thread)
            try Ptrace.resume(thread)
            try awaitStop()
            note(.callReturned)
            let result = Int64(bitPattern: try Ptrace.registers(of: thread).accumulator)
            try Ptrace.setSignalMask(signalMask, of: thread)
            note(.signalsRestored)
            // With the original call's number in them: the kernel itself restarts it from here.
            try Ptrace.setRegisters(stopped.registers, of: thread)
            note(.registersRestored)
            // Below the red zone nothing of the program's can be missing; they are put back all the same.
            try memory.write(overwritten, at: frame.address)
            note(.stackRestored)
            try Ptrace.setOptions([], of: thread)
            return result
        } catch {
            throw .lost
        }
    }

    private func enterCall() throws(Errno) {
        try Ptrace.resumeToSystemCall(stopped.thread)
        for _ in 0..<64 {
            switch try WaitStatus.wait(for: stopped.thread, until: deadline) {
            case .systemCall: return
            case .exited, .killed: throw .noSuchProcess
            // SIGSTOP cannot be blocked; the stop of the group begins when all others run again.
            case .signal(let signal): try Ptrace.resumeToSystemCall(stopped.thread, signal: signal)
            // A group stop, or an interruption that came twice.
            case .interrupted, .child, .event: try Ptrace.resumeToSystemCall(stopped.thread)
            }
        }
        throw .timedOut
    }

    private func awaitStop() throws(Errno) {
        for _ in 0..<64 {
            switch try WaitStatus.wait(for: stopped.thread, until: deadline) {
            case .interrupted: return
            case .exited, .killed: throw .noSuchProcess
            case .signal(let signal): try Ptrace.resume(stopped.thread, signal: signal)
            case .systemCall, .child, .event: try Ptrace.resume(stopped.thread)
            }
        }
        throw .timedOut
    }
}
