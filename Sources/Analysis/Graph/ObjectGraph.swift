import Model

/// Blocks and the pointers between them. Flat arrays: a node is a `BlockID`, an edge four bytes.
///
/// Edges are kept per segment of 65,536 blocks, each built by itself: segments are filled on all cores, and nothing ever
/// has to be copied into one large array.
package final class ObjectGraph: @unchecked Sendable {
    // Immutable once built, hence safe to share.
    package let index: BlockIndex
    let segments: [Segment]
    /// The segments as plain pointers: following an edge must not count references.
    private let views: UnsafeMutablePointer<View>

    private struct View {
        let offsets: EdgeOffsets.View
        let targets: UnsafePointer<UInt32>
        let interior: UnsafePointer<InteriorEdge>
        let interiorCount: Int
    }

    static let segmentShift = 16
    static let segmentBlocks = 1 << segmentShift

    /// The edges that leave the blocks of one segment.
    struct Segment: Sendable {
        /// Which of `targets` are whose.
        let offsets: EdgeOffsets
        /// Blocks that a word of the source points to the start of. Neighbouring repetitions are left out.
        let targets: GrowingBuffer<UInt32>
        /// Words that point into the middle of a block, in order of their source.
        let interior: GrowingBuffer<InteriorEdge>
        /// Per entry of `targets`: which word of its source it is (`WordPosition`); nil where nobody asked for it.
        let positions: GrowingBuffer<UInt16>?
        let types: LocalTypes
    }

    /// Which word of a block: 0 for the first. Words behind the 65,535th are not told apart.
    enum WordPosition {
        static let unknown = UInt16.max

        @inline(__always)
        static func clamped(_ position: UInt64) -> UInt16 { UInt16(clamping: position) }
    }

    struct InteriorEdge: BitwiseCopyable {
        let source: BlockID
        let target: BlockID
        /// Distance from the target's start in bytes, at most 4 GiB - 1.
        let offset: UInt32
        /// Which word of the source it is, a `WordPosition`.
        let position: UInt16
    }

    /// What the first words of a segment's blocks may say of their types: distinct words that could be a virtual table or
    /// metadata, and per block the number of its word (from 1; 0 for none). Resolved later, once for each word.
    struct LocalTypes: Sendable {
        var heads: [BlockHead] = []
        /// Empty where `heads` is.
        var numbers: [UInt16] = []
    }

    /// The distinct heads of all segments, with the blocks that have them: `body(head, block)`.
    func forEachHead(_ body: (BlockHead, BlockID) -> Void) {
        for (number, segment) in segments.enumerated() where !segment.types.heads.isEmpty {
            let first = number << ObjectGraph.segmentShift
            for (local, head) in segment.types.numbers.enumerated() where head > 0 {
                body(segment.types.heads[Int(head) - 1], BlockID(first + local))
            }
        }
    }

    init(index: BlockIndex, segments: [Segment]) {
        self.index = index
        self.segments = segments
        views = .allocate(capacity: max(segments.count, 1))
        for (number, segment) in segments.enumerated() {
            (views + number).initialize(
                to: View(
                    offsets: segment.offsets.view, targets: UnsafePointer(segment.targets.base),
                    interior: UnsafePointer(segment.interior.base), interiorCount: segment.interior.count))
        }
    }

    deinit { views.deallocate() }

    /// The blocks that `id` points to the start of.
    @inline(__always)
    func targets(of id: BlockID) -> UnsafeBufferPointer<UInt32> {
        let view = views[Int(id) >> ObjectGraph.segmentShift]
        let local = Int(id) & (ObjectGraph.segmentBlocks - 1)
        let edges = view.offsets.edges(of: local)
        return UnsafeBufferPointer(start: view.targets + edges.lowerBound, count: edges.count)
    }

    /// Which words of `id` its `targets` are, one by one; empty where positions were not kept.
    func positions(of id: BlockID) -> UnsafeBufferPointer<UInt16> {
        let segment = segments[Int(id) >> ObjectGraph.segmentShift]
        guard let positions = segment.positions else { return UnsafeBufferPointer(start: nil, count: 0) }
        let local = Int(id) & (ObjectGraph.segmentBlocks - 1)
        let edges = segment.offsets.edges(of: local)
        return UnsafeBufferPointer(start: positions.base + edges.lowerBound, count: edges.count)
    }

    /// The first word of a block's edge list, or of the next block's: asked for only to have it in the caches.
    @inline(__always)
    func firstTarget(_ targets: UnsafeBufferPointer<UInt32>) -> UInt32 { targets.baseAddress.map { $0[0] } ?? 0 }

    /// Whether any block of the same segment holds an interior pointer: few do, and then there is nothing to look up.
    @inline(__always)
    func mayHoldInterior(_ id: BlockID) -> Bool { views[Int(id) >> ObjectGraph.segmentShift].interiorCount > 0 }

    /// The interior pointers that `id` holds; found by bisection, since few blocks have any.
    func interiorEdges(of id: BlockID) -> UnsafeBufferPointer<InteriorEdge> {
        let view = views[Int(id) >> ObjectGraph.segmentShift]
        var low = 0
        var high = view.interiorCount
        while low < high {
            let middle = (low + high) / 2
            if view.interior[middle].source < id { low = middle + 1 } else { high = middle }
        }
        var end = low
        while end < view.interiorCount, view.interior[end].source == id { end += 1 }
        return UnsafeBufferPointer(start: view.interior + low, count: end - low)
    }

    var edgeCount: Int { segments.reduce(0) { $0 + $1.targets.count - 1 } }
    var interiorEdgeCount: Int { segments.reduce(0) { $0 + $1.interior.count } }
}

/// The beginning of a block as far as its type is concerned.
struct BlockHead: Hashable, Sendable {
    let first: UInt64
    /// Whether the second word can be a Swift object's reference counts.
    let isCounted: Bool
}
