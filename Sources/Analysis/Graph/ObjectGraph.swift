import Model

/// Blocks and the pointers between them. Flat arrays: a node is a `BlockID`, an edge four bytes.
///
/// Edges are kept per segment of 65,536 blocks, each built by itself: segments are filled on all cores, and nothing ever
/// has to be copied into one large array.
package final class ObjectGraph: Sendable {
    package let index: BlockIndex
    let segments: [Segment]

    static let segmentShift = 16
    static let segmentBlocks = 1 << segmentShift

    /// The edges that leave the blocks of one segment.
    struct Segment: Sendable {
        /// `offsets[i] ..< offsets[i + 1]` are the edges of the segment's block i in `targets`.
        let offsets: GrowingBuffer<UInt32>
        /// Blocks that a word of the source points to the start of. Neighbouring repetitions are left out.
        let targets: GrowingBuffer<UInt32>
        /// Words that point into the middle of a block, in order of their source.
        let interior: GrowingBuffer<InteriorEdge>
    }

    struct InteriorEdge: BitwiseCopyable {
        let source: BlockID
        let target: BlockID
        /// Distance from the target's start in bytes, at most 4 GiB - 1.
        let offset: UInt32
    }

    init(index: BlockIndex, segments: [Segment]) {
        self.index = index
        self.segments = segments
    }

    /// The blocks that `id` points to the start of.
    @inline(__always)
    func targets(of id: BlockID) -> UnsafeBufferPointer<UInt32> {
        let segment = segments[Int(id) >> ObjectGraph.segmentShift]
        let local = Int(id) & (ObjectGraph.segmentBlocks - 1)
        let lower = Int(segment.offsets.base[local])
        let upper = Int(segment.offsets.base[local + 1])
        return UnsafeBufferPointer(start: segment.targets.base + lower, count: upper - lower)
    }

    /// The interior pointers that `id` holds; found by bisection, since few blocks have any.
    func interiorEdges(of id: BlockID) -> UnsafeBufferPointer<InteriorEdge> {
        let edges = segments[Int(id) >> ObjectGraph.segmentShift].interior.elements
        var low = 0
        var high = edges.count
        while low < high {
            let middle = (low + high) / 2
            if edges[middle].source < id { low = middle + 1 } else { high = middle }
        }
        var end = low
        while end < edges.count, edges[end].source == id { end += 1 }
        return UnsafeBufferPointer(rebasing: edges[low..<end])
    }

    var edgeCount: Int { segments.reduce(0) { $0 + $1.targets.count } }
}
