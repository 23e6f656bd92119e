import Model

/// A graph together with the few words of memory that belong into its file: from here on the memory is not needed.
package struct SavableGraph: Sendable {
    package let process: ProcessGraph
    /// Ascending by address.
    let words: [SavedWords.Word]

    /// Asks the memory that the graph was built from. The graph must have been built with `keepsPositions`.
    package init(_ process: ProcessGraph) {
        self.process = process
        let window = WindowReader(process.image.reader, windowBytes: 1 << 16)
        let counts = SavableGraph.movedCounts(process, window) + SavableGraph.sharedCounts(process, window)
        words = (SavableGraph.modulePointers(process, window) + counts)
            .sorted { $0.address < $1.address }
    }

    /// What lost blocks without a type point to outside of the heap: findings describe such blocks by it.
    private static func modulePointers(_ process: ProcessGraph, _ window: WindowReader) -> [SavedWords.Word] {
        var words: [SavedWords.Word] = []
        for id in 0..<process.index.count
        where process.states[id] == Verdict.lost.rawValue && process.types.type(of: BlockID(id)) == 0 {
            let start = process.index.start(BlockID(id))
            let end = min(process.index.usable(BlockID(id)), PointerTargets.byteLimit) & ~7
            for offset in stride(from: 0, to: end, by: 8) {
                guard let word = window.word(at: start + offset), word > 1 << 16,
                    process.image.mapping(at: word)?.isFileBacked == true
                else { continue }
                words.append(.init(address: start + offset, value: word))
            }
        }
        return words
    }

    /// The counts of lost control blocks of shared pointers: they say whether a pointer to one can be a weak one.
    private static func sharedCounts(_ process: ProcessGraph, _ window: WindowReader) -> [SavedWords.Word] {
        guard process.types.hasControlBlocks else { return [] }
        return (0..<process.index.count).compactMap { number in
            let id = BlockID(number)
            guard process.states[number] == Verdict.lost.rawValue, process.types.control(of: id) != nil else {
                return nil
            }
            let place = process.index.start(id) + ControlBlock.ownersOffset
            return window.word(at: place).map { .init(address: place, value: $0) }
        }
    }

    /// The words that say that an object's counts have moved to a side table: it has weak references.
    private static func movedCounts(_ process: ProcessGraph, _ window: WindowReader) -> [SavedWords.Word] {
        (process.ownership.swift?.objects.members ?? []).compactMap { id in
            let place = process.index.start(id) + 8
            guard let word = window.word(at: place), SwiftReferences.hasSideTable(word) else { return nil }
            return .init(address: place, value: word)
        }
    }
}
