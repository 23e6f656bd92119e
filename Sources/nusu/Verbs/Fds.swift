import Analysis
import ArgumentParser
import Capture
import Glibc
import Model
import Report

/// `nusu fds TARGET`: the open descriptors of a process.
struct Fds: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "fds",
        abstract: "What a process has open: files, sockets, pipes and the rest, grouped, and who is at the other end.",
        discussion: """
            Reads /proc/PID/fd and fdinfo, and for the other ends of pipes and sockets the descriptors of all processes. \
            Touches nothing; --lost also takes a snapshot of its memory, as leaks does.

              nusu fds 1234                the largest groups, the limit, and what is worth a look
              nusu fds 1234 --over 60s     look twice: what was opened and not closed
              nusu fds 1234 --lost         which nobody can close any more: only lost memory, or only stdio's own list, \
            knows them
              nusu fds 1234 --all          a line for each: access, flags, offset, addresses
              nusu fds 1234 --json --all   for a script

            Needs the process's own user, or root. Others see how many are open, and the limit.

            The status is 0; with --over 1 when of some group there are more than before, with --lost 1 when there is such a \
            one; 2 when not all could be seen and nothing of that was found.
            """)

    @Argument(help: "A PID, a name, :PORT or container:ID; self is nusu.")
    var target: String

    @OptionGroup var choice: TargetChoice

    @Flag(help: "A line for each descriptor (with --over: for each that was opened and not closed).")
    var all = false

    @Flag(
        help: ArgumentHelp(
            "Also look into its memory for what nobody can close any more.",
            discussion: """
                FILEs, and descriptors whose numbers lost objects keep in a field that is called so (fd, socket, …): of Swift \
                classes, and of C++ classes with debug information. C structures do not tell: any number may look like one.
                """))
    var lost = false

    @Option(
        help: ArgumentHelp(
            "Look twice, so far apart (60s, 5m), and show what was opened and not closed between.",
            valueName: "duration"))
    var over: Seconds?

    @Option(
        help: ArgumentHelp("How many groups to show; 0 for all. As many as fit in 25 lines otherwise.", valueName: "n"))
    var limit: Int?

    @OptionGroup var cost: SnapshotCostOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let limit, limit < 0 { throw ValidationError("--limit takes 0 or more") }
        if let over, over.value <= 0 { throw ValidationError("--over takes a time above 0") }
        if lost, over != nil { throw ValidationError("--lost and --over exclude each other") }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let procfs = ProcFS()
        let identity: ProcessIdentity
        if lost {
            identity = try choice.resolve(target, procfs, verb: "fds")
        } else {
            identity = try choice.identity(of: target == "self" ? "\(getpid())" : target, procfs, verb: "fds")
        }
        if cost.dryRun {
            let plan = try plan(identity, procfs)
            try Output.print(self.output.json ? plan.json() : plan.text(output.style))
            return ExitStatus.done
        }
        let report = try report(identity, procfs)
        let options = DescriptorReport.Options(limit: limit, all: all)
        try Output.print(self.output.json ? report.json(options) : report.text(options, output.style))
        if report.growth?.grew == true || report.streams?.found == true { return ExitStatus.found }
        return report.sawEverything || report.table.isListed && !lost ? ExitStatus.done : ExitStatus.lowerBound
    }

    private func plan(_ identity: ProcessIdentity, _ procfs: ProcFS) throws(Failure) -> LeakPlanReport {
        guard lost else {
            throw Failure(
                .usage, what: "--dry-run is about looking into memory, which fds does with --lost only",
                subject: identity.description, remedy: "nusu fds \(identity.pid) --lost --dry-run")
        }
        return try looker(identity, procfs).plan(verb: "fds", question: "--lost")
    }

    private func looker(_ identity: ProcessIdentity, _ procfs: ProcFS) -> HeapLooker {
        HeapLooker(target: identity, procfs: procfs, snapshot: cost.options)
    }

    private func report(_ identity: ProcessIdentity, _ procfs: ProcFS) throws(Failure) -> DescriptorReport {
        let progress = Progress("looking at the descriptors of \(identity)")
        defer { progress.end() }
        if let over {
            let clock = ContinuousClock()
            // What they lead to is named by the other ends, so both looks have them.
            let first = try procfs.descriptorTable(of: identity, .otherEnds)
            let start = clock.now
            if !first.isListed { return DescriptorReport(first) }
            progress.enter("waiting to look at \(identity) again")
            HeapLooker.sleep(over.value)
            let seconds = (clock.now - start).inSeconds
            let second = try procfs.descriptorTable(of: identity, .otherEnds)
            return DescriptorReport(second, growth: DescriptorGrowth(from: first, to: second, seconds: seconds))
        }
        guard lost else { return DescriptorReport(try procfs.descriptorTable(of: identity, .otherEnds)) }
        let source = GraphSource.running(looker(identity, procfs))
        var options = LeakAnalysis.Options()
        options.openDescriptors = source.openDescriptors()
        let look = try source.look(progress, keep: .shortly) { [options] graph in
            let leaks = LeakAnalysis.result(of: graph, options)
            return (streams: StreamAnalysis.run(graph), findings: leaks.findings)
        }
        var findings = look.result.findings
        source.name(&findings, in: look)
        let streams = DescriptorReport.Streams(
            total: look.result.streams.streams, forgotten: look.result.streams.forgotten, groups: findings.groups,
            pauseSeconds: look.facts.pauseSeconds, exact: findings.exact,
            gaps: findings.gaps + findings.descriptorGaps)
        return DescriptorReport(try procfs.descriptorTable(of: identity, .otherEnds), streams: streams)
    }
}
