import ArgumentParser
import Capture
import Glibc
import Model
import Report

/// `nusu memory TARGET`: where the resident memory goes.
struct Memory: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "memory",
        abstract: "Where a process's resident memory goes: leaked, in use and by whom, kept by malloc, stacks, files.",
        discussion: """
            Divides the resident set into parts that add up to the kernel's figure (the sum of /proc/PID/smaps), and says \
            what stands out: a leak, a cache and who holds it, memory that is free but kept by malloc and why, stacks, files, \
            shared memory, or nothing.

              nusu memory 1234                the parts, what stands out, what would help
              nusu memory 1234 --over 60s     look twice: which part grows
              nusu memory 1234 --json         every figure, arena by arena

            Which pages are in memory comes from the process's own page tables, what lies on them from a snapshot (it stands \
            still for milliseconds). Where its heap cannot be read (another allocator, no right to trace it), the other \
            parts are shown and the heap is not divided.

            The status is 0; with --over it is 1 when something grew, 2 when nothing did but not all could be seen; 2 as \
            well when the mappings may not be seen and only sums are shown.
            """)

    @OptionGroup var target: TargetOptions
    @OptionGroup var cost: SnapshotCostOptions
    @OptionGroup var output: OutputOptions

    @Option(
        help: ArgumentHelp(
            "Look twice, so far apart (60s, 5m), and say which part grew.", valueName: "duration"))
    var over: Seconds?

    func validate() throws {
        if let over, over.value <= 0 { throw ValidationError("--over takes a time above 0") }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let looker = try cost.looker(target, verb: "memory")
        if cost.dryRun {
            let plan = try looker.plan(verb: "memory")
            try Output.print(self.output.json ? plan.json() : plan.text(output.style))
            return ExitStatus.done
        }
        let report: MemoryReport
        do throws(Failure) {
            report = try MemoryRun(looker: looker, overSeconds: over?.value).report()
        } catch {
            guard over == nil, error.kind == .notPermitted || error.kind == .unsupported else { throw error }
            return try outline(looker, error, output)
        }
        try Output.print(self.output.json ? report.json() : report.text(output.style))
        guard over != nil else { return ExitStatus.done }
        if report.grew { return ExitStatus.found }
        return report.sawHeap ? ExitStatus.done : ExitStatus.lowerBound
    }

    /// What is left where the mappings may not be seen, or this kernel does not count in them.
    private func outline(_ looker: HeapLooker, _ failure: Failure, _ output: Output) throws -> Int32 {
        let target = looker.target
        let remedy = failure.kind == .notPermitted ? "sudo nusu memory \(target.pid)" : failure.remedy
        let outline = MemoryOutline(
            process: target, status: try looker.procfs.status(of: target.pid),
            group: (try? looker.procfs.groupMemory(of: target.pid)) ?? nil,
            gap: Gap(what: "heap, libraries, stacks", reason: failure.what, remedy: remedy))
        try Output.print(self.output.json ? outline.json() : outline.text(output.style))
        return ExitStatus.lowerBound
    }
}
