import Model

/// What a finder of one allocator found: the blocks, and which memory belongs to the allocator and so holds no roots.
struct HeapScan {
    var index: BlockIndex
    /// Memory that the allocator manages, ascending, merged: blocks, free chunks, headers, bookkeeping. Never a root.
    var managed: [AddressRange]
    /// The allocator's own structures outside of `managed` (main_arena in libc's data). Never a root.
    var structures: [AddressRange]
    var arenas: Int
    var freeBytes: UInt64
    /// What could not be walked: each is a gap, its memory counts as root, and the result is a lower bound.
    var torn: [TornPart]
    /// The mapping in which the allocator's own variables lie: it names the module that carries malloc.
    var home: Mapping
    /// The allocator's version as its module states it; nil where it does not.
    var version: String?
    /// What is free and where; nil where nobody asked.
    var layout: HeapLayout?
    /// Where the heap holds nothing that can be a pointer.
    var plain: PlainPages?
    /// The allocator's own tables that lie in blocks.
    var tables = BlockTables()

    /// A part of the heap that does not hang together: the snapshot caught the allocator in mid-operation, or the
    /// program has overwritten the allocator's own words.
    struct TornPart: Hashable {
        let range: AddressRange
        let reason: String
    }
}

/// Blocks that the allocator has made for tables of its own. They end before their blocks do: what stands behind them nobody has
/// written since the memory was somebody else's, and it is no pointer of anybody.
struct BlockTables: Sendable {
    /// By the blocks' starts.
    private let bytes: [UInt64: UInt64]
    /// Shorter blocks have none.
    private let least: UInt64

    init(bytes: [UInt64: UInt64] = [:]) {
        self.bytes = bytes
        least = bytes.values.min() ?? .max
    }

    /// How much of the block is to be read.
    @inline(__always)
    func extent(of start: UInt64, usable: UInt64) -> UInt64 {
        // Only a block of about that size can be one.
        guard usable >= least, usable < 1024 else { return usable }
        return min(bytes[start] ?? usable, usable)
    }
}
