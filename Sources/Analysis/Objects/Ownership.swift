import Model

/// Which pointers of the graph hold what they lead to. Conservative pointers do, but where types say better: weak and
/// unowned references of Swift objects, and side tables, hold nothing.
struct Ownership {
    let graph: ObjectGraph
    let types: TypeTable
    /// nil where the process has no Swift objects.
    let swift: SwiftReferences?

    /// Calls `body` for each block that `id` holds; for references between Swift objects with their label.
    func forEachHeld(by id: BlockID, _ body: (BlockID, UInt32?) -> Void) {
        guard let swift else {
            for target in graph.targets(of: id) { body(target, nil) }
            for edge in graph.interiorEdges(of: id) { body(edge.target, nil) }
            return
        }
        let kind = types.kind(of: id)
        if kind == .sideTable { return }
        if kind == .none, let used = swift.frames[id] {
            for target in used { body(target, nil) }
            return
        }
        let number = kind.isCounted ? swift.objects.number(of: id) : -1
        if number >= 0 {
            for reference in swift.references(of: number) where reference.kind == .strong || reference.kind == .unknown
            {
                body(swift.objects.members[Int(reference.target)], reference.label)
            }
        }
        // Between Swift objects only references with a known place count; other blocks hold conservatively.
        for target in graph.targets(of: id) where number < 0 || swift.objects.number(of: target) < 0 {
            body(target, nil)
        }
        for edge in graph.interiorEdges(of: id) where number < 0 || swift.objects.number(of: edge.target) < 0 {
            body(edge.target, nil)
        }
    }
}
