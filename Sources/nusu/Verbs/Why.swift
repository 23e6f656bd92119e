import Analysis
import ArgumentParser
import Model
import Report

/// `nusu why TARGET ADDRESS|TYPE`: who keeps a block, or the blocks of a type, alive.
struct Why: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "why",
        abstract: "Who keeps a block, or the blocks of a type, alive in a running process: the ways from a root to it.",
        discussion: """
            A way begins at a root: a variable (its name and file), a thread's stack or thread-local storage (the thread's \
            name and number), a register, or what the kernel holds for the program. Each step names the type and the field \
            that leads on; +16 is a word's distance from the start of a block without known fields.

              nusu why 1234 WebSocketSession      all blocks of a type: who holds most of them
              nusu why 1234 '104 bytes'           all blocks of that size whose type is not known
              nusu why 1234 0x55d0c8e00010        one block: the shortest way, and every word that points to it

            Of lost blocks it says what they lead to. TYPE is a whole name or the part behind the last dot or ::, as heap \
            and leaks print it; what begins with a digit is an address.

            The status is 0 when there is such a block, or none and everything was seen; 2 when none was found but not all \
            could be seen.
            """)

    @OptionGroup var target: TargetOptions

    @Argument(
        help: ArgumentHelp("An address (0x55d0c8e00010), a type's name, or '104 bytes'.", valueName: "address|type"))
    var question: String

    @OptionGroup var look: LookOptions
    @OptionGroup var output: OutputOptions

    @Option(
        help: ArgumentHelp("How many ways to show; 0 for all. As many as fit in 25 lines otherwise.", valueName: "n"))
    var limit: Int?

    private static let usualWays = 20

    func validate() throws {
        if let limit, limit < 0 { throw ValidationError("--limit takes 0 or more") }
        if parsedQuestion == nil { throw ValidationError("'\(question)' is neither an address nor a type's name") }
    }

    /// No language has type names that begin with a digit; "104 bytes" stands for the blocks of that size without a type.
    private var parsedQuestion: WhyQuestion? {
        guard let first = question.utf8.first else { return nil }
        let isName = first < UInt8(ascii: "0") || first > UInt8(ascii: "9") || question.hasSuffix(" bytes")
        if isName { return .type(TypeText.stored(question)) }
        return HexAddress(argument: question).map { .address($0.value) }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        guard let asked = parsedQuestion else {
            throw ValidationError("'\(question)' is neither an address nor a type's name")
        }
        let source = try look.source(target, verb: "why")
        if look.dryRun {
            let plan = try source.running("--dry-run").plan(verb: "why", question: question)
            try Output.print(self.output.json ? plan.json() : plan.text(output.style))
            return ExitStatus.done
        }
        let report = try report(source, asked)
        if look.isReportLeftOut { return ExitStatus.done }
        try Output.print(self.output.json ? report.json() : report.text(isLimited: limit == nil, output.style))
        return report.found || report.sawEverything ? ExitStatus.done : ExitStatus.lowerBound
    }

    private func report(_ source: GraphSource, _ asked: WhyQuestion) throws(Failure) -> WhyReport {
        let clock = ContinuousClock()
        let start = clock.now
        let progress = Progress("looking into \(source.description)")
        defer { progress.end() }
        let ways = limit.map { $0 == 0 ? Int.max : $0 } ?? Why.usualWays
        // Who points to one block is looked for in all memory once more.
        var keep = HeapLooker.Keep.cheaply
        if case .address = asked { keep = .throughout }
        let taken = try source.look(progress, keep: keep, saving: look.save != nil) {
            WhyAnalysis.run($0, asked, limit: ways)
        }
        let resident = source.residentBytes()
        try look.save(taken, of: source, residentBytes: resident)
        let findings = taken.result
        let fields = source.fields(of: Set(findings.paths.flatMap(\.example.unnamedClasses)), in: taken)
        let places =
            findings.paths.flatMap { $0.example.root?.namedAddresses ?? [] }
            + (findings.block?.holders ?? []).compactMap { $0.root == nil ? nil : $0.address }
        return WhyReport(
            look: HeapLook(
                target: source.target, snapshot: taken.facts, totalSeconds: (clock.now - start).inSeconds,
                attempts: taken.attempts, residentBytes: resident,
                symbols: source.symbols(places, mappings: taken.mappings), fields: fields, saved: source.saved),
            findings: findings)
    }
}
