import Analysis
import ArgumentParser
import Capture
import Glibc
import Model
import Report

/// `nusu maps TARGET [ADDRESS]`: the address space with its meaning.
struct Maps: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "maps",
        abstract:
            "The address space of a process with its meaning: text, data, heap, stacks, libraries, shared memory.",
        discussion: """
            /proc/PID/maps and smaps, cut at the sections of programs and libraries, with malloc's arenas, the threads' \
            stacks and guards. Stops nobody, and reads only pages that are in memory already. The parts of a mapping add \
            up to what the kernel counts; a page that two sections share is counted by its bytes.

            An ADDRESS in malloc's memory is looked up in a snapshot (the process stands still for milliseconds): which \
            block it lies in, of which type, and whether that is in use, lost or free. In a core too.

              nusu maps 1234                      one line for each kind, from high to low addresses
              nusu maps 1234 --all                one line for each region
              nusu maps 1234 0x55d0c8e00010       what lies at an address: symbol, stack, block, its page
              nusu maps 1234 --over 60s           look twice: which regions grew by 64 KiB or more
              nusu maps ./core.1234               a core file, or a snapshot that --save made

            The status is 0; with --over 1 when something grew, 2 when nothing did but not all could be seen; 2 as well \
            when the mappings may not be seen and only sums are shown.
            """)

    @Argument(
        help:
            "A PID, a name, :PORT or container:ID; or a core file or saved snapshot (a word with a slash in it, or ending in .nusu)."
    )
    var target: String

    @Argument(help: ArgumentHelp("An address to explain: 0x55d0c8e00010.", valueName: "address"))
    var address: HexAddress?

    @OptionGroup var choice: TargetChoice

    @Flag(help: "A line for each region.")
    var all = false

    @Option(
        help: ArgumentHelp("Look twice, so far apart (60s, 5m), and show what grew between.", valueName: "duration"))
    var over: Seconds?

    @OptionGroup var cost: SnapshotCostOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let over, over.value <= 0 { throw ValidationError("--over takes a time above 0") }
        if over != nil, address != nil { throw ValidationError("--over is about all regions; leave out ADDRESS") }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        if SavedFile.isPath(target) { return try runOnFile(output) }
        let looker = try cost.looker(target, choice, verb: "maps")
        let (identity, procfs) = (looker.target, looker.procfs)
        if cost.dryRun {
            let plan = MapsPlanReport(
                target: identity, mayReadMappings: procfs.mayReadMappings(of: identity.pid),
                mayReadMemory: procfs.mayReadMemory(of: identity.pid), residentBytes: try looker.residentBytes(),
                address: address?.value, snapshot: look?.plan(by: looker))
            try Output.print(self.output.json ? plan.json() : plan.text(output.style))
            return ExitStatus.done
        }
        let progress = Progress("looking at the address space of \(identity)")
        defer { progress.end() }
        let facts: AddressSpaceFacts
        do {
            facts = try procfs.addressSpace(of: identity, sharedAt: address?.value)
        } catch {
            guard case .notPermitted = error.kind, address == nil, over == nil else { throw error }
            return try outline(identity, procfs, output)
        }
        if let look {
            let report = look.report(facts, by: looker, progress)
            progress.end()
            return try show(report, output)
        }
        let space = AddressSpace(facts)
        guard let over else {
            progress.end()
            return try show(MapsReport(space: space), output)
        }
        let clock = ContinuousClock()
        let start = clock.now
        progress.enter("waiting for the second look at \(identity)")
        HeapLooker.sleep(over.value)
        let second = AddressSpace(try procfs.addressSpace(of: identity))
        let growth = AddressSpaceGrowth(from: space, to: second, seconds: (clock.now - start).inSeconds)
        progress.end()
        _ = try show(MapsReport(space: second, growth: growth), output)
        if !growth.grown.isEmpty { return ExitStatus.found }
        return second.gaps.isEmpty ? ExitStatus.done : ExitStatus.lowerBound
    }

    /// nil where all of the address space is asked for.
    private var look: AddressLook? { address.map { AddressLook(address: $0.value) } }

    private func show(_ report: MapsReport, _ output: Output) throws(Failure) -> Int32 {
        try Output.print(self.output.json ? report.json() : report.text(isAll: all, output.style))
        return ExitStatus.done
    }

    private func show(_ report: AddressReport, _ output: Output) throws(Failure) -> Int32 {
        try Output.print(self.output.json ? report.json() : report.text(output.style))
        return ExitStatus.done
    }

    private func outline(_ identity: ProcessIdentity, _ procfs: ProcFS, _ output: Output) throws(Failure) -> Int32 {
        let outline = MapsOutline(
            process: identity, status: try procfs.status(of: identity.pid),
            gap: Gap(
                what: "regions, libraries, pages",
                reason: "/proc/\(identity.pid)/smaps needs the process's own user, or CAP_SYS_PTRACE",
                remedy: "sudo nusu maps \(identity.pid)"))
        try Output.print(self.output.json ? outline.json() : outline.text(output.style))
        return ExitStatus.lowerBound
    }

    private func runOnFile(_ output: Output) throws -> Int32 {
        if over != nil || cost.dryRun {
            throw Failure(
                .usage,
                what: "\(over != nil ? "--over" : "--dry-run") is about a process that runs, and \(target) is a file",
                subject: target, remedy: "name a process, or leave the option out")
        }
        if SavedFile.isSaved(target) {
            let saved = try SavedFile.read(target)
            let facts = AddressSpaceFacts(
                saved: target, process: saved.graph.process, mappings: saved.graph.mappings,
                threads: saved.graph.threads)
            guard let look else { return try show(MapsReport(space: AddressSpace(facts)), output) }
            return try show(look.report(facts, in: saved), output)
        }
        let core = try CoreFile(path: target)
        guard let look else { return try show(MapsReport(space: AddressSpace(core.facts)), output) }
        return try show(look.report(core), output)
    }
}
