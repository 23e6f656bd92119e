import Kernel
import Model

/// Which stopped thread may run an injected call.
struct InjectionPlace {
    let mappings: [Mapping]
    let memory: OpenMemory
    let gadgets: Gadgets

    /// How much room a stack other than the main thread's must have: the frame, and what signal handlers may need below.
    private static let roomBytes: UInt64 = 16 << 10

    /// The threads that can, best first: one whose system call is restarted unnoticed before one whose call returns
    /// EINTR to the program.
    func candidates(among threads: [StoppedThread]) -> [StoppedThread] {
        threads.filter(isSuitable).sorted { $0.registers.interruption < $1.registers.interruption }
    }

    func isSuitable(_ thread: StoppedThread) -> Bool {
        let registers = thread.registers
        guard registers.isLongMode, !thread.extendedState.isEmpty, hasRoom(below: registers.stackPointer),
            isCode(registers.instructionPointer)
        else { return false }
        return !isInRestartableSequence(thread) && !Ptrace.dispatchesSystemCalls(thread.thread)
    }

    /// Only stacks that are known to be stacks: the main thread's, and mappings with a guard below. On any other memory
    /// what lies below the stack pointer may be somebody else's.
    private func hasRoom(below stackPointer: UInt64) -> Bool {
        guard let index = index(at: stackPointer) else { return false }
        let mapping = mappings[index]
        guard mapping.isAnonymous, mapping.permissions.isSuperset(of: [.read, .write]) else { return false }
        let room = stackPointer - mapping.range.lower
        if mapping.isMainStack { return room >= Injection.stackBytes }
        guard room >= InjectionPlace.roomBytes, index > 0 else { return false }
        let guardMapping = mappings[index - 1]
        return guardMapping.range.upper == mapping.range.lower
            && guardMapping.permissions.isDisjoint(with: [.read, .write, .execute])
    }

    private func isCode(_ address: UInt64) -> Bool {
        index(at: address).map { mappings[$0].permissions.contains(.execute) && mappings[$0].name != "[vsyscall]" }
            ?? false
    }

    /// Inside a restartable sequence the kernel would, on the way back, see foreign instructions and not abort it: what
    /// it half did would stand (man 2 rseq).
    private func isInRestartableSequence(_ thread: StoppedThread) -> Bool {
        guard let area = Ptrace.restartableSequence(of: thread.thread) else { return false }
        // struct rseq: cpu_id_start, cpu_id, rseq_cs. What cannot be read is taken for a sequence.
        guard let descriptor = memory.file.word(at: area &+ 8) else { return true }
        guard descriptor != 0 else { return false }
        // struct rseq_cs: version and flags, start_ip, post_commit_offset, abort_ip.
        guard let start = memory.file.word(at: descriptor &+ 8), let length = memory.file.word(at: descriptor &+ 16)
        else { return true }
        return thread.registers.instructionPointer &- start < length
    }

    private func index(at address: UInt64) -> Int? {
        var low = 0
        var high = mappings.count
        while low < high {
            let middle = (low + high) / 2
            if mappings[middle].range.upper <= address { low = middle + 1 } else { high = middle }
        }
        return low < mappings.count && mappings[low].range.contains(address) ? low : nil
    }
}
