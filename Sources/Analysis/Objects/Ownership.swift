import Model

/// Which pointers of the graph hold what they lead to. Conservative pointers do, but where types say better: weak and
/// unowned references of Swift objects, and side tables, hold nothing. Neither does a word that leads to an object of which
/// all counted references are known (`TrialDeletion`): it is no reference, but what is left in memory that was used before.
///
/// A class: whoever asks it block by block would else copy all its tables' references for each.
final class Ownership: Sendable {
    let graph: ObjectGraph
    let types: TypeTable
    /// nil where the process has no Swift objects.
    let swift: SwiftReferences?
    /// nil where `swift` is.
    let trial: TrialDeletion?
    /// What C++'s control blocks say.
    let shared: SharedOwnership

    init(
        graph: ObjectGraph, types: TypeTable, swift: SwiftReferences?, trial: TrialDeletion?,
        shared: SharedOwnership = .none
    ) {
        self.graph = graph
        self.types = types
        self.swift = swift
        self.trial = trial
        self.shared = shared
    }

    /// Calls `body` for each block that `id` holds; for references between Swift objects with their label.
    @inline(__always)
    func forEachHeld(by id: BlockID, _ body: (BlockID, UInt32?) -> Void) {
        // Of a plain heap nothing is known but its pointers: no call for each of them.
        guard swift == nil, shared.isEmpty else { return forEachJudged(by: id, body) }
        for target in graph.targets(of: id) { body(target, nil) }
        guard graph.mayHoldInterior(id) else { return }
        for edge in graph.interiorEdges(of: id) { body(edge.target, nil) }
    }

    @inline(never)
    private func forEachJudged(by id: BlockID, _ body: (BlockID, UInt32?) -> Void) {
        guard !shared.isEmpty else { return forEachPointer(of: id, body) }
        forEachPointer(of: id) { target, label in
            if shared.mayHold(id, target) { body(target, label) }
        }
    }

    private func forEachPointer(of id: BlockID, _ body: (BlockID, UInt32?) -> Void) {
        guard let swift, let trial else {
            for target in graph.targets(of: id) { body(target, nil) }
            guard graph.mayHoldInterior(id) else { return }
            return graph.interiorEdges(of: id).forEach { body($0.target, nil) }
        }
        let kind = types.kind(of: id)
        if kind == .sideTable { return }
        let number = kind.isCounted ? swift.objects.number(of: id) : -1
        func word(_ target: BlockID) {
            let object = swift.objects.number(of: target)
            // Between Swift objects only references with a known place count; other blocks hold conservatively.
            if object < 0 || (number < 0 && !trial.isGarbage[object]) { body(target, nil) }
        }
        if kind == .frames, let used = swift.frames[id] { return used.forEach(word) }
        if number >= 0 {
            for reference in swift.references(of: number) {
                let target = Int(reference.target)
                if reference.kind == .strong || (reference.kind == .unknown && !trial.isGarbage[target]) {
                    body(swift.objects.members[target], reference.label)
                }
            }
        }
        graph.targets(of: id).forEach(word)
        if graph.mayHoldInterior(id) { graph.interiorEdges(of: id).forEach { word($0.target) } }
    }
}
