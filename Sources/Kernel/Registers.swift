import CLinux

/// The general registers of a stopped thread on x86-64 (user_regs_struct, sys/user.h).
package struct Registers: Sendable {
    var raw: user_regs_struct

    init(raw: user_regs_struct) { self.raw = raw }

    package var instructionPointer: UInt64 {
        get { raw.rip }
        set { raw.rip = newValue }
    }
    package var stackPointer: UInt64 {
        get { raw.rsp }
        set { raw.rsp = newValue }
    }
    /// Base of the thread's control block.
    package var threadPointer: UInt64 { raw.fs_base }
    /// Result of a system call, or its number before it.
    package var accumulator: UInt64 {
        get { raw.rax }
        set { raw.rax = newValue }
    }
    /// The system call that the thread is in; -1 when it is in none, and then the kernel has nothing to restart.
    package var systemCall: Int64 {
        get { Int64(bitPattern: raw.orig_rax) }
        set { raw.orig_rax = UInt64(bitPattern: newValue) }
    }

    /// The thread runs 64-bit code (the code segment of x86-64 Linux's user space).
    package var isLongMode: Bool { raw.cs == 0x33 }

    /// Every register that can hold a pointer, base addresses of segments included.
    package var words: [UInt64] {
        [
            raw.rax, raw.rbx, raw.rcx, raw.rdx, raw.rsi, raw.rdi, raw.rbp, raw.rsp, raw.r8, raw.r9, raw.r10, raw.r11,
            raw.r12, raw.r13, raw.r14, raw.r15, raw.rip, raw.fs_base, raw.gs_base,
        ]
    }

    /// A system call number and up to four arguments, to start at a `syscall` instruction at `gadget`.
    mutating func setSystemCall(_ call: InjectedCall, at gadget: UInt64, stackPointer: UInt64) {
        raw.rip = gadget
        raw.rsp = stackPointer
        raw.rax = UInt64(bitPattern: call.number)
        raw.rdi = call.arguments.0
        raw.rsi = call.arguments.1
        raw.rdx = call.arguments.2
        raw.r10 = call.arguments.3
        raw.r8 = 0
        raw.r9 = 0
        // Else the kernel would take the injected state for the interrupted call's and restart that.
        raw.orig_rax = UInt64.max
    }

    /// How the call that the thread was stopped in goes on.
    package enum Interruption: Int, Comparable, Sendable {
        /// It is started again as if nothing had happened.
        case restarts
        /// The thread runs in its own code, or its call had just ended.
        case none
        /// It goes on with the time that is left (nanosleep, poll).
        case resumes
        /// It returns EINTR to the program, whoever stopped it (signal(7) lists these calls).
        case fails

        package static func < (left: Interruption, right: Interruption) -> Bool { left.rawValue < right.rawValue }
    }

    package var interruption: Interruption {
        guard systemCall >= 0 else { return .none }
        // include/linux/errno.h: ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND, ERESTART_RESTARTBLOCK.
        switch Int64(bitPattern: raw.rax) {
        case -512, -513, -514: return .restarts
        case -516: return .resumes
        case -4: return .fails
        default: return .none
        }
    }

    /// What a signal frame must hold so that the thread goes on by itself: the kernel does not restart a call on the way
    /// back from a frame, so the frame goes back to the `syscall` instruction with the call's number.
    var resumedByFrame: Registers {
        var result = self
        switch interruption {
        case .restarts, .resumes:
            result.raw.rip = raw.rip &- 2
            result.raw.rax = raw.orig_rax
        case .none, .fails: break
        }
        return result
    }
}

/// A system call to run inside a stopped thread.
package struct InjectedCall: Sendable {
    package let number: Int64
    package let arguments: (UInt64, UInt64, UInt64, UInt64)

    /// wait4 for one child without an exit signal; never waits.
    package static func reap(_ child: Int32) -> InjectedCall {
        // WNOHANG and __WALL: what is no zombie (any more) must not hold the thread up.
        InjectedCall(number: 61, arguments: (UInt64(UInt32(bitPattern: child)), 0, 0x4000_0001, 0))
    }

    /// A copy of the process that never ran: no exit signal, so that nobody is told of its end, and the descriptor
    /// table shared (CLONE_FILES), so that its end closes nothing and holds nothing open.
    static func fork(childStack: UInt64) -> InjectedCall {
        InjectedCall(number: 56, arguments: (0x400, childStack, 0, 0))
    }
}
