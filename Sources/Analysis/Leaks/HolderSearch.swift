import Model

/// One word that points to (or into) a block: why it is not lost.
package struct Holder: Hashable, Sendable {
    /// Where the word lies: a root of some kind, or nil when in another block.
    package let root: RootKind?
    /// The word's own address; nil for a register and for what only the kernel holds.
    package let address: UInt64?
    /// The block that the word lies in; nil for roots.
    package let block: UInt64?
    /// Distance of the pointer from the held block's start; 0 for a pointer to the start.
    package let offset: UInt64
}

/// What was asked of one address: which block it lies in, its verdict, and what holds it.
package struct AskedBlock: Hashable, Sendable {
    package enum Fate: String, Sendable {
        case definite
        case indirect
        case possible
        case reachable
        /// No block in use lies there.
        case none
    }

    /// The address as it was asked for.
    package let asked: UInt64
    package let fate: Fate
    /// The block's first usable byte and usable size; 0 when there is none.
    package let start: UInt64
    package let size: UInt64
    /// At most `holderLimit`, roots first.
    package let holders: [Holder]

    package static let holderLimit = 16
}

/// Looks for every word that points to given blocks: roots and blocks are read once more, so this runs only when asked.
struct HolderSearch {
    let image: MemoryImage
    let roots: Roots
    let index: BlockIndex

    /// `fate` says the verdict of a block.
    func answer(_ addresses: [UInt64], fate: (BlockID) -> AskedBlock.Fate) -> [AskedBlock] {
        let found = addresses.map { index.find($0) }
        var wanted: [BlockID: [Holder]] = [:]
        for id in found where id >= 0 { wanted[BlockIndex.id(id)] = [] }
        collect(&wanted)
        return zip(addresses, found).map { asked, found in
            guard found >= 0 else { return AskedBlock(asked: asked, fate: .none, start: 0, size: 0, holders: []) }
            let id = BlockIndex.id(found)
            return AskedBlock(
                asked: asked, fate: fate(id), start: index.start(id), size: index.usable(id), holders: wanted[id] ?? [])
        }
    }

    private func collect(_ wanted: inout [BlockID: [Holder]]) {
        guard let lowest = wanted.keys.map({ index.start($0) }).min(),
            let highest = wanted.keys.map({ index.start($0) + index.usable($0) }).max()
        else { return }

        func note(_ word: UInt64, _ root: RootKind?, _ address: UInt64?, _ block: BlockID?) {
            guard word >= lowest, word < highest else { return }
            let found = index.find(word)
            guard found >= 0, let holders = wanted[BlockIndex.id(found)], holders.count < AskedBlock.holderLimit,
                BlockIndex.id(found) != block
            else { return }
            let holder = Holder(
                root: root, address: address, block: block.map { index.start($0) },
                offset: word - index.start(BlockIndex.id(found)))
            wanted[BlockIndex.id(found)]?.append(holder)
        }

        for (word, kind) in roots.words { note(word, kind, nil, nil) }
        for word in roots.chunkWords { note(word &+ MallocLayout.header, .register, nil, nil) }
        let scanner = WordScanner(reader: image.reader, windowBytes: 1 << 20)
        for region in roots.regions {
            if region.stride == 1 {
                scanner.scanBytes(region.range) { note($0, region.kind, $1, nil) }
            } else {
                scanner.scan(region.range, gapsMatter: true) { note($0, region.kind, $1, nil) }
            }
        }
        for number in 0..<index.count {
            let id = BlockID(number)
            let start = index.start(id)
            scanner.scan(AddressRange(start, start + index.usable(id)), gapsMatter: number >= index.smallCount) {
                note($0, nil, $1, id)
            }
        }
    }
}
