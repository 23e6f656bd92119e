import CLinux

/// Where in the target the instructions lie with which an injected state restores itself.
package struct Gadgets: Hashable, Sendable {
    /// `syscall; ret`
    package static let callBytes: [UInt8] = [0x0f, 0x05, 0xc3]
    /// `mov $15, %eax; syscall`, and the same with %rax, as in glibc's own return from signals: rt_sigreturn.
    package static let returnBytes: [[UInt8]] = [
        [0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05], [0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05],
    ]
    /// `pop %rax; ret`: with it `syscall; ret` does for rt_sigreturn too.
    package static let popBytes: [UInt8] = [0x58, 0xc3]

    package enum Return: Hashable, Sendable {
        case direct(UInt64)
        case popped(UInt64)
    }

    package let call: UInt64
    package let `return`: Return

    package init(call: UInt64, return: Return) {
        self.call = call
        self.return = `return`
    }

    /// What lies on the stack at the `ret` behind the call, up to the signal frame's context.
    var chain: [UInt64] {
        switch `return` {
        case .direct(let address): [address]
        case .popped(let address): [address, 15, call]
        }
    }

    /// Whether the instructions are (still) there.
    package func areIntact(in memory: borrowing MemoryFile) -> Bool {
        guard memory.bytes(at: call, count: 3) == Gadgets.callBytes else { return false }
        switch `return` {
        case .direct(let address):
            return Gadgets.returnBytes.contains { memory.bytes(at: address, count: $0.count) == $0 }
        case .popped(let address): return memory.bytes(at: address, count: 2) == Gadgets.popBytes
        }
    }
}

/// The bytes that go below a stopped thread's red zone: from them the thread (and the child of an injected clone) goes
/// back to what it did by rt_sigreturn, whether or not its tracer still lives.
///
/// From low to high addresses: the parent's chain and context, the parent's extended state, the child's chain and
/// context. The parent's is the lowest because the stack pointer is at its start: a signal handler that runs meanwhile
/// gets its frame below all of them.
///
/// Layout: arch/x86/include/uapi/asm/sigcontext.h, ucontext.h; arch/x86/kernel/signal_64.c, fpu/signal.c.
package struct SignalFrame: Sendable {
    package let address: UInt64
    package let bytes: [UInt8]
    /// The stack pointer with which the parent starts.
    package var stackPointer: UInt64 { address }
    /// The stack pointer for the child.
    package let childStackPointer: UInt64

    /// The System V ABI lets leaf functions use 128 bytes below the stack pointer.
    package static let redZone: UInt64 = 128

    /// - Parameters:
    ///   - registers: of the stopped thread, as ptrace gave them.
    ///   - state: its extended state; nil when this one cannot be restored from a frame.
    package init?(registers: Registers, state: [UInt8], signalMask: UInt64, gadgets: Gadgets) {
        guard let state = ExtendedState(state) else { return nil }
        let chain = gadgets.chain
        let contextBytes = SignalFrame.roundUp(chain.count * 8 + Context.size)
        let stateBytes = SignalFrame.roundUp(state.frame.count)
        let total = 2 * contextBytes + stateBytes
        guard registers.stackPointer > UInt64(total) + 4096 else { return nil }
        // XRSTOR wants its area aligned to 64.
        let base = (registers.stackPointer - SignalFrame.redZone - UInt64(total)) & ~63
        let statePointer = base + UInt64(contextBytes)
        let childBase = statePointer + UInt64(stateBytes)

        var bytes: [UInt8] = []
        bytes.reserveCapacity(total)
        func append(_ part: [UInt8], upTo count: Int) {
            bytes += part
            bytes += repeatElement(0, count: count - part.count)
        }
        let parent = Context(registers.resumedByFrame, signalMask: signalMask, statePointer: statePointer)
        append(littleEndian(chain) + parent.bytes, upTo: contextBytes)
        append(state.frame, upTo: stateBytes)

        // A child that is let go does nothing but end: exit_group(0).
        var ending = registers
        ending.setSystemCall(
            InjectedCall(number: 231, arguments: (0, 0, 0, 0)), at: gadgets.call, stackPointer: childBase)
        let child = Context(ending, signalMask: UInt64.max, statePointer: 0)
        append(littleEndian(chain) + child.bytes, upTo: contextBytes)

        self.address = base
        self.bytes = bytes
        self.childStackPointer = childBase
    }

    private static func roundUp(_ count: Int) -> Int { (count + 63) & ~63 }
}

