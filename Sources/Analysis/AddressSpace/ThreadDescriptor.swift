import Model

/// A thread's descriptor (glibc `struct pthread`), found by its shape: its first and third word point to itself (`tcb` and
/// `self` of tcbhead_t). What lies further in is checked by what it leads to.
struct ThreadDescriptor: Hashable {
    /// The thread pointer.
    let address: UInt64
    /// nil for a thread that has ended and whose stack is kept.
    let thread: Int32?
    /// The stack with its guard as the descriptor states it; nil for the main thread.
    let stack: AddressRange?

    /// `tid` and `list` (glibc 2.31 to 2.44, nptl/descr.h, x86-64: behind the 704 bytes of tcbhead_t). Checked by what they lead to:
    /// a number that is no thread's names none.
    private static let threadOffset: UInt64 = 0x2d0
    static let listOffset: UInt64 = 0x2c0
    /// Stack bounds stand within so many words in every version.
    private static let words = 512
    /// What lies between a descriptor and the end of its stack at most.
    private static let descriptorLimit: UInt64 = 1 << 20
    /// Descriptors are aligned so.
    static let alignment: UInt64 = 64
    /// sizeof(struct pthread), rounded up.
    static let bytes: UInt64 = 0x900

    /// - Parameter threads: the numbers of those that live, by the numbers that they know themselves by.
    init?(at address: UInt64, reader: any MemoryReader, threads: [Int32: Int32]) {
        guard address & (ThreadDescriptor.alignment - 1) == 0, let head = reader.words(at: address, count: 3),
            head[0] == address, head[2] == address
        else { return nil }
        self.address = address
        let number = reader.word32(at: address &+ ThreadDescriptor.threadOffset).map { Int32(bitPattern: $0) }
        thread = number.flatMap { threads[$0] }
        stack = ThreadDescriptor.stack(of: address, below: address, reader: reader)
    }

    /// The stack's bounds as the descriptor states them (glibc nptl/descr.h, `stackblock` and `stackblock_size`): two words
    /// of which the first is page aligned, below the stack pointer, and the second reaches over the descriptor. Found by that
    /// shape, since the offset differs between versions.
    static func stack(
        of descriptor: UInt64, below stackPointer: UInt64, reader: any MemoryReader
    ) -> AddressRange? {
        var words = [UInt64](repeating: 0, count: ThreadDescriptor.words)
        let got = words.withUnsafeMutableBytes { reader.read(at: descriptor, into: $0) } / 8
        guard got > 1 else { return nil }
        for index in 0..<(got - 1) {
            let start = words[index]
            let size = words[index + 1]
            guard start != 0, start & 4095 == 0, start < stackPointer, size & 4095 == 0, size < 1 << 40,
                start + size > descriptor, start + size - descriptor < descriptorLimit
            else { continue }
            return AddressRange(start, start + size)
        }
        return nil
    }

    // MARK: - glibc's own lists

    /// More nodes than that hold no list together.
    private static let listLimit = 1 << 17
    /// What lies between the heads of the lists, which stand side by side: `_dl_stack_used`, `_dl_stack_user` (of stacks that
    /// are not the C library's, in which is the main thread's), `_dl_stack_cache` (glibc 2.34 and later,
    /// sysdeps/generic/ldsodefs.h, `_rtld_global`).
    private static let headBytes: UInt64 = 16

    /// Descriptors of the threads that the C library knows. Since 2.42 nothing else tells their stacks from other memory, for a
    /// guard need be no mapping of its own.
    struct Lists {
        /// Of threads that run, will run, or have ended and are to be joined.
        var used: [UInt64] = []
        /// Of threads that are gone: their stacks are kept for new ones.
        var kept: [UInt64] = []
    }

    /// - Parameter main: the main thread's descriptor. Empty where it leads to no lists.
    static func lists(main: UInt64, reader: any MemoryReader) -> Lists {
        guard let head = head(ofListWith: main, reader) else { return Lists() }
        return Lists(used: list(at: head &- headBytes, reader), kept: list(at: head &+ headBytes, reader))
    }

    /// Whether the thread was joined, which glibc before 2.43 notes in the place of its number (pthread_join_common.c).
    static func isJoined(_ descriptor: UInt64, _ reader: any MemoryReader) -> Bool {
        reader.word32(at: descriptor &+ threadOffset) == .max
    }

    /// The node of the list that is in no descriptor.
    private static func head(ofListWith descriptor: UInt64, _ reader: any MemoryReader) -> UInt64? {
        var node = descriptor &+ listOffset
        for _ in 0..<listLimit {
            guard let next = next(behind: node, reader) else { return nil }
            if !isDescriptor(next &- listOffset, reader) { return next }
            node = next
            if node == descriptor &+ listOffset { return nil }
        }
        return nil
    }

    /// Empty where the list is, or where this is the head of none.
    private static func list(at head: UInt64, _ reader: any MemoryReader) -> [UInt64] {
        var found: [UInt64] = []
        var node = head
        for _ in 0..<listLimit {
            guard let next = next(behind: node, reader) else { return [] }
            if next == head { return found }
            guard isDescriptor(next &- listOffset, reader) else { return [] }
            found.append(next &- listOffset)
            node = next
        }
        return []
    }

    private static func next(behind node: UInt64, _ reader: any MemoryReader) -> UInt64? {
        guard let next = reader.word(at: node), next & 7 == 0, reader.word(at: next &+ 8) == node else { return nil }
        return next
    }

    private static func isDescriptor(_ address: UInt64, _ reader: any MemoryReader) -> Bool {
        address & (alignment - 1) == 0 && reader.word(at: address) == address
            && reader.word(at: address &+ 16) == address
    }
}
