import Model

/// What is known of Swift objects, as bytes: counts and verdicts object by object, then references, labels, side tables and
/// frames of asynchronous functions.
enum SwiftCoding {
    static func encode(_ swift: SwiftReferences, _ trial: TrialDeletion) -> ByteWriter {
        let count = swift.objects.members.count
        var out = ByteWriter(capacity: count * 12)
        out.number(swift.labels.count)
        for label in swift.labels {
            out.text(label.name)
            out.flag(label.isFunction)
        }
        out.number(count)
        for number in 0..<count {
            let counts = swift.counts[number]
            // An object that never ends counts the highest number there is: 0 here.
            out.number(UInt64(counts.strong &+ 1))
            out.number(UInt64(counts.unowned))
            out.byte((counts.isEnding ? 1 : 0) | (trial.isGarbage[number] ? 2 : 0))
            out.number(UInt64(trial.found[number]))
        }
        for number in 0..<count {
            let references = swift.references(of: number)
            out.number(references.count)
            var last = Int64(number)
            for reference in references {
                out.signed(Int64(reference.target) - last)
                last = Int64(reference.target)
                out.number(UInt64(reference.label))
                out.byte(reference.kind.rawValue)
            }
        }
        out.number(swift.sideTables.count)
        for block in swift.sideTables { out.number(UInt64(block)) }
        out.number(swift.frames.count)
        for (block, targets) in swift.frames.sorted(by: { $0.key < $1.key }) {
            out.number(UInt64(block))
            out.number(targets.count)
            for target in targets { out.number(UInt64(target)) }
        }
        return out
    }

    /// `objects`: the blocks that the segments marked as objects; `blocks`: of the whole graph.
    static func decode(
        _ bytes: [UInt8], objects: BlockSet, blocks: Int
    ) throws(DamagedBytes) -> (SwiftReferences, TrialDeletion) {
        var cursor = ByteCursor(bytes)
        var labels: [SwiftReferences.Label] = []
        for _ in 0..<(try cursor.count(ofBytes: 2)) {
            labels.append(.init(name: try cursor.text(), isFunction: try cursor.flag()))
        }
        let count = try cursor.count(ofBytes: 4)
        guard count == objects.members.count else { throw DamagedBytes() }
        var counts: [SwiftReferences.Counts] = []
        var isGarbage: [Bool] = []
        var found: [UInt32] = []
        for _ in 0..<count {
            let (strong, unowned, flags) = (try cursor.word32(), try cursor.word32(), try cursor.byte())
            counts.append(.init(strong: strong &- 1, unowned: unowned, isEnding: flags & 1 != 0))
            isGarbage.append(flags & 2 != 0)
            found.append(try cursor.word32())
        }
        var offsets: [UInt32] = [0]
        var references: [SwiftReferences.Reference] = []
        for number in 0..<count {
            var last = Int64(number)
            for _ in 0..<(try cursor.count(ofBytes: 3)) {
                let (target, overflow) = last.addingReportingOverflow(try cursor.signed())
                guard !overflow, target >= 0, target < Int64(count) else { throw DamagedBytes() }
                last = target
                let label = UInt32(try cursor.number(below: labels.count))
                guard let kind = ReferenceKind(rawValue: try cursor.byte()) else { throw DamagedBytes() }
                references.append(.init(target: UInt32(target), label: label, kind: kind))
            }
            offsets.append(UInt32(references.count))
        }
        var sideTables: [BlockID] = []
        for _ in 0..<(try cursor.count()) { sideTables.append(BlockID(try cursor.number(below: blocks))) }
        var frames: [BlockID: [BlockID]] = [:]
        for _ in 0..<(try cursor.count(ofBytes: 2)) {
            let block = BlockID(try cursor.number(below: blocks))
            var targets: [BlockID] = []
            for _ in 0..<(try cursor.count()) { targets.append(BlockID(try cursor.number(below: blocks))) }
            frames[block] = targets
        }
        guard cursor.isAtEnd else { throw DamagedBytes() }
        let swift = SwiftReferences(
            objects: objects, counts: counts, labels: labels, sideTables: sideTables, frames: frames, offsets: offsets,
            references: references)
        return (swift, TrialDeletion(isGarbage: isGarbage, found: found))
    }
}
