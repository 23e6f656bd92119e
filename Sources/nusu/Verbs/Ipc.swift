import Analysis
import ArgumentParser
import Capture
import Glibc
import Model
import Report

/// `nusu ipc [TARGET] [OTHER]`: who is connected to whom.
struct Ipc: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "ipc",
        abstract: "Who is connected to whom, by pipes, sockets, terminals, queues, shared memory; and what is stuck.",
        discussion: """
              nusu ipc                     all channels that join processes, what is stuck first
              nusu ipc 1234                those of one process
              nusu ipc 1234 postgres       the shortest way from one process to another, channel by channel
              nusu ipc --over 5s           also what flowed meanwhile, where the kernel counts it (TCP)
              nusu ipc --wide              a line for each channel: descriptors, numbers, ~ at what is guessed
              nusu ipc --dot | dot -Tsvg   a drawing

            A line puts together what is alike: "nginx(910) x5 <=unix /run/api.sock=> api(1234)  12 open" are twelve \
            connections of five processes. Who writes, or has called, stands on the left. What waits has been sent and not \
            been read: to the right, and where both send back to the left.

            Stuck is a channel at which a thread sleeps because the other side does not read, does not accept, or keeps a \
            lock; or because both wait for each other (deadlock). Whom that one waits for is what nusu show says.

            Touches nothing. Sees what its user may see: of other users' processes the sockets and not who has them. The \
            status is 0, or 2 when no way between two processes was found and not everything could be seen.
            """)

    @Argument(help: "A PID, a name, :PORT or container:ID; without it all processes.")
    var target: String?

    @Argument(help: "Another process: how do they reach each other?")
    var other: String?

    @OptionGroup var choice: TargetChoice

    @Flag(help: "Every line, however many.")
    var all = false

    @Flag(help: "A line for each channel, with its descriptors and what makes it doubtful.")
    var wide = false

    @Flag(help: "The graph in the language of graphviz's dot.")
    var dot = false

    @Option(
        help: ArgumentHelp("Look twice, so far apart (5s, 1m), and show what flowed between.", valueName: "duration"))
    var over: Seconds?

    @OptionGroup var output: OutputOptions

    func validate() throws {
        if let over, over.value <= 0 { throw ValidationError("--over takes a time above 0") }
        if dot, output.json || wide || other != nil || over != nil {
            throw ValidationError(
                "--dot draws all channels, or those of one process: not with --json, --wide, --over or OTHER")
        }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let procfs = ProcFS()
        let subjects = try [target, other].compactMap { $0 }.map { name in
            try choice.identity(of: name == "self" ? "\(getpid())" : name, procfs, verb: "ipc")
        }
        if subjects.count == 2, subjects[0].pid == subjects[1].pid {
            throw Failure(
                .usage, what: "both are the same process, \(subjects[0])", subject: subjects[0].description,
                remedy: "nusu ipc \(subjects[0].pid) shows whom it is connected to")
        }
        let (graph, flow) = try look(procfs)
        for subject in subjects where graph.processes[subject.pid]?.identity != subject {
            throw Ipc.missing(subject, procfs)
        }
        let viewer: ChannelUsers.Viewer =
            procfs.mayTraceOthers ? .tracer : geteuid() == 0 ? .rootWithoutCapabilities : .user
        let users = ChannelUsers(names: procfs.machineFacts().users, viewer: viewer)
        if subjects.count == 2 {
            let report = ChainReport(graph, from: subjects[0].pid, to: subjects[1].pid, flow: flow, users: users)
            try Output.print(self.output.json ? report.json() : report.text(options, output.style))
            return report.found || graph.unseen.isEmpty ? ExitStatus.done : ExitStatus.lowerBound
        }
        let findings = ChannelFindings(graph, target: subjects.first?.pid, depth: options.depth)
        let report = ChannelReport(findings, flow: flow, users: users)
        try Output.print(
            dot ? report.dot() : self.output.json ? report.json() : report.text(options, output.style))
        return ExitStatus.done
    }

    private static func missing(_ subject: ProcessIdentity, _ procfs: ProcFS) -> Failure {
        if let stat = try? procfs.stat(of: subject.pid), stat.isKernelThread {
            return Failure(
                .unsupported, what: "\(subject) is a thread of the kernel: it has no descriptors and shares no memory",
                subject: subject.description, remedy: "nusu show \(subject.pid)")
        }
        return Failure(
            .noTarget, what: "\(subject) ended while it was looked at", subject: subject.description,
            remedy: "look for it with: nusu ps")
    }

    private var options: ChannelReport.Options { ChannelReport.Options(all: all, wide: wide) }

    private func look(_ procfs: ProcFS) throws(Failure) -> (ChannelGraph, ChannelFlow?) {
        let progress = Progress("looking at the channels of all processes")
        defer { progress.end() }
        var first = try procfs.channelGraph(counts: over != nil)
        first.noteDeadlocks()
        guard let over else { return (first, nil) }
        let start = ContinuousClock.now
        progress.enter("waiting to look again")
        HeapLooker.sleep(over.value)
        let seconds = (ContinuousClock.now - start).inSeconds
        var second = try procfs.channelGraph(counts: true)
        second.noteDeadlocks()
        return (second, ChannelFlow(from: first, to: second, seconds: seconds))
    }
}
