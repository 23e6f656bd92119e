package import Model

/// One hit of a root: the first that reached a block, or a pointer into the middle of one.
struct RootEdge: BitwiseCopyable {
    let target: BlockID
    /// Distance from the block's start in bytes; 0 for a pointer to it.
    let offset: UInt32
    let kind: RootKind
    /// Where the word lies; 0 for registers and what only the kernel holds.
    let address: UInt64
}

/// Everything that is known of a process's heap at one moment: blocks, types, who holds whom, from where, and the verdict
/// on each. What the verbs' analyses work on.
package struct ProcessGraph: Sendable {
    package let process: ProcessIdentity
    package let summary: HeapSummary
    package let gaps: [Gap]
    package let exact: Bool
    let image: MemoryImage
    let roots: Roots
    let rootEdges: [RootEdge]
    let ownership: Ownership
    /// Empty in a graph that was saved.
    var stacks = CallStacks.none
    /// nil in a graph that was saved.
    var tasks: TaskFunctions?
    /// What is free in the heap, and where; nil where nobody asked, and where the heap could not be read.
    var layout: HeapLayout?
    var streams = OpenStreams.none
    /// Per block: a `Verdict`.
    private(set) var states: [UInt8]
    /// Blocks that one snapshot called lost and an earlier one did not: they count as possible.
    package private(set) var unconfirmed = 0

    var graph: ObjectGraph { ownership.graph }
    var index: BlockIndex { ownership.graph.index }
    var types: TypeTable { ownership.types }
    /// nil where the process has no counted objects.
    var trial: TrialDeletion? { ownership.trial }

    package enum Outcome: Sendable {
        case done(ProcessGraph)
        /// The snapshot caught the allocator in mid-operation: take another one.
        case torn(reason: String)
        /// nusu cannot look into this process: its allocator or architecture is not supported.
        case refused(Failure)
    }

    /// Builds the graph of an image. Pure: the same image gives the same graph.
    ///
    /// - Parameters:
    ///   - acceptTorn: take a heap that does not hang together as it is; its broken parts become gaps and count as roots.
    ///   - keepsPositions: note where in its block each pointer stands, so that the graph can be saved.
    ///   - keepsLayout: note what is free in the heap, so that its memory can be accounted for.
    ///   - whenRead: called once when everything that must be of one moment has been read: the snapshot may end then. What
    ///     is read later (words that name a type or a field, for blocks already found) may come from the process as it is.
    package static func build(
        image: MemoryImage, acceptTorn: Bool, keepsPositions: Bool = false, keepsLayout: Bool = false,
        whenRead: () -> Void = {}
    ) -> Outcome {
        let check = TargetCheck(image: image)
        if let failure = check.refusal() { return .refused(failure) }
        let foreign = AllocatorSurvey(image: image).foreign()
        let heap: HeapScan
        switch GlibcHeap(image: image).scan(keepsLayout: keepsLayout) {
        case .success(let scan): heap = scan
        case .failure(let refusal):
            // A sanitizer or valgrind keeps freed objects as they were: what is found there says nothing.
            let isInstrumented = foreign.contains { AllocatorSurvey.instruments.contains($0.name) }
            if case .noArena = refusal, !isInstrumented, let graph = swiftOnly(image, foreign, keepsPositions, whenRead)
            {
                return .done(graph)
            }
            return .refused(check.failure(for: refusal, foreign: foreign))
        }
        if !acceptTorn, let part = heap.torn.first { return .torn(reason: part.reason) }

        let roots = RootFinder(image: image, heap: heap).find()
        let graph = GraphBuilder(
            image: image, index: heap.index, keepsPositions: keepsPositions, plain: heap.plain, tables: heap.tables
        ).build()
        var types = TypeTable(image: image, graph: graph)
        let swift = types.hasSwift ? SwiftReferences.find(image: image, graph: graph, types: types) : nil
        if let swift { types.mark(sideTables: swift.sideTables, frames: swift.frames.keys) }
        let trial = swift.map(TrialDeletion.init)
        let stacks = CallStacks(image: image)
        let tasks = swift.map {
            TaskFunctions(image: image, types: types, swift: $0, index: graph.index)
        }
        let summary = summary(of: heap, image)
        let streams = StreamFinder(image: image, index: heap.index, home: heap.home).find()
        let marked = Reachability(
            image: image, graph: graph, roots: roots, holdNothing: Set(swift?.sideTables ?? []),
            inPart: swift?.frames ?? [:], streams: streams
        )
        .mark(garbage: garbage(swift, trial), whenRead: whenRead)
        let shared = SharedOwnership(image: image, graph: graph, types: types) {
            marked.states[Int($0)] == Verdict.lost.rawValue
        }
        return .done(
            ProcessGraph(
                process: image.process, summary: summary, gaps: gaps(image, heap, roots, foreign),
                exact: heap.torn.isEmpty, image: image, roots: roots, rootEdges: marked.rootEdges,
                ownership: Ownership(graph: graph, types: types, swift: swift, trial: trial, shared: shared),
                stacks: stacks, tasks: tasks ?? TaskFunctions(), layout: heap.layout, streams: streams,
                states: marked.states))
    }

    /// The Swift objects of a process whose allocator cannot be read; nil where there are none. Only rings that the objects'
    /// own counts prove are lost; everything else counts as reachable.
    private static func swiftOnly(
        _ image: MemoryImage, _ foreign: [AllocatorSurvey.Foreign], _ keepsPositions: Bool, _ whenRead: () -> Void
    ) -> ProcessGraph? {
        guard let found = SwiftObjectScan(image: image).scan() else { return nil }
        let graph = GraphBuilder(image: image, index: found.index, keepsPositions: keepsPositions).build()
        let types = TypeTable(image: image, graph: graph)
        guard types.hasSwift else { return nil }
        let swift = SwiftReferences.find(image: image, graph: graph, types: types)
        let trial = TrialDeletion(swift)
        let tasks = TaskFunctions(image: image, types: types, swift: swift, index: graph.index)
        whenRead()
        var states = [UInt8](repeating: Verdict.reachable.rawValue, count: graph.index.count)
        for id in garbage(swift, trial) { states[Int(id)] = Verdict.lost.rawValue }
        let allocator = foreign.first?.name ?? "an allocator that nusu does not know"
        let gap = Gap(
            what: "C blocks not searched (\(allocator))",
            reason: "nusu cannot read this allocator's heap; Swift objects were found by their metadata and counts")
        var summary = HeapSummary(
            allocator: allocator, version: nil, arenas: 0,
            live: Tally(blocks: graph.index.count, bytes: found.bytes), freeBytes: 0, populatedBytes: found.bytes)
        summary.isSwiftOnly = true
        return ProcessGraph(
            process: image.process, summary: summary,
            gaps: [gap] + image.gaps, exact: false, image: image,
            roots: Roots(regions: [], words: [], chunkWords: [], gaps: []), rootEdges: [],
            ownership: Ownership(graph: graph, types: types, swift: swift, trial: trial), tasks: tasks, states: states)
    }

    /// Calls blocks possibly lost that are lost here and were not in an earlier snapshot.
    package mutating func demote(unless earlier: LeakAnalysis.LostBlocks) {
        for id in states.indices where states[id] == Verdict.lost.rawValue {
            if !earlier.contains(index.start(BlockID(id))) {
                states[id] = Verdict.possible.rawValue
                unconfirmed += 1
            }
        }
    }

    @inline(__always)
    func isLost(_ block: BlockID) -> Bool { states[Int(block)] == Verdict.lost.rawValue }

    /// Where variables may lie that hold blocks, ascending: the program's files may know their names.
    package func variableAddresses(limit: Int) -> [UInt64] {
        // Large zeroed variables lie in mappings without a file.
        let addresses = rootEdges.lazy.filter { $0.kind == .data || $0.kind == .anonymous }.map(\.address)
        return Set(addresses.prefix(limit)).sorted()
    }

    private static func garbage(_ swift: SwiftReferences?, _ trial: TrialDeletion?) -> [BlockID] {
        guard let swift, let trial else { return [] }
        return swift.objects.members.enumerated().filter { trial.isGarbage[$0.offset] }.map(\.element)
    }

    private static func summary(of heap: HeapScan, _ image: MemoryImage) -> HeapSummary {
        var live = Tally()
        for id in 0..<heap.index.count { live.add(heap.index.usable(BlockID(id))) }
        let populated = heap.managed.reduce(UInt64(0)) { sum, range in
            image.reader.populated(in: range).reduce(sum) { $0 + $1.count }
        }
        return HeapSummary(
            allocator: "glibc", version: heap.version, arenas: heap.arenas, live: live, freeBytes: heap.freeBytes,
            populatedBytes: populated)
    }

    private static func gaps(
        _ image: MemoryImage, _ heap: HeapScan, _ roots: Roots, _ foreign: [AllocatorSurvey.Foreign]
    ) -> [Gap] {
        var gaps = image.gaps + roots.gaps
        for part in heap.torn {
            gaps.append(
                Gap(
                    what: part.range.isEmpty
                        ? "a part of the heap"
                        : "\(Units.bytes(part.range.count)) of heap at \(Address(part.range.lower))",
                    reason: part.reason,
                    remedy: "try again when the program is less busy, or with --snapshot fork"))
        }
        for allocator in foreign {
            gaps.append(
                Gap(
                    what: "blocks of \(allocator.name) (\(allocator.place))",
                    reason:
                        "nusu reads the heap of glibc's malloc; pointers that lie in the other's memory were followed"))
        }
        if let version = heap.version, !TargetCheck.triedVersions.contains(version) {
            gaps.append(
                Gap(
                    what: "malloc of glibc \(version)",
                    reason: "its structures were checked as they were read, but it was never tried; tried were "
                        + TargetCheck.triedVersions.joined(separator: ", ")))
        }
        return gaps
    }
}
