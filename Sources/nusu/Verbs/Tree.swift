import Analysis
import ArgumentParser
import Capture
import Glibc
import Model
import Report

/// `nusu tree [TARGET]`: who started whom.
struct Tree: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "tree",
        abstract: "The family of processes: who started whom, sessions and terminals, containers, zombies.",
        discussion: """
            nusu tree             all processes, from number 0 on, in 25 lines
            nusu tree --all       however many lines it takes
            nusu tree 1234        its ancestors, and all below it
            nusu tree --kernel    with the threads of the kernel

            What somebody must look at stands in the first line and is marked with !: zombies, and who must wait for \
            them; processes that sleep in the kernel where KILL may not reach them. Siblings that differ in nothing are \
            one line. On the right stands where a process differs from its parent: user, terminal, container, namespaces.
            """)

    @Argument(help: "A PID, a name, :PORT or container:ID; without it all processes.")
    var target: String?

    @OptionGroup var choice: TargetChoice
    @OptionGroup var output: OutputOptions

    @Flag(help: "The threads of the kernel one by one.")
    var kernel = false

    @Flag(help: "Every process, however many lines it takes.")
    var all = false

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let procfs = ProcFS()
        let subject = try target.map { try choice.identity(of: $0, procfs, verb: "tree").pid }
        let sources: ProcessSources = [.owner, .controlGroups, .isolation, .lastRun]
        var records = try procfs.scan(.init(self.output.json ? sources.union(.arguments) : sources)).records
        if !self.output.json { try addDetails(to: &records, procfs) }
        let facts = procfs.machineFacts()
        let report = TreeReport(
            ProcessTree(records, now: facts.schedulerSeconds), ProcessContext(facts), target: subject, own: getpid())
        try Output.print(
            self.output.json
                ? report.json() : report.text(TreeReport.Options(kernel: kernel, all: all), output.style))
        return ExitStatus.done
    }

    /// What is shown of few processes is read of those only: arguments of what has a terminal, and where it is that
    /// something sleeps.
    private func addDetails(to records: inout [ProcessRecord], _ procfs: ProcFS) throws(Failure) {
        let few = records.filter { ($0.stat.terminal != 0 || $0.stat.isUninterruptible) && !$0.stat.isKernelThread }
        let details = try procfs.scan(.init([.arguments, .waitChannel], processes: few.map(\.processID))).records
        let byNumber = Dictionary(details.map { ($0.processID, $0) }) { first, _ in first }
        for index in records.indices {
            guard let detail = byNumber[records[index].processID], detail.identity == records[index].identity else {
                continue
            }
            records[index].argumentBytes = detail.argumentBytes
            records[index].waitChannel = detail.waitChannel
        }
    }
}
