package import Model

/// What malloc has at an address: a block in use, or free memory that it keeps.
package struct HeapPlace: Hashable, Sendable {
    package enum Fate: String, Hashable, Sendable, CaseIterable {
        /// In use, and a root leads to it.
        case reachable
        /// In use, and only pointers into the middle of a block lead to it.
        case possible
        /// Never freed, and nothing leads to it.
        case lost
        /// Not in use.
        case free
    }

    /// Where malloc keeps what is free.
    package enum FreeList: String, Hashable, Sendable, CaseIterable {
        case bin, fastbin, threadCache
        /// The end of an arena, from which nothing was taken yet or everything came back.
        case top
    }

    /// The first usable byte.
    package let start: UInt64
    /// Usable: what malloc_usable_size would say.
    package let bytes: UInt64
    /// nil where nothing tells.
    package let type: String?
    package let fate: Fate
    /// nil of a block in use.
    package let freeList: FreeList?

    package init(start: UInt64, bytes: UInt64, type: String?, fate: Fate, freeList: FreeList? = nil) {
        self.start = start
        self.bytes = bytes
        self.type = type
        self.fate = fate
        self.freeList = freeList
    }
}

extension ProcessGraph {
    /// Of the process when it was looked at, ascending.
    package var mappings: [Mapping] { image.mappings }

    /// Where its threads stood when it was looked at.
    package var threads: [AddressSpaceFacts.Thread] {
        image.threads.map {
            AddressSpaceFacts.Thread(tid: $0.tid, nameBytes: $0.nameBytes, stackPointer: $0.stackPointer)
        }
    }

    /// nil for what is no block's: malloc's own records, and memory that it does not manage. Free memory is known only where
    /// the graph keeps the heap's layout.
    package func place(at address: UInt64) -> HeapPlace? {
        let found = index.find(address)
        guard found >= 0 else { return freePlace(at: address) }
        let block = BlockIndex.id(found)
        let fate: HeapPlace.Fate =
            switch states[Int(block)] {
            case Verdict.reachable.rawValue: .reachable
            case Verdict.possible.rawValue: .possible
            default: .lost
            }
        return HeapPlace(
            start: index.start(block), bytes: index.usable(block), type: types.name(types.type(of: block)), fate: fate)
    }

    private func freePlace(at address: UInt64) -> HeapPlace? {
        guard let free = layout?.free else { return nil }
        let after = (0..<free.count).partitioningIndex { free[$0].address > address }
        guard after > 0, let list = HeapPlace.FreeList(free[after - 1].kind) else { return nil }
        let chunk = free[after - 1]
        let start = chunk.address &+ MallocLayout.header
        // A block reaches into the header of the next chunk (glibc 2.36 malloc.c, malloc_chunk); behind the top is none.
        let end = list == .top ? chunk.end : chunk.end &+ 8
        guard address >= start, address < end else { return nil }
        return HeapPlace(start: start, bytes: end - start, type: nil, fate: .free, freeList: list)
    }
}

extension HeapPlace.FreeList {
    fileprivate init?(_ kind: FreeChunk.Kind) {
        switch kind {
        case .bin: self = .bin
        case .fastbin: self = .fastbin
        case .threadCache: self = .threadCache
        case .top: self = .top
        case .fencepost: return nil
        }
    }
}
