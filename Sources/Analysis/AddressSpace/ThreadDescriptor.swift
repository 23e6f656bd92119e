import Model

/// A thread's descriptor (glibc `struct pthread`), found by its shape: its first and third word point to itself (`tcb` and
/// `self` of tcbhead_t), so no offset beyond those has to be believed.
struct ThreadDescriptor: Hashable {
    /// The thread pointer.
    let address: UInt64
    /// nil for a thread that has ended and whose stack is kept.
    let thread: Int32?
    /// The stack with its guard as the descriptor states it; nil for the main thread.
    let stack: AddressRange?

    /// `tid` and `list` (glibc 2.36 nptl/descr.h, x86-64: behind the 704 bytes of tcbhead_t). Checked by what they lead to:
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
}
