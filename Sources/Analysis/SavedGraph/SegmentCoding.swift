import Model

/// One segment of blocks as bytes: column after column, so that like numbers stand together and compress well.
///
/// Columns of blocks: start (distance from the start before, in 16 bytes) and usable size (in 8 bytes) of those without a
/// mapping of their own; type; verdict, and whether it is a counted object. Columns of pointers: their number in each block;
/// target (distance from the target before, at first from the block itself) and position (distance from the one before); last the
/// pointers into the middle of blocks.
struct SegmentCoding {
    let firstBlock: Int
    let count: Int
    /// Of these, the first so many are small.
    let smallCount: Int

    private static let objectFlag: UInt8 = 1 << 7

    struct Decoded: Sendable {
        var starts: [UInt64] = []
        var usables: [UInt64] = []
        var types: [UInt16] = []
        var states: [UInt8] = []
        var objects: [BlockID] = []
        var segment: ObjectGraph.Segment
    }

    // MARK: - Writing

    func encodeBlocks(of process: ProcessGraph) -> ByteWriter {
        let index = process.index
        let objects = process.ownership.swift?.objects
        let ids = firstBlock..<firstBlock + count
        var out = ByteWriter(capacity: count * 6)
        var last: UInt64 = 0
        let small = ids.prefix(smallCount)
        index.forEach(in: small.startIndex..<small.endIndex) { _, start, _ in
            out.number(start >> 4 - last)
            last = start >> 4
        }
        for id in ids.prefix(smallCount) { out.number(index.usable(BlockID(id)) >> 3) }
        for id in ids { out.number(UInt64(process.types.type(of: BlockID(id)))) }
        for id in ids {
            let isObject = objects.map { $0.number(of: BlockID(id)) >= 0 } ?? false
            out.byte(process.states[id] | (isObject ? SegmentCoding.objectFlag : 0))
        }
        return out
    }

    func encodePointers(of graph: ObjectGraph) -> ByteWriter {
        let segment = graph.segments[firstBlock >> ObjectGraph.segmentShift]
        let ids = firstBlock..<firstBlock + count
        var out = ByteWriter(capacity: count * 2 + segment.targets.count * 5)
        for id in ids { out.number(graph.targets(of: BlockID(id)).count) }
        for id in ids {
            var last = Int64(id)
            for target in graph.targets(of: BlockID(id)) {
                out.signed(Int64(target) - last)
                last = Int64(target)
            }
        }
        writePositions(segment, &out)
        out.number(segment.interior.count)
        var lastSource = UInt32(firstBlock)
        for edge in segment.interior.elements {
            out.number(UInt64(edge.source - lastSource))
            lastSource = edge.source
            out.signed(Int64(edge.target) - Int64(edge.source))
            out.number(UInt64(edge.offset))
            out.number(UInt64(edge.position))
        }
        return out
    }

    /// Positions ascend within a block: a smaller one begins the next block's, which needs no sign.
    private func writePositions(_ segment: ObjectGraph.Segment, _ out: inout ByteWriter) {
        for local in 0..<count {
            var last: UInt16 = 0
            for edge in segment.offsets.edges(of: local) {
                let position = segment.positions?[edge] ?? ObjectGraph.WordPosition.unknown
                out.number(UInt64(position &- last))
                last = position
            }
        }
    }

    // MARK: - Reading

