import Analysis
import Capture
import Model
import Report

/// Where an object graph comes from: a process that runs, or a file in which nusu saved one.
enum GraphSource {
    case running(HeapLooker)
    case saved(SavedGraph, path: String)

    /// `savable`: the graph with all that is needed to save it, where that was asked for.
    struct Look<Result: Sendable>: Sendable {
        var result: Result
        var facts: SnapshotFacts
        var attempts: Int
        var mappings: [Mapping]
        /// nil where none can be asked for their fields.
        var swift: SwiftClasses?
        var savable: SavableGraph?
    }

    var target: ProcessIdentity {
        switch self {
        case .running(let looker): looker.target
        case .saved(let saved, _): saved.graph.process
        }
    }

    /// nil for a process that runs.
    var saved: SavedLook? {
        guard case .saved(let saved, let path) = self else { return nil }
        return SavedLook(path: path, secondsSince1970: saved.facts.secondsSince1970)
    }

    /// What progress and messages call it.
    var description: String {
        switch self {
        case .running(let looker): looker.target.description
        case .saved(_, let path): path
        }
    }

    /// The process, for what a file cannot answer.
    /// - Parameter question: what was asked for, as the user would say it: "--over looks twice".
    func running(_ question: String) throws(Failure) -> HeapLooker {
        switch self {
        case .running(let looker): return looker
        case .saved(_, let path):
            throw Failure(
                .usage, what: "\(question), and \(path) is a saved snapshot", subject: path,
                remedy: "name a process instead, or compare saved snapshots with: nusu diff A B")
        }
    }

    /// Builds (or has) the graph and hands it to `analyse`.
    func look<Result: Sendable>(
        _ progress: Progress, keep: HeapLooker.Keep, saving: Bool = false,
        analyse: @Sendable (inout ProcessGraph) -> Result
    ) throws(Failure) -> Look<Result> {
        switch self {
        case .running(let looker):
            return try looker.lookAtGraph(progress, keep: keep, saving: saving, analyse: analyse)
        case .saved(let saved, _):
            var graph = saved.graph
            let result = analyse(&graph)
            return Look(
                result: result, facts: saved.facts.snapshot, attempts: saved.facts.attempts, mappings: [],
                savable: nil)
        }
    }

    /// The resident set: now, or when the snapshot was saved; nil where it cannot be told.
    func residentBytes() -> UInt64? {
        switch self {
        case .running(let looker): try? looker.residentBytes()
        case .saved(let saved, _): saved.facts.residentBytes
        }
    }

    /// The numbers of its open descriptors; none for a saved graph, and where they may not be seen.
    func openDescriptors() -> Set<Int32> {
        guard case .running(let looker) = self else { return [] }
        return looker.procfs.openDescriptors(of: looker.target.pid) ?? []
    }

    /// What the descriptors lead to that lost memory owns. Where that cannot be told their numbers must do.
    func descriptors(of findings: LeakFindings) -> DescriptorTable? {
        guard case .running(let looker) = self, findings.groups.contains(where: { !$0.descriptors.isEmpty }) else {
            return nil
        }
        return try? looker.procfs.descriptorTable(of: looker.target, .otherEnds)
    }

    /// Puts the names of fields into findings, as far as they are known. What is asked for numbers comes last: debug information
    /// that takes too long to read costs only these.
    func name<Result>(_ findings: inout LeakFindings, in look: Look<Result>) {
        let namer = namer(look)
        let shown = findings.unnamedClasses
        var names = fields(of: shown, look, namer)
        let numbered = findings.numberedClasses.subtracting(shown)
        names = names.merging(fields(of: numbered, look, namer))
        let inUse = findings.classesInUse(names).subtracting(shown).subtracting(numbered)
        findings.name(names.merging(fields(of: inUse, look, namer)))
    }

    /// The fields of these classes, as far as they are known.
    func fields<Result>(of classes: Set<String>, in look: Look<Result>) -> FieldNames {
        fields(of: classes, look, namer(look))
    }

    private func fields<Result>(of classes: Set<String>, _ look: Look<Result>, _ namer: FieldNamer?) -> FieldNames {
        guard !classes.isEmpty else { return .none }
        switch self {
        case .running:
            guard let namer else { return .none }
            guard let swift = look.swift else { return namer.names(of: classes) }
            let ofSwift = classes.filter(swift.contains)
            return namer.names(of: classes.subtracting(ofSwift)).merging(namer.names(of: ofSwift, swift))
                .merging(swift.fields(of: ofSwift))
        case .saved(let saved, _): return saved.facts.fields
        }
    }

    /// nil for a saved graph.
    private func namer<Result>(_ look: Look<Result>) -> FieldNamer? {
        guard case .running(let looker) = self else { return nil }
        return FieldNamer(files: ModuleFiles(of: looker.target.pid, mappings: look.mappings, procFS: looker.procfs))
    }

    /// The names of these addresses, as far as they are known.
    func symbols(_ addresses: [UInt64], mappings: [Mapping]) -> [UInt64: Symbol] {
        switch self {
        case .running(let looker): looker.symbols(addresses, mappings: mappings)
        case .saved(let saved, _): saved.facts.symbols
        }
    }
}
