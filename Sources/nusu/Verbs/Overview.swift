import Analysis
import ArgumentParser
import Capture
import Glibc
import Kernel
import Model
import Report

/// `nusu TARGET`: the front door. Not one of the verbs: it is what nusu does when the first word is none.
struct Overview: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "nusu",
        abstract: "How a process is, what limits it, whether nusu may look into it, and at what cost.",
        discussion: """
            Watches for a few seconds and touches nothing: memory against its limit and whether it grows, descriptors, \
            threads, what it does, which allocator and languages it uses, and the command to go on with. Needs no right \
            beyond its owner's; what others may see of it is shown to them.
            """)

    @Argument(help: "A PID, a name, :PORT or container:ID.")
    var target: String

    @OptionGroup var choice: TargetChoice

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("For how long it is watched (3s, 1m); 0 for one look.", valueName: "duration"))
    var watchTime = Seconds(3)

    @OptionGroup var output: OutputOptions

    /// Between two samples: enough of them for a tendency within the usual time.
    private static let samples = 12.0
    private static let longestInterval = 1.0

    func validate() throws {
        if watchTime.value > 3600 { throw ValidationError("--for takes at most 1h; for longer there is nusu watch") }
    }

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let procfs = ProcFS()
        let identity = try identity(procfs)
        let progress = Progress("watching \(identity) for \(Int(watchTime.value.rounded())) s")
        defer { progress.end() }
        let report = try look(at: identity, procfs)
        progress.end()
        try Output.print(self.output.json ? report.json() : report.text(output.style))
        return ExitStatus.done
    }

    private func identity(_ procfs: ProcFS) throws -> ProcessIdentity {
        if SavedFile.isPath(target) {
            throw Failure(
                .usage, what: "\(target) is a file, and this is about processes", subject: target,
                remedy: "ask a verb that takes files: nusu leaks \(target)")
        }
        do {
            return try choice.identity(of: target, procfs, verb: "show")
        } catch let failure as Failure where failure.kind == .noTarget && !target.utf8.contains(where: { $0 < 0x41 }) {
            throw Failure(
                .noTarget, what: "there is no process called '\(target)', and no verb", subject: target,
                remedy: "nusu find \(target), or nusu --help for the verbs")
        }
    }

    private func look(at identity: ProcessIdentity, _ procfs: ProcFS) throws -> OverviewReport {
        let watch = ProcessWatch(procfs: procfs)
        try watch.add(identity)
        let groupWatch = MemoryGroupWatch(procfs: procfs)
        let groupIndexes = groupWatch.add(identity.pid)
        var groups = groupIndexes.map { _ in GroupHistory() }
        var history = UsageHistory()
        let earlier = watchTime.value > 0 ? procfs.activity(of: identity.pid) : nil
        let start = Moment.now
        let interval = min(watchTime.value / Overview.samples, Overview.longestInterval)
        while true {
            let seconds = Moment.now.seconds(since: start)
            if let sample = watch.sample()[0] { history.append(sample, at: seconds) }
            for (number, index) in groupIndexes.enumerated() {
                groups[number].append(groupWatch.sample(index), at: seconds)
            }
            guard interval > 0, seconds + interval / 2 < watchTime.value else { break }
            Pause.sleep(seconds: interval)
        }
        let watched = Moment.now.seconds(since: start)
        var portrait = try procfs.portrait(of: identity, own: getpid())
        portrait.earlier = earlier
        let mappings = try? procfs.mappings(of: identity.pid)
        let servers = FileServers(of: identity.pid, procFS: procfs)
        var report = OverviewReport(
            show: ShowReport(portrait: portrait, facts: procfs.machineFacts()), history: history,
            watchedSeconds: watchTime.value > 0 ? watched : 0, groups: groups,
            descriptorLimit: procfs.limits(of: identity.pid)?.openFiles,
            runtime: runtime(of: identity, portrait.record.stat, mappings, servers, procfs),
            permission: permission(identity, procfs))
        report.gaps = portrait.gaps
        if let gap = servers.gap(of: mappings ?? []) { report.gaps.append(gap) }
        return report
    }

    /// nil where its files may not be seen, and for what has none.
    private func runtime(
        of identity: ProcessIdentity, _ stat: ProcessStat, _ mappings: [Mapping]?, _ servers: FileServers,
        _ procfs: ProcFS
    ) -> RuntimeFacts? {
        guard !stat.isZombie, !stat.isKernelThread, let mappings else { return nil }
        let bytes = MappedFileBytes(of: identity.pid, mappings: mappings, procFS: procfs, servers: servers)
        return RuntimeSurvey(identity, mappings: mappings, reader: bytes).facts()
    }

    private func permission(_ identity: ProcessIdentity, _ procfs: ProcFS) -> OverviewReport.Permission {
        let looker = HeapLooker(target: identity, procfs: procfs, snapshot: SnapshotOptions())
        do { return .granted(try looker.plan(verb: "leaks")) } catch { return .refused(error) }
    }
}
