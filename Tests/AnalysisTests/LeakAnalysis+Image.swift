import Model

@testable import Analysis

extension LeakAnalysis {
    /// From a memory image to what it has lost; nil where it is torn or cannot be looked into.
    /// - Parameters:
    ///   - acceptTorn: as for `ProcessGraph.build`.
    ///   - earlier: what an earlier snapshot called lost.
    static func run(
        image: MemoryImage, _ options: Options, acceptTorn: Bool = false, confirming earlier: LostBlocks? = nil
    ) -> Result? {
        guard case .done(var graph) = ProcessGraph.build(image: image, acceptTorn: acceptTorn) else { return nil }
        if let earlier { graph.demote(unless: earlier) }
        return result(of: graph, options)
    }
}
