import Model

/// The verdict on one block, from strongest to weakest hold.
package enum Verdict: UInt8, Sendable {
    /// Nothing leads to it. (Split into definite and indirect later.)
    case lost = 0
    /// A chain of pointers to the starts of blocks leads from a root to it.
    case reachable = 1
    /// Only chains with at least one pointer into the middle of a block lead to it.
    case possible = 2
}

/// Marks every block with the way in which roots reach it.
struct Reachability {
    let image: MemoryImage
    let graph: ObjectGraph
    let roots: Roots
    /// Blocks that hold nothing, whatever their words say: side tables of weak references.
    var holdNothing: Set<BlockID> = []
    /// Blocks that are in use in part, with what that part leads to. Their other words hold nothing.
    var inPart: [BlockID: [BlockID]] = [:]
    /// Blocks of which every root counts, not only the first.
    var streams = OpenStreams.none

    struct Marked {
        /// Per block: a `Verdict`.
        let states: [UInt8]
        /// The root words that reached a block first, those that point into the middle of one, and all of streams.
        let rootEdges: [RootEdge]
    }

    /// Roots of threads come last: where a block has one, and is no stream, no word elsewhere points to its start.
    ///
    /// - Parameters:
    ///   - garbage: blocks that are lost for certain. No word reaches them, and nothing is reached through them.
    ///   - whenRead: called when all roots have been read. What is read afterwards are a few words of blocks that are held by
    ///     pointers into their middle only.
    func mark(garbage: [BlockID] = [], whenRead: () -> Void = {}) -> Marked {
        let index = graph.index
        var marking = Marking(
            count: index.count, bases: InteriorBases(index: index, reader: image.reader), garbage: garbage,
            holdNothing: holdNothing.union(inPart.keys), inPart: inPart, streams: streams)
        for (word, kind) in roots.words where !kind.isOfThread { marking.root(word, kind, 0, index) }
        let scanner = WordScanner(reader: image.reader, windowBytes: 1 << 20)
        func scan(_ region: RootRegion) {
            if region.stride == 1 {
                scanner.scanBytes(region.range) { marking.root($0, region.kind, $1, index) }
            } else {
                scanner.scan(region.range, gapsMatter: true) { marking.root($0, region.kind, $1, index) }
            }
        }
        for region in roots.regions where !region.kind.isOfThread { scan(region) }
        // What threads hold as well is known by its better place already.
        for (word, kind) in roots.words where kind.isOfThread { marking.root(word, kind, 0, index) }
        for word in roots.chunkWords {
            // The address of a chunk's header is 16 bytes before its block.
            let found = index.find(word &+ 16)
            if found >= 0, !BlockIndex.isInterior(found) { marking.root(word &+ 16, .register, 0, index) }
        }
        for region in roots.regions where region.kind.isOfThread { scan(region) }
        whenRead()
        marking.spread(over: graph)
        let rootEdges = marking.rootEdges
        return Marked(states: marking.finish(garbage), rootEdges: rootEdges)
    }
}

/// The work list of `Reachability`: three waves. Exact pointers first; then those interior pointers that ordinary C++ keeps
/// instead of a pointer to the start (second bases, arrays with a cookie); what then remains is possibly lost.
private struct Marking {
    var states: [UInt8]
    private(set) var rootEdges: [RootEdge] = []
    private var frontier: [BlockID] = []
    /// Interior pointers met so far, not yet judged: (block, distance from its start).
    private var interior: [(target: BlockID, offset: UInt32)] = []
    private let bases: InteriorBases
    private let holdNothing: Set<BlockID>
    private let inPart: [BlockID: [BlockID]]
    private let streams: OpenStreams
    private let hasStreams: Bool
    /// Keeps the compiler from leaving out the loads that only fill the caches.
    private var lastTouched: UInt32 = 0

    /// Blocks whose edges are followed together.
    private static let batch = 256
    private static let reachable = Verdict.reachable.rawValue
    private static let possible = Verdict.possible.rawValue
    /// Stands for "lost for certain" while marking goes on.
    private static let excluded: UInt8 = 255

    init(
        count: Int, bases: InteriorBases, garbage: [BlockID], holdNothing: Set<BlockID>, inPart: [BlockID: [BlockID]],
        streams: OpenStreams
    ) {
        self.inPart = inPart
        self.streams = streams
        hasStreams = !streams.isEmpty
        states = [UInt8](repeating: 0, count: count)
        self.bases = bases
        self.holdNothing = holdNothing
        for id in garbage { states[Int(id)] = Marking.excluded }
    }