    /// - Parameters:
    ///   - blocks: of the whole graph.
    ///   - types: entries of the type table.
    func decode(
        blocks bytes: [UInt8], pointers: [UInt8], blocks: Int, types: Int
    ) throws(DamagedBytes) -> Decoded {
        var cursor = ByteCursor(bytes)
        // Each block has a type and a state, and a number of pointers.
        guard count <= cursor.rest / 2, count <= pointers.count else { throw DamagedBytes() }
        var starts: [UInt64] = []
        starts.reserveCapacity(smallCount)
        var granule: UInt64 = 0
        for _ in 0..<smallCount {
            let distance = try cursor.number()
            guard distance > 0, distance < SegmentCoding.granuleLimit - granule else { throw DamagedBytes() }
            granule += distance
            starts.append(granule << 4)
        }
        var usables: [UInt64] = []
        usables.reserveCapacity(smallCount)
        for _ in 0..<smallCount { usables.append(UInt64(try cursor.word32()) << 3) }
        var kinds: [UInt16] = []
        kinds.reserveCapacity(count)
        for _ in 0..<count { kinds.append(UInt16(truncatingIfNeeded: try cursor.number(below: types))) }
        var states: [UInt8] = []
        states.reserveCapacity(count)
        var objects: [BlockID] = []
        for number in 0..<count {
            let state = try cursor.byte()
            guard Verdict(rawValue: state & ~SegmentCoding.objectFlag) != nil else { throw DamagedBytes() }
            states.append(state & ~SegmentCoding.objectFlag)
            if state & SegmentCoding.objectFlag != 0 { objects.append(BlockID(firstBlock + number)) }
        }
        var others = ByteCursor(pointers)
        let segment = try edges(&others, blocks)
        guard cursor.isAtEnd, others.isAtEnd else { throw DamagedBytes() }
        return Decoded(
            starts: starts, usables: usables, types: kinds, states: states, objects: objects, segment: segment)
    }

    /// Addresses that the index can hold: 47 bits, in units of 16 bytes.
    private static let granuleLimit = BlockIndex.regionLimit << (BlockIndex.regionShift - 4)

    private func edges(_ cursor: inout ByteCursor, _ blocks: Int) throws(DamagedBytes) -> ObjectGraph.Segment {
        let offsets = GrowingBuffer<UInt32>(capacity: count + 1)
        var total = 0
        offsets.append(0)
        for _ in 0..<count {
            total += try cursor.count()
            guard total <= cursor.rest else { throw DamagedBytes() }
            offsets.append(UInt32(total))
        }
        let targets = GrowingBuffer<UInt32>(capacity: total + 1)
        for local in 0..<count {
            var last = Int64(firstBlock + local)
            for _ in offsets[local]..<offsets[local + 1] {
                last = try SegmentCoding.block(last, try cursor.signed(), blocks)
                targets.append(UInt32(last))
            }
        }
        // One more than there are, as `ObjectGraph.firstTarget` wants it.
        targets.append(0)
        let positions = GrowingBuffer<UInt16>(capacity: max(total, 1))
        for local in 0..<count {
            var last: UInt16 = 0
            for _ in offsets[local]..<offsets[local + 1] {
                last &+= UInt16(truncatingIfNeeded: try cursor.number(below: 1 << 16))
                positions.append(last)
            }
        }
        return ObjectGraph.Segment(
            offsets: EdgeOffsets(offsets), targets: targets, interior: try interior(&cursor, blocks),
            positions: positions,
            types: .init())
    }

    private func interior(
        _ cursor: inout ByteCursor, _ blocks: Int
    ) throws(DamagedBytes) -> GrowingBuffer<ObjectGraph.InteriorEdge> {
        let number = try cursor.count(ofBytes: 4)
        let edges = GrowingBuffer<ObjectGraph.InteriorEdge>(capacity: max(number, 1))
        var source = Int64(firstBlock)
        for _ in 0..<number {
            source += Int64(try cursor.number(below: count))
            guard source < Int64(firstBlock + count) else { throw DamagedBytes() }
            let target = try SegmentCoding.block(source, try cursor.signed(), blocks)
            edges.append(
                .init(
                    source: UInt32(source), target: UInt32(target), offset: try cursor.word32(),
                    position: UInt16(try cursor.number(below: 1 << 16))))
        }
        return edges
    }

    @inline(__always)
    private static func block(_ last: Int64, _ distance: Int64, _ blocks: Int) throws(DamagedBytes) -> Int64 {
        let (block, overflow) = last.addingReportingOverflow(distance)
        guard !overflow, block >= 0, block < Int64(blocks) else { throw DamagedBytes() }
        return block
    }
}