/// `struct ucontext` as the kernel reads it back.
private struct Context {
    static let size = 304
    let bytes: [UInt8]

    init(_ registers: Registers, signalMask: UInt64, statePointer: UInt64) {
        let raw = registers.raw
        // UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS: the stack segment is restored as it was; UC_FP_XSTATE.
        let flags: UInt64 = statePointer == 0 ? 6 : 7
        // The thread's own alternate signal stack cannot be read from outside. Flags that no kernel takes (EINVAL) leave
        // it as it is: restore_altstack ignores every error but EFAULT.
        let alternateStack: [UInt64] = [0, 0x7, 0]
        let segments = (raw.cs & 0xffff) | (raw.ss & 0xffff) << 48
        let words: [UInt64] =
            [flags, 0] + alternateStack + [
                raw.r8, raw.r9, raw.r10, raw.r11, raw.r12, raw.r13, raw.r14, raw.r15, raw.rdi, raw.rsi, raw.rbp,
                raw.rbx, raw.rdx, raw.rax, raw.rcx, raw.rsp, raw.rip, raw.eflags, segments,
                // err, trapno, oldmask, cr2
                0, 0, 0, 0, statePointer,
            ] + [UInt64](repeating: 0, count: 8) + [signalMask]
        bytes = littleEndian(words)
    }
}

/// The extended state of a thread, made fit for a signal frame.
struct ExtendedState {
    /// With the software-reserved bytes and both magic numbers.
    let frame: [UInt8]

    private static let magic1: UInt32 = 0x4650_5853
    private static let magic2: UInt32 = 0x4650_5845
    /// AMX tile configuration and data.
    private static let tiles: UInt64 = 1 << 17 | 1 << 18
    private static let protectionKeys: UInt64 = 1 << 9

    /// nil when `state` is no XSAVE area, or when the thread uses AMX tiles: their 8 KiB are not always permitted in a
    /// frame, and a frame larger than the kernel expects would lose all vector registers.
    init?(_ state: [UInt8]) {
        guard state.count >= 576, state.count <= 32 * 1024 else { return nil }
        // Offset 464: the components that the kernel knows of (ptrace fills it in). Offset 512: the ones not in their
        // initial state.
        let known = word(state, at: 464)
        var used = word(state, at: 512)
        guard used & ExtendedState.tiles == 0, used >> 63 == 0 else { return nil }
        // ptrace gives the key register's value but does not mark it as used; a frame without it would reset it.
        if known & ExtendedState.protectionKeys != 0 { used |= ExtendedState.protectionKeys }
        var size = 576
        for component in 2..<63 where used >> UInt64(component) & 1 != 0 {
            var length: UInt32 = 0
            var offset: UInt32 = 0
            clinux_xsave_component(UInt32(component), &length, &offset)
            size = max(size, Int(length) + Int(offset))
        }
        guard size <= state.count else { return nil }

        var frame = Array(state[..<size])
        store(littleEndian([used]), in: &frame, at: 512)
        // struct _fpx_sw_bytes: magic1, extended_size, xfeatures, xstate_size, padding.
        store(
            littleEndian([UInt64(ExtendedState.magic1) | UInt64(size + 4) << 32, used | 3, UInt64(size)]), in: &frame,
            at: 464)
        store([UInt8](repeating: 0, count: 24), in: &frame, at: 488)
        frame += littleEndian([UInt64(ExtendedState.magic2)]).prefix(4)
        self.frame = frame
    }
}

private func littleEndian(_ words: [UInt64]) -> [UInt8] {
    words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) } }
}

private func word(_ bytes: [UInt8], at offset: Int) -> UInt64 {
    (0..<8).reduce(0) { $0 | UInt64(bytes[offset + $1]) << (8 * UInt64($1)) }
}

private func store(_ part: [UInt8], in bytes: inout [UInt8], at offset: Int) {
    bytes.replaceSubrange(offset..<(offset + part.count), with: part)
}
