/// Where in a segment's list of edges each block's edges begin: a full number for every 64 blocks, and for each block two
/// bytes for what it lies behind that. A segment in which 64 blocks have more edges than two bytes can say has a full
/// number for each block.
struct EdgeOffsets: Sendable {
    private let bases: GrowingBuffer<UInt32>
    private let distances: GrowingBuffer<UInt16>
    private let shift: Int

    private static let groupShift = 6

    /// `offsets`: ascending; one for each block, and the end.
    init(_ offsets: GrowingBuffer<UInt32>) {
        let fits = stride(from: 0, to: offsets.count, by: 1 << EdgeOffsets.groupShift).allSatisfy { first in
            let last = min(first + 1 << EdgeOffsets.groupShift, offsets.count) - 1
            return offsets[last] - offsets[first] <= UInt32(UInt16.max)
        }
        shift = fits ? EdgeOffsets.groupShift : 0
        bases = GrowingBuffer(capacity: (offsets.count - 1) >> shift + 1)
        distances = GrowingBuffer(capacity: offsets.count)
        for (number, offset) in offsets.elements.enumerated() {
            if number & (1 << shift - 1) == 0 { bases.append(offset) }
            distances.append(UInt16(offset - bases[bases.count - 1]))
        }
    }

    /// As plain pointers: following an edge must not count references.
    struct View {
        let bases: UnsafePointer<UInt32>
        let distances: UnsafePointer<UInt16>
        let shift: Int

        /// The edges of the segment's block number `local`.
        @inline(__always)
        func edges(of local: Int) -> Range<Int> {
            let first = Int(bases[local &>> shift]) &+ Int(distances[local])
            let end = Int(bases[(local &+ 1) &>> shift]) &+ Int(distances[local &+ 1])
            return Range(uncheckedBounds: (first, end))
        }
    }

    var view: View {
        View(bases: UnsafePointer(bases.base), distances: UnsafePointer(distances.base), shift: shift)
    }

    func edges(of local: Int) -> Range<Int> { view.edges(of: local) }
}