    /// The verdicts. They are handed over, not copied.
    consuming func finish(_ garbage: [BlockID]) -> [UInt8] {
        for id in garbage { states[Int(id)] = Verdict.lost.rawValue }
        return states
    }

    @inline(__always)
    mutating func root(_ word: UInt64, _ kind: RootKind, _ address: UInt64, _ index: BlockIndex) {
        let found = index.find(word)
        if found < 0 { return }
        let id = BlockIndex.id(found)
        if states[Int(id)] != 0 {
            if hasStreams, streams.contains(id) {
                let offset = UInt32(clamping: word - index.start(id))
                rootEdges.append(RootEdge(target: id, offset: offset, kind: kind, address: address))
            }
            return
        }
        if BlockIndex.isInterior(found) {
            let offset = UInt32(clamping: word - index.start(id))
            interior.append((id, offset))
            rootEdges.append(RootEdge(target: id, offset: offset, kind: kind, address: address))
        } else {
            rootEdges.append(RootEdge(target: id, offset: 0, kind: kind, address: address))
            reach(id)
        }
    }

    @inline(__always)
    mutating func reach(_ id: BlockID) {
        guard states[Int(id)] == 0 else { return }
        states[Int(id)] = Marking.reachable
        frontier.append(id)
    }

    mutating func spread(over graph: ObjectGraph) {
        repeat {
            flood(graph, with: Marking.reachable)
        } while promoteBases()
        for (target, _) in interior where states[Int(target)] == 0 {
            states[Int(target)] = Marking.possible
            frontier.append(target)
        }
        flood(graph, with: Marking.possible)
    }

    /// Level by level, and each level in batches: where a block's edges lie, the edges, and what is known of their targets
    /// are three loads that each miss the caches. Done for a batch at a time, they wait together and not one by one.
    private mutating func flood(_ graph: ObjectGraph, with state: UInt8) {
        let collectInterior = state == Marking.reachable
        let targets = GrowingBuffer<BlockID>(capacity: Marking.batch * 4)
        let lists = GrowingBuffer<UnsafeBufferPointer<UInt32>>(capacity: Marking.batch)
        var touched: UInt32 = 0
        defer { lastTouched = touched }
        var level = GrowingBuffer<BlockID>(capacity: frontier.count)
        for id in frontier { level.append(id) }
        frontier = []
        while level.count > 0 {
            let next = GrowingBuffer<BlockID>(capacity: level.count)
            var first = 0
            while first < level.count {
                let batch = first..<min(first + Marking.batch, level.count)
                first = batch.upperBound
                targets.truncate(to: 0)
                lists.truncate(to: 0)
                for number in batch where holdNothing.isEmpty || !holdNothing.contains(level.base[number]) {
                    lists.append(graph.targets(of: level.base[number]))
                }
                for list in lists.elements { touched &+= graph.firstTarget(list) }
                for list in lists.elements { for target in list { targets.append(target) } }
                if !inPart.isEmpty {
                    for number in batch {
                        for target in inPart[level.base[number]] ?? [] { targets.append(target) }
                    }
                }
                states.withUnsafeMutableBufferPointer { states in
                    for number in 0..<targets.count {
                        let target = targets.base[number]
                        if states[Int(target)] == 0 {
                            states[Int(target)] = state
                            next.append(target)
                        }
                    }
                }
                for number in batch where graph.mayHoldInterior(level.base[number]) {
                    followInterior(of: level.base[number], graph, state, collect: collectInterior, next)
                }
            }
            level = next
        }
    }

    private mutating func followInterior(
        of id: BlockID, _ graph: ObjectGraph, _ state: UInt8, collect: Bool, _ next: GrowingBuffer<BlockID>
    ) {
        guard !holdNothing.contains(id) else { return }
        for edge in graph.interiorEdges(of: id) where states[Int(edge.target)] == 0 {
            if collect {
                interior.append((edge.target, edge.offset))
            } else {
                states[Int(edge.target)] = state
                next.append(edge.target)
            }
        }
    }

    /// Reaches the blocks whose interior pointers are as good as pointers to the start; true when there were any.
    private mutating func promoteBases() -> Bool {
        var remaining: [(target: BlockID, offset: UInt32)] = []
        interior.sort { ($0.target, $0.offset) < ($1.target, $1.offset) }
        var last: (target: BlockID, offset: UInt32)?
        for entry in interior where states[Int(entry.target)] == 0 {
            if let last, last == entry { continue }
            last = entry
            if bases.isBase(entry.target, offset: UInt64(entry.offset)) {
                reach(entry.target)
            } else {
                remaining.append(entry)
            }
        }
        interior = remaining
        return !frontier.isEmpty
    }
}
