import Model

/// Offsets in glibc's allocator structures on x86-64, in bytes.
/// Source: glibc 2.36 malloc/malloc.c (`malloc_state`, `malloc_par`, `tcache_perthread_struct`) and malloc/arena.c
/// (`heap_info`). The README beside this file draws them.
enum MallocLayout {
    // struct malloc_state
    static let flags: UInt64 = 0x04
    static let fastbins: UInt64 = 0x10
    static let fastbinCount = 10
    static let top: UInt64 = 0x60
    static let bins: UInt64 = 0x70
    static let binCount = 127
    static let next: UInt64 = 0x870
    static let attachedThreads: UInt64 = 0x880
    static let systemMemory: UInt64 = 0x888
    static let maxSystemMemory: UInt64 = 0x890
    static let stateSize: UInt64 = 0x898
    /// In `flags`: the arena's memory has holes (`NONCONTIGUOUS_BIT`).
    static let nonContiguous: UInt32 = 2

    // struct heap_info: the head of each 64 MiB aligned heap of a thread arena
    static let heapMaximum: UInt64 = 64 << 20
    static let heapArena: UInt64 = 0x00
    static let heapPrevious: UInt64 = 0x08
    static let heapSize: UInt64 = 0x10

    // struct tcache_perthread_struct: a block of this chunk size with uint16 counts[64] and then entries[64]
    static let tcacheChunkSize: UInt64 = 0x290
    static let tcacheBins = 64
    static let tcacheEntries: UInt64 = 0x80

    // A chunk: prev_size, size with three flags in its low bits, then the block's memory
    static let header: UInt64 = 16
    static let minimumChunk: UInt64 = 32
    static let previousInUse: UInt64 = 1
    static let isMapped: UInt64 = 2
    static let flagBits: UInt64 = 7

    /// The largest amount of memory that an arena can plausibly have: the user half of a 47-bit address space.
    static let plausibleMemory: UInt64 = 1 << 46

    /// Safe-linking (since 2.32): the pointer stored at `position` is XORed with that position, shifted by a page.
    @inline(__always)
    static func reveal(_ stored: UInt64, at position: UInt64) -> UInt64 { stored ^ (position >> 12) }
}

/// One `malloc_state`, read out.
struct Arena {
    let address: UInt64
    let top: UInt64
    let next: UInt64
    let systemMemory: UInt64
    let isContiguous: Bool
    /// How many threads allocate from it; 0 when all that did have ended.
    let attachedThreads: UInt64
    /// Heads of the fastbin lists: chunk addresses, the first not protected by safe-linking.
    let fastbins: [UInt64]

    init?(at address: UInt64, reader: any MemoryReader) {
        guard let words = reader.words(at: address, count: Int(MallocLayout.stateSize / 8)) else { return nil }
        self.address = address
        top = words[Int(MallocLayout.top / 8)]
        next = words[Int(MallocLayout.next / 8)]
        systemMemory = words[Int(MallocLayout.systemMemory / 8)]
        isContiguous = UInt32(truncatingIfNeeded: words[0] >> 32) & MallocLayout.nonContiguous == 0
        attachedThreads = words[Int(MallocLayout.attachedThreads / 8)]
        let first = Int(MallocLayout.fastbins / 8)
        fastbins = Array(words[first..<first + MallocLayout.fastbinCount])
    }
}
