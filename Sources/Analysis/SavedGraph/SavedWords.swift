import Model

/// The memory of a saved graph, as far as the graph itself tells it: words that point to blocks, and the few others that
/// were saved. Everything else reads as zero: contents are not saved.
struct SavedWords: MemoryReader {
    struct Word: BitwiseCopyable {
        let address: UInt64
        let value: UInt64
    }

    private let graph: ObjectGraph
    /// Ascending by address. Roots, and words that are no pointers to blocks.
    private let words: [Word]

    private var index: BlockIndex { graph.index }

    init(graph: ObjectGraph, words: [Word]) {
        self.graph = graph
        self.words = words.sorted { $0.address < $1.address }
    }

    func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        let (end, overflow) = address.addingReportingOverflow(UInt64(buffer.count))
        guard !overflow, let base = buffer.baseAddress, !buffer.isEmpty else { return 0 }
        base.initializeMemory(as: UInt8.self, repeating: 0, count: buffer.count)
        let range = AddressRange(address, end)
        var known = address
        func put(_ value: UInt64, at place: UInt64) {
            if place >= address, place &+ 8 <= end {
                base.storeBytes(of: value.littleEndian, toByteOffset: Int(place - address), as: UInt64.self)
                return
            }
            // What reaches over the borders of the buffer is cut.
            withUnsafeBytes(of: value.littleEndian) { bytes in
                for (number, byte) in bytes.enumerated() where range.contains(place &+ UInt64(number)) {
                    base.storeBytes(of: byte, toByteOffset: Int(place &+ UInt64(number) - address), as: UInt8.self)
                }
            }
        }
        forEachBlock(in: range) { block in
            known = max(known, min(index.start(block) + index.usable(block), end))
            putPointers(of: block, range, put)
        }
        var number = words.partitioningIndex { $0.address &+ 8 > address }
        while number < words.count, words[number].address < end {
            put(words[number].value, at: words[number].address)
            known = max(known, min(words[number].address &+ 8, end))
            number += 1
        }
        return Int(known - address)
    }

    private func putPointers(of block: BlockID, _ range: AddressRange, _ put: (UInt64, UInt64) -> Void) {
        let start = index.start(block)
        let targets = graph.targets(of: block)
        let positions = graph.positions(of: block)
        for (target, position) in zip(targets, positions) where position != ObjectGraph.WordPosition.unknown {
            let place = start + UInt64(position) * 8
            // Ascending within a block.
            if place >= range.upper { break }
            if place &+ 8 > range.lower { put(index.start(target), place) }
        }
        guard graph.mayHoldInterior(block) else { return }
        for edge in graph.interiorEdges(of: block) where edge.position != ObjectGraph.WordPosition.unknown {
            put(index.start(edge.target) &+ UInt64(edge.offset), start + UInt64(edge.position) * 8)
        }
    }

    private func forEachBlock(in range: AddressRange, _ body: (BlockID) -> Void) {
        let small = 0..<index.smallCount
        // The last block that starts at or before the range may reach into it.
        var number = max(small.partitioningIndex { index.start(BlockID($0)) > range.lower } - 1, 0)
        while number < index.smallCount, index.start(BlockID(number)) < range.upper {
            let start = index.start(BlockID(number))
            if start + index.usable(BlockID(number)) > range.lower { body(BlockID(number)) }
            number += 1
        }
        for (number, large) in index.large.enumerated()
        where large.start < range.upper && large.start + large.usable > range.lower {
            body(BlockID(index.smallCount + number))
        }
    }
}
