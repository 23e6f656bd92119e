import Model

/// How a release of glibc lays out its allocator's structures on x86-64. Offsets in bytes.
/// Source: glibc 2.27, 2.31, 2.36, 2.42, 2.43 and 2.44 malloc/malloc.c (`malloc_state`) and malloc/arena.c (`heap_info`). The
/// README beside this file draws them.
enum MallocLayout: CaseIterable {
    /// 2.27 to 2.42.
    case withFastbins
    /// Since 2.43: no `have_fastchunks`, no `fastbinsY`; and a chunk of own mapping does not count its trailing 16 bytes.
    case withoutFastbins

    // struct malloc_state: what comes before `top`
    static let flags: UInt64 = 0x04
    static let fastbins: UInt64 = 0x10
    /// The offset of `top`.
    var top: UInt64 { self == .withFastbins ? 0x60 : 0x08 }
    var fastbinCount: Int { self == .withFastbins ? 10 : 0 }

    // struct malloc_state from `top` on: the same in all releases. Offsets from `top`.
    static let bins: UInt64 = 0x10
    static let binCount = 127
    static let next: UInt64 = 0x810
    static let attachedThreads: UInt64 = 0x820
    static let systemMemory: UInt64 = 0x828
    static let maxSystemMemory: UInt64 = 0x830
    static let end: UInt64 = 0x838

    /// sizeof(malloc_state): 0x898, or 0x840.
    var stateSize: UInt64 { top + MallocLayout.end }
    /// In `flags`: the arena's memory has holes (`NONCONTIGUOUS_BIT`).
    static let nonContiguous: UInt32 = 2

    /// What the size of a chunk of own mapping leaves out of its mapping (2.43 malloc.c, `mmap_size`).
    var uncountedMapping: UInt64 { self == .withFastbins ? 0 : 16 }

    // struct heap_info: the head of each 64 MiB aligned heap of a thread arena
    static let heapMaximum: UInt64 = 64 << 20
    static let heapArena: UInt64 = 0x00
    static let heapPrevious: UInt64 = 0x08
    static let heapSize: UInt64 = 0x10

    // A chunk: prev_size, size with three flags in its low bits, then the block's memory
    static let header: UInt64 = 16
    static let minimumChunk: UInt64 = 32
    static let previousInUse: UInt64 = 1
    static let isMapped: UInt64 = 2
    static let flagBits: UInt64 = 7
    /// In the first word of a chunk of own mapping, beside its distance from the mapping's start: of huge pages (since 2.43).
    static let hugeMapping: UInt64 = 1

    /// The largest amount of memory that an arena can plausibly have: the user half of a 47-bit address space.
    static let plausibleMemory: UInt64 = 1 << 46
}

/// One `malloc_state`, read out.
struct Arena {
    let address: UInt64
    let layout: MallocLayout
    let top: UInt64
    let next: UInt64
    let systemMemory: UInt64
    let isContiguous: Bool
    /// How many threads allocate from it; 0 when all that did have ended.
    let attachedThreads: UInt64
    /// Heads of the fastbin lists: chunk addresses, not protected by safe-linking.
    let fastbins: [UInt64]

    /// The structure itself.
    var range: AddressRange { AddressRange(address, address + layout.stateSize) }

    init?(at address: UInt64, layout: MallocLayout, reader: any MemoryReader) {
        guard let words = reader.words(at: address, count: Int(layout.stateSize / 8)) else { return nil }
        func word(behindTop offset: UInt64) -> UInt64 { words[Int((layout.top + offset) / 8)] }
        self.address = address
        self.layout = layout
        top = word(behindTop: 0)
        next = word(behindTop: MallocLayout.next)
        systemMemory = word(behindTop: MallocLayout.systemMemory)
        isContiguous = UInt32(truncatingIfNeeded: words[0] >> 32) & MallocLayout.nonContiguous == 0
        attachedThreads = word(behindTop: MallocLayout.attachedThreads)
        fastbins = Array(words[Int(MallocLayout.fastbins / 8)...].prefix(layout.fastbinCount))
    }
}
