/// What one stopped thread had in its processor: the words from which memory can still be reached.
package struct ThreadState: Hashable, Sendable {
    package let tid: Int32
    /// The thread's name (`/proc/PID/task/TID/comm`), raw bytes.
    package let nameBytes: [UInt8]
    package let stackPointer: UInt64
    package let instructionPointer: UInt64
    /// Base of the thread's control block (`fs_base` on x86-64), 0 where it has none.
    package let threadPointer: UInt64
    /// Every general register: rax, rbx, rcx, rdx, rsi, rdi, rbp, and others in no order that matters.
    package let generalRegisters: [UInt64]
    /// rbp; nil where the registers are not known.
    package var framePointer: UInt64? { generalRegisters.count > 6 ? generalRegisters[6] : nil }
    /// The extended state (x87, SSE, AVX, …) as the kernel gives it (NT_X86_XSTATE); empty where it gave none.
    package let vectorState: [UInt8]

    package init(
        tid: Int32, nameBytes: [UInt8] = [], stackPointer: UInt64, instructionPointer: UInt64, threadPointer: UInt64,
        generalRegisters: [UInt64], vectorState: [UInt8]
    ) {
        self.tid = tid
        self.nameBytes = nameBytes
        self.stackPointer = stackPointer
        self.instructionPointer = instructionPointer
        self.threadPointer = threadPointer
        self.generalRegisters = generalRegisters
        self.vectorState = vectorState
    }
}
