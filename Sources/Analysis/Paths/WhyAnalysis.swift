import Model

/// Answers who keeps a block, or the blocks of a type, alive.
package enum WhyAnalysis {
    /// Blocks of a type whose paths are looked at one by one; of more, this many spread evenly.
    private static let sampleLimit = 2_000
    private static let similarLimit = 10
    private static let kindsShown = 5

    /// - Parameter limit: number of different ways to keep.
    package static func run(_ process: ProcessGraph, _ question: WhyQuestion, limit: Int) -> WhyFindings {
        let blocks = self.blocks(process, question)
        var alive: [BlockID] = []
        var tallies = (alive: Tally(), lost: Tally())
        var lost: [BlockID] = []
        for block in blocks {
            if process.states[Int(block)] == Verdict.lost.rawValue {
                lost.append(block)
                tallies.lost.add(process.index.usable(block))
            } else {
                alive.append(block)
                tallies.alive.add(process.index.usable(block))
            }
        }
        let held = holds(process, lost.isEmpty ? blocks : lost)
        let isAddress = if case .address = question { true } else { false }
        return WhyFindings(
            question: question, alive: tallies.alive, lost: tallies.lost, block: asked(process, question),
            blockType: blocks.count == 1 ? process.types.name(process.types.type(of: blocks[0])) : nil,
            paths: paths(process, alive, limit: limit), sampledEvery: sampleStep(alive.count),
            holds: held.tally, holdsKinds: held.kinds,
            similar: blocks.isEmpty ? similar(process, question) : [],
            hasWeakReferences: blocks.count == 1 && hasSideTable(process, blocks[0]),
            weakHolders: isAddress && blocks.count == 1 ? weakHolders(process, blocks[0]) : [], gaps: process.gaps,
            exact: process.exact)
    }

    private static func blocks(_ process: ProcessGraph, _ question: WhyQuestion) -> [BlockID] {
        switch question {
        case .address(let address):
            let found = process.index.find(address)
            return found < 0 ? [] : [BlockIndex.id(found)]
        case .type(let name):
            if let size = size(name) {
                return (0..<process.index.count).map { BlockID($0) }
                    .filter { process.types.type(of: $0) == 0 && process.index.usable($0) == size }
            }
            let wanted = Set(
                process.types.entries.indices.filter { matches(process.types.entries[$0].name, name) }.map {
                    UInt16($0)
                })
            guard !wanted.isEmpty else { return [] }
            return process.types.ofBlock.indices.filter { wanted.contains(process.types.ofBlock[$0]) }
                .map { BlockID($0) }
        }
    }

    /// "104 bytes": the blocks of that usable size whose type is not known.
    private static func size(_ name: String) -> UInt64? {
        let ending = " bytes"
        return name.hasSuffix(ending) ? UInt64(name.dropLast(ending.count)) : nil
    }

    /// The whole name, or the part behind the module or namespaces.
    private static func matches(_ name: String, _ wanted: String) -> Bool {
        guard !name.isEmpty, !wanted.isEmpty else { return false }
        // The counts of an object are not the object.
        if name.hasPrefix(ControlBlock.separatePrefix) { return name == wanted }
        let mark = ControlBlock.inlineMark
        if name.hasSuffix(mark), !wanted.hasSuffix(mark) { return matches(String(name.dropLast(mark.count)), wanted) }
        return name == wanted || name.hasSuffix("." + wanted) || name.hasSuffix("::" + wanted)
    }

    private static func similar(_ process: ProcessGraph, _ question: WhyQuestion) -> [String] {
        guard case .type(let name) = question else { return [] }
        let wanted = name.lowercased()
        return Array(
            Set(process.types.entries.map(\.name).filter { !wanted.isEmpty && $0.lowercased().contains(wanted) })
                .sorted()
                .prefix(similarLimit))
    }

    private static func asked(_ process: ProcessGraph, _ question: WhyQuestion) -> AskedBlock? {
        guard case .address(let address) = question else { return nil }
        return HolderSearch(image: process.image, roots: process.roots, index: process.index).answer([address]) { id in
            switch process.states[Int(id)] {
            case Verdict.reachable.rawValue: .reachable
            case Verdict.possible.rawValue: .possible
            default: .definite
            }
        }.first
    }

    /// A weak reference leads to the side table that the object's counts have moved to.
    private static func weakHolders(_ process: ProcessGraph, _ block: BlockID) -> [Holder] {
        guard hasSideTable(process, block),
            let counts = process.image.reader.word(at: process.index.start(block) + 8)
        else { return [] }
        let table = (counts & 0x3fff_ffff_ffff_ffff) << 3
        let search = HolderSearch(image: process.image, roots: process.roots, index: process.index)
        return (search.answer([table]) { _ in .reachable }.first?.holders ?? []).filter { $0.offset == 0 }
    }

    private static func hasSideTable(_ process: ProcessGraph, _ block: BlockID) -> Bool {
        guard let swift = process.ownership.swift, swift.objects.number(of: block) >= 0,
            let counts = process.image.reader.word(at: process.index.start(block) + 8)
        else { return false }
        return SwiftReferences.hasSideTable(counts)
    }

    private static func sampleStep(_ count: Int) -> Int { max(1, count / sampleLimit) }

    private static func paths(_ process: ProcessGraph, _ blocks: [BlockID], limit: Int) -> [WhyFindings.Path] {
        guard !blocks.isEmpty else { return [] }
        let step = sampleStep(blocks.count)
        let samples = stride(from: 0, to: blocks.count, by: step).map { blocks[$0] }
        let finder = PathFinder(process, to: samples)
        var shapes: [[String]: (count: Int, example: OwnershipPath)] = [:]
        for block in samples {
            let path = finder.path(to: block)
            // Registers and stack slots differ from block to block: the kind and the thread are the shape.
            let root = path.root.map { place in
                place.kind == .data ? "\(place.address ?? 0)" : "\(place.kind) \(place.thread ?? 0)"
            }
            var shape = [root ?? ""]
            // However far down a list or a tree: one way.
            for step in path.steps.map({ "\($0.type).\($0.field ?? "")" }) where step != shape.last {
                shape.append(step)
            }
            if let known = shapes[shape] {
                let isShorter = path.steps.count < known.example.steps.count
                shapes[shape] = (known.count + step, isShorter ? path : known.example)
            } else {
                shapes[shape] = (step, path)
            }
        }
        return shapes.values.sorted { ($0.count, $1.example.steps.count) > ($1.count, $0.example.steps.count) }
            .prefix(limit).map { WhyFindings.Path(count: min($0.count, blocks.count), example: $0.example) }
    }

    /// Everything that can be reached from `blocks` and is not one of them; for lost blocks only what is lost too.
    private static func holds(_ process: ProcessGraph, _ blocks: [BlockID]) -> (
        tally: Tally, kinds: [LeakGroup.HeldKind]
    ) {
        guard let first = blocks.first else { return (Tally(), []) }
        let isLost = process.states[Int(first)] == Verdict.lost.rawValue
        var seen = [Bool](repeating: false, count: process.index.count)
        for block in blocks { seen[Int(block)] = true }
        var work = blocks
        var tally = Tally()
        var kinds = KindCounts(process)
        while let block = work.popLast() {
            process.ownership.forEachHeld(by: block) { target, _ in
                guard !seen[Int(target)], !isLost || process.states[Int(target)] == Verdict.lost.rawValue else {
                    return
                }
                seen[Int(target)] = true
                work.append(target)
                tally.add(process.index.usable(target))
                kinds.add(target)
            }
        }
        return (tally, kinds.most(kindsShown))
    }
}
