import Analysis
import ArgumentParser
import Model
import Report

/// `nusu diff A B [C …]`: what grew between saved snapshots.
struct Diff: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "What grew between saved snapshots: by type, by leak, and by who keeps it.",
        discussion: """
            Compares files that --save made, in the order in which they are given: of one process at different times, or \
            of two runs. What grew is what is more in every one than in the one before; with three or more that tells \
            growth from what comes and goes.

              nusu leaks 1234 --save a.nusu        and again some minutes later: b.nusu, c.nusu
              nusu diff a.nusu b.nusu c.nusu       what grew in every step
              nusu diff old.nusu new.nusu --json   for a script

            Leaks are matched by their six digits, types and owners by their names.

            The status is 1 when a type or what an owner keeps grew in every step by 4 KiB or more (or by --min-bytes), or \
            when something is lost that was not before, or more of it; 0 when nothing did; 2 when nothing did but not all \
            could be seen.
            """)

    @Argument(help: ArgumentHelp("Two or more saved snapshots, the oldest first.", valueName: "file"))
    var files: [String]

    @OptionGroup var output: OutputOptions

    @Option(
        help: ArgumentHelp(
            "How many rows of each kind to show; 0 for all. As many as fit in 25 lines otherwise.", valueName: "n"))
    var limit: Int?

    @Option(help: ArgumentHelp("What gained less did not grow; 64K, 1M and 2G are understood.", valueName: "n"))
    var minBytes = ByteSize(HeapGrowth.leastBytes)

    func validate() throws {
        if files.count < 2 { throw ValidationError("diff compares two or more saved snapshots") }
        if let limit, limit < 0 { throw ValidationError("--limit takes 0 or more") }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let report = try report()
        try Output.print(self.output.json ? report.json() : report.text(limit: limit, output.style))
        if report.diff.grew { return ExitStatus.found }
        return report.sawEverything ? ExitStatus.done : ExitStatus.lowerBound
    }

    /// One graph at a time is in memory.
    private func report() throws(Failure) -> DiffReport {
        if let process = files.first(where: { !SavedFile.isPath($0) && $0.allSatisfy(\.isNumber) }) {
            throw Failure(
                .usage, what: "diff compares saved snapshots, and \(process) is a process", subject: process,
                remedy: "save it twice: nusu leaks \(process) --save a.nusu")
        }
        let progress = Progress("reading \(files[0])")
        defer { progress.end() }
        var snapshots: [DiffReport.Snapshot] = []
        for file in files.dropLast() {
            progress.enter("reading \(file)")
            snapshots.append(Diff.snapshot(of: try SavedFile.read(file), file))
        }
        let file = files[files.count - 1]
        progress.enter("reading \(file)")
        let last = try SavedFile.read(file)
        snapshots.append(Diff.snapshot(of: last, file))
        let diff = GraphDiff(snapshots.map(\.digest), leastBytes: max(minBytes.count, 1))
        var paths: [String: OwnershipPath] = [:]
        for row in diff.types.filter({ $0.change == .grew }).prefix(DiffReport.explainedLimit) {
            paths[row.subject] = WhyAnalysis.run(last.graph, .type(row.subject), limit: 1).paths.first?.example
        }
        return DiffReport(snapshots: snapshots, diff: diff, paths: paths, symbols: last.facts.symbols)
    }

    private static func snapshot(of saved: SavedGraph, _ file: String) -> DiffReport.Snapshot {
        .init(
            saved: SavedLook(path: file, secondsSince1970: saved.facts.secondsSince1970), digest: GraphDigest(saved))
    }
}
