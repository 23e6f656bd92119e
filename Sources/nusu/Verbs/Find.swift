import Analysis
import ArgumentParser
import Capture
import Glibc
import Model
import Report

/// `nusu find PATTERN`: `ps -ef | grep` without the grep.
struct Find: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "find",
        abstract: "Processes by name, path or arguments; never the search itself.",
        discussion: """
            PATTERN is a POSIX extended expression. On a terminal a table is shown; else numbers, one a line, as pgrep does.

              nusu find ./cpu            in names, paths and arguments
              nusu find -x redis-server  only what is called just so
              nusu find -f 'api --port=80'
              kill $(nusu find -u ada -n worker)

            Whoever runs nusu (the shell, sudo, watch) is left out, though the pattern stands among its arguments. The \
            status is 0 when something matched, and 1 when nothing did.
            """)

    @Argument(help: "What to look for; may be left out with -u, -t or -P.")
    var pattern: String?

    @Option(name: .customShort("u"), help: ArgumentHelp("Only of these effective users.", valueName: "users"))
    var users: String?

    @Option(name: .customShort("t"), help: ArgumentHelp("Only on these terminals.", valueName: "terminals"))
    var terminals: String?

    @Option(name: .customShort("P"), help: ArgumentHelp("Only children of these processes.", valueName: "pids"))
    var parents: String?

    @Flag(name: [.customShort("n"), .long], help: "Of those that match, the one started last.")
    var newest = false

    @Flag(name: [.customShort("o"), .long], help: "Of those that match, the one started first.")
    var oldest = false

    @Flag(
        name: [.customShort("x"), .long], help: "The pattern must fit the whole name or path; with -f the command line."
    )
    var exact = false

    @Flag(name: [.customShort("f"), .long], help: "Look at the whole command line only.")
    var full = false

    @Flag(name: [.customShort("i"), .long], help: "Capital and small letters are the same.")
    var ignoreCase = false

    @Flag(name: [.customShort("a"), .long], help: "Number and command line.")
    var listFull = false

    @Flag(name: [.customShort("l"), .long], help: "Number and name.")
    var listName = false

    @Flag(name: [.customShort("c"), .long], help: "How many match.")
    var count = false

    @Flag(help: "Also what started this search.")
    var ancestors = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if newest && oldest { throw ValidationError("-n and -o exclude each other") }
        if pattern == nil && users == nil && terminals == nil && parents == nil {
            throw ValidationError("a pattern is missing, or -u, -t or -P")
        }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let procfs = ProcFS()
        let facts = procfs.machineFacts()
        let report = try report(procfs, facts)
        if self.output.json {
            try Output.print(report.json())
        } else {
            try Output.print(report.text(form, output.style))
            if let pattern, report.matches.isEmpty,
                let hint = FindReport.hint(pattern: pattern, namesOnly: exact && !full)
            {
                output.note(hint)
            }
        }
        return report.matches.isEmpty ? ExitStatus.found : ExitStatus.done
    }

    private var form: FindReport.Form {
        count ? .count : listFull ? .commandLines : listName ? .names : .automatic
    }

    private func report(_ procfs: ProcFS, _ facts: MachineFacts) throws(Failure) -> FindReport {
        let selection = try selection(facts)
        let search = try search()
        let own = getpid()
        let scan = try procfs.scan(.init(sources) { $0.processID != own && (selection?.matches($0) ?? true) })
        let ancestry = ProcessSearch.ancestry(of: own) { try? procfs.stat(of: $0).parent }
        let context = ProcessContext(facts)
        var matches: [FindReport.Match] = []
        var leftOut: [Int32] = []
        for record in scan.records {
            let row = ProcessRow(record: record, context: context)
            guard let place = search.place(in: record, commandLine: row.commandLine) else { continue }
            // By the pattern alone: whoever names them by user, terminal or parent means them.
            if selection == nil, !ancestors, ancestry.contains(record.processID) {
                leftOut.append(record.processID)
            } else {
                matches.append(FindReport.Match(row: row, place: place))
            }
        }
        return FindReport(pattern: pattern, matches: chosen(matches), leftOut: leftOut, context)
    }

    /// All, or the one that `-n` or `-o` means.
    private func chosen(_ matches: [FindReport.Match]) -> [FindReport.Match] {
        guard newest || oldest else { return matches }
        let order: (FindReport.Match, FindReport.Match) -> Bool = { left, right in
            let (first, second) = (left.row.record.stat, right.row.record.stat)
            return (first.startTicks, first.pid) < (second.startTicks, second.pid)
        }
        return (newest ? matches.max(by: order) : matches.min(by: order)).map { [$0] } ?? []
    }

    private var sources: ProcessSources {
        var sources: ProcessSources = [.owner, .arguments]
        if !full || output.json { sources.insert(.executable) }
        return sources
    }

    /// Whom `-u`, `-t` and `-P` mean; nil without any. Each must fit.
    private func selection(_ facts: MachineFacts) throws(Failure) -> AllOf? {
        var all: [ProcessSelection] = []
        for (option, value) in [("-u", users), ("-t", terminals), ("--ppid", parents)] {
            guard let value else { continue }
            all.append(try PsArguments([option, value], facts).selection)
        }
        return all.isEmpty ? nil : AllOf(selections: all)
    }

    private struct AllOf: Sendable {
        let selections: [ProcessSelection]

        func matches(_ record: ProcessRecord) -> Bool { selections.allSatisfy { $0.matches(record) } }
    }

    private func search() throws(Failure) -> ProcessSearch {
        do throws(RegularExpression.PatternError) {
            return try ProcessSearch(
                pattern, scope: full ? .arguments : exact ? .names : .everywhere, isExact: exact,
                ignoresCase: ignoreCase)
        } catch {
            throw Failure(
                .usage, what: "'\(pattern ?? "")' is no POSIX extended expression: \(error.what)",
                subject: pattern ?? "",
                remedy: "put a backslash before each of ^ $ . [ ] | ( ) * + ? { } that stands for itself")
        }
    }
}
