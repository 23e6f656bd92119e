import Analysis
import ArgumentParser
import Model
import Report

/// `nusu heap TARGET`: what is alive in a process's heap, and who keeps it.
struct Heap: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "heap",
        abstract: "What is alive in a running process, by type and size, and who keeps most of it.",
        discussion: """
            Takes a snapshot like leaks, and counts what is not lost: by type where a block's first word tells one (C++ \
            classes with virtual functions, Swift objects), else by size. Below stand the blocks that keep most: what \
            would be free without each, and the way from a variable, stack or register to it.

              nusu heap 1234                 types and owners, the largest of each
              nusu heap 1234 --limit 0       all of them
              nusu heap 1234 --over 60s      look twice: which types grew, and who holds them

            With --over the status is 1 when a type grew by 4 KiB or more (or by --min-bytes), 0 when none did, 2 when \
            none did but not all could be seen. Without it the status is 0.
            """)

    @OptionGroup var target: TargetOptions
    @OptionGroup var look: LookOptions
    @OptionGroup var output: OutputOptions

    @Option(
        help: ArgumentHelp(
            "Look twice, so far apart (60s, 5m), and show what grew between.", valueName: "duration"))
    var over: Seconds?

    @Option(
        help: ArgumentHelp(
            "How many types and owners to show; 0 for all. As many as fit in 25 lines otherwise.", valueName: "n"))
    var limit: Int?

    @Option(
        help: ArgumentHelp(
            "Leave out types and owners with fewer bytes (with --over: that grew by less); 64K, 1M and 2G are understood.",
            valueName: "n"))
    var minBytes: ByteSize?

    func validate() throws {
        if let limit, limit < 0 { throw ValidationError("--limit takes 0 or more") }
        if let over, over.value <= 0 { throw ValidationError("--over takes a time above 0") }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let source = try look.source(target, verb: "heap")
        if look.dryRun {
            let plan = try source.running("--dry-run").plan(verb: "heap")
            try Output.print(self.output.json ? plan.json() : plan.text(output.style))
            return ExitStatus.done
        }
        let report = try report(source)
        if look.isReportLeftOut { return ExitStatus.done }
        let options = HeapReport.Options(limit: limit, minBytes: over == nil ? minBytes?.count ?? 0 : 0)
        try Output.print(self.output.json ? report.json(options) : report.text(options, output.style))
        guard let growth = report.growth else { return ExitStatus.done }
        if growth.grew { return ExitStatus.found }
        return report.sawEverything ? ExitStatus.done : ExitStatus.lowerBound
    }

    private func report(_ source: GraphSource) throws(Failure) -> HeapReport {
        let clock = ContinuousClock()
        let start = clock.now
        let progress = Progress("looking into \(source.description)")
        defer { progress.end() }
        let taken: GraphSource.Look<Result>
        if let over {
            _ = try source.running("--over looks twice")
            let first = try source.look(progress, keep: .cheaply) { HeapAnalysis.run($0) }
            let firstEnd = clock.now
            progress.enter("waiting to look at \(source.description) again")
            HeapLooker.sleep(over.value)
            let seconds = (clock.now - firstEnd).inSeconds
            let least = minBytes?.count ?? HeapGrowth.leastBytes
            taken = try source.look(progress, keep: .cheaply, saving: look.save != nil) { graph in
                Heap.compare(first.result, graph, seconds: seconds, leastBytes: least)
            }
        } else {
            taken = try source.look(progress, keep: .cheaply, saving: look.save != nil) {
                Result(findings: HeapAnalysis.run($0))
            }
        }
        let resident = source.residentBytes()
        try look.save(taken, of: source, residentBytes: resident)
        let paths =
            taken.result.findings.owners.map(\.path) + (taken.result.growth?.types ?? []).compactMap(\.path?.example)
        let functions = (taken.result.findings.tasks ?? []).flatMap(\.functions)
        let symbols = source.symbols(
            paths.flatMap { $0.root?.namedAddresses ?? [] } + functions, mappings: taken.mappings)
        let fields = source.fields(of: Set(paths.flatMap(\.unnamedClasses)), in: taken)
        return HeapReport(
            look: HeapLook(
                target: source.target, snapshot: taken.facts, totalSeconds: (clock.now - start).inSeconds,
                attempts: taken.attempts, residentBytes: resident, symbols: symbols,
                fields: fields, saved: source.saved),
            findings: taken.result.findings, growth: taken.result.growth)
    }

    private struct Result: Sendable {
        var findings: HeapFindings
        var growth: HeapGrowth?
    }

    /// What grew, and who holds what grew most.
    private static func compare(
        _ first: HeapFindings, _ graph: ProcessGraph, seconds: Double, leastBytes: UInt64
    ) -> Result {
        let findings = HeapAnalysis.run(graph)
        var growth = HeapGrowth(from: first, to: findings, seconds: seconds, leastBytes: leastBytes)
        for number in growth.types.indices.prefix(HeapGrowth.explainedLimit) {
            growth.types[number].path =
                WhyAnalysis.run(graph, .type(growth.types[number].name), limit: 1).paths.first
        }
        return Result(findings: findings, growth: growth)
    }
}
