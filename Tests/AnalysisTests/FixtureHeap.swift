import Model

@testable import Analysis

/// A process with a glibc heap, laid out by hand: a libc with main_arena, a break area with chunks, one thread's stack.
struct FixtureHeap {
    static let libcData = AddressRange(0x7f00_0010_0000, 0x7f00_0010_4000)
    static let arena = libcData.lower + 0xc80
    static let heapStart: UInt64 = 0x5555_0000_0000
    static let stack = AddressRange(0x7ffd_0000_0000, 0x7ffd_0002_0000)
    static let stackPointer = stack.lower + 0x10000
    /// The program's data: its words are roots.
    static let data = AddressRange(0x5554_0000_0000, 0x5554_0000_4000)
    static let code = AddressRange(0x5553_ffff_0000, 0x5554_0000_0000)

    let memory = FixtureMemory()
    let layout: MallocLayout
    private(set) var next = heapStart
    private var rootSlot = data.lower
    private let heapEnd: UInt64

    init(heapBytes: UInt64 = 1 << 20, layout: MallocLayout = .withFastbins) {
        self.layout = layout
        heapEnd = FixtureHeap.heapStart + heapBytes
        memory.map(FixtureHeap.libcData)
        memory.map(AddressRange(FixtureHeap.heapStart, heapEnd))
        memory.map(FixtureHeap.stack)
        memory.map(FixtureHeap.data)
        let top = FixtureHeap.arena + layout.top
        for bin in 0..<UInt64(MallocLayout.binCount) {
            let own = top + MallocLayout.bins + bin * 16 - 16
            memory.write(own, at: own + 16)
            memory.write(own, at: own + 24)
        }
        memory.write(FixtureHeap.arena, at: top + MallocLayout.next)
        memory.write(heapBytes, at: top + MallocLayout.systemMemory)
        memory.write(heapBytes, at: top + MallocLayout.maxSystemMemory)
        finish()
    }

    /// Adds a block in use and returns the address of its memory. `usable` is rounded up as malloc does it.
    mutating func block(_ usable: UInt64) -> UInt64 {
        let size = max((usable + 8 + 15) & ~15, 32)
        let chunk = next
        memory.write(size | MallocLayout.previousInUse, at: chunk + 8)
        next += size
        finish()
        return chunk + 16
    }

    /// Adds a free chunk with a footer; the next block's PREV_INUSE is clear.
    mutating func hole(_ size: UInt64) {
        let chunk = next
        memory.write(size | MallocLayout.previousInUse, at: chunk + 8)
        memory.write(size, at: chunk + size)
        next += size
        finish(previousInUse: false)
        holeBefore = next
    }

    private var holeBefore: UInt64?

    /// A block right behind a hole.
    mutating func blockAfterHole(_ usable: UInt64) -> UInt64 {
        let start = block(usable)
        let size = max((usable + 8 + 15) & ~15, 32)
        memory.write(size, at: start - 8)
        return start
    }

    /// Makes a pointer to `address` a root.
    mutating func root(_ address: UInt64) {
        memory.write(address, at: rootSlot)
        rootSlot += 8
    }

    /// Writes the top chunk behind the last block.
    private func finish(previousInUse: Bool = true) {
        memory.write(next, at: FixtureHeap.arena + layout.top)
        memory.write((heapEnd - next) | (previousInUse ? 1 : 0), at: next + 8)
    }

    /// - Parameter areas: other anonymous memory, between libc's data and the stack.
    func image(registers: [UInt64] = [], adding areas: [AddressRange] = []) -> MemoryImage {
        let library = Array("/lib/libc.so.6".utf8)
        let program = Array("/usr/bin/fixture".utf8)
        return MemoryImage(
            process: ProcessIdentity(pid: 4242, startTicks: 1, commandBytes: Array("fixture".utf8)),
            mappings: [
                Mapping(
                    range: FixtureHeap.code, permissions: [.read, .execute], fileOffset: 0x1000, deviceMajor: 8,
                    inode: 11, nameBytes: program),
                Mapping(
                    range: FixtureHeap.data, permissions: [.read, .write], fileOffset: 0x3000, deviceMajor: 8,
                    inode: 11, nameBytes: program),
                Mapping(
                    range: AddressRange(FixtureHeap.heapStart, heapEnd), permissions: [.read, .write],
                    nameBytes: Array("[heap]".utf8)),
                Mapping(
                    range: FixtureHeap.libcData, permissions: [.read, .write], fileOffset: 0x1000, deviceMajor: 8,
                    inode: 12, nameBytes: library),
            ] + areas.map { Mapping(range: $0, permissions: [.read, .write]) } + [
                Mapping(range: FixtureHeap.stack, permissions: [.read, .write], nameBytes: Array("[stack]".utf8))
            ],
            threads: [
                ThreadState(
                    tid: 4242, stackPointer: FixtureHeap.stackPointer, instructionPointer: 0x5554_ffff_0000,
                    threadPointer: 0, generalRegisters: registers, vectorState: [])
            ],
            reader: memory)
    }

    /// Runs the whole analysis; nil when it does not come to a result.
    func findings(_ options: LeakAnalysis.Options = .init(addressLimit: .max), registers: [UInt64] = [])
        -> LeakFindings?
    {
        LeakAnalysis.run(image: image(registers: registers), options)?.findings
    }
}
