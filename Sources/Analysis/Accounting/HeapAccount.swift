package import Model

/// What the memory of a heap that is in RAM consists of: bytes of resident pages, each page shared out among what lies on it.
package struct HeapBytes: Hashable, Sendable {
    /// Blocks in use that something reaches, or may reach.
    package var live: UInt64 = 0
    package var lost: UInt64 = 0
    /// The rest of each arena behind its last chunk.
    package var top: UInt64 = 0
    /// Free chunks in the unsorted, small and large bins.
    package var bins: UInt64 = 0
    package var fastbins: UInt64 = 0
    /// Free chunks that threads keep for themselves (tcache).
    package var threadCaches: UInt64 = 0
    /// Headers of chunks, of heaps and of arenas, and what is lost to alignment.
    package var bookkeeping: UInt64 = 0

    package init() {}

    /// Free, and kept by malloc.
    package var free: UInt64 { top + bins + fastbins + threadCaches }
    package var total: UInt64 { live + lost + free + bookkeeping }

    package static func += (left: inout HeapBytes, right: HeapBytes) {
        left.live += right.live
        left.lost += right.lost
        left.top += right.top
        left.bins += right.bins
        left.fastbins += right.fastbins
        left.threadCaches += right.threadCaches
        left.bookkeeping += right.bookkeeping
    }
}

/// One arena of malloc's.
package struct ArenaUse: Hashable, Sendable {
    package let address: UInt64
    /// The arena that grows by the program break.
    package let isMain: Bool
    /// Threads that allocate from it; 0 when all that did have ended.
    package let attachedThreads: UInt64
    /// Memory that it has taken from the kernel, resident or not.
    package var mappedBytes: UInt64 = 0
    package var resident = HeapBytes()

    package init(address: UInt64, isMain: Bool, attachedThreads: UInt64) {
        self.address = address
        self.isMain = isMain
        self.attachedThreads = attachedThreads
    }

    /// All threads that allocated from it have ended, and it waits for a new one.
    package var isOrphaned: Bool { !isMain && attachedThreads == 0 }
}

/// A heap's part of the resident set.
package struct HeapAccount: Hashable, Sendable {
    package var arenas: [ArenaUse] = []
    /// Blocks that have a mapping of their own.
    package var mapped = HeapBytes()
    /// What `malloc_trim(0)` would give back to the kernel.
    package var trimmableBytes: UInt64 = 0
    /// Free bytes in the middle of pages that stay because blocks in use lie on them too.
    package var pinnedBytes: UInt64 = 0
    /// The blocks in use on those of these pages that are at least half free.
    package var pinning = Tally()
    /// How many of them have fewer than `smallBlock` bytes.
    package var smallPinning = 0
    /// The memory that is accounted for here, ascending, merged.
    package var covered: [AddressRange] = []
    /// Parts of the heap that did not hang together, ascending, merged: not accounted for.
    package var torn: [AddressRange] = []

    package static let smallBlock: UInt64 = 64

    package init() {}

    package var total: HeapBytes {
        var sum = mapped
        for arena in arenas { sum += arena.resident }
        return sum
    }

    /// Free bytes in arenas whose threads have ended.
    package var orphanedFreeBytes: UInt64 {
        arenas.reduce(0) { $0 + ($1.isOrphaned ? $1.resident.free : 0) }
    }
}
