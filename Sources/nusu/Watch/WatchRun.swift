import Analysis
import Capture
import Glibc
import Kernel
import Model
import Report

/// Watches processes: takes samples, keeps evidence when a limit comes near, and says what came of it.
struct WatchRun {
    struct Options {
        var intervalSeconds = 1.0
        /// nil: until all have ended, or Ctrl+C.
        var seconds: Double?
        var untilGrowth = false
        /// The share of a group's limit at which evidence is kept.
        var saveAt: Double?
        var saveEverySeconds: Double?
        var isJSON = false
    }

    /// Ended by these, the watch prints what it has seen; only Ctrl+C is a normal end.
    private(set) var signal: Int32?
    /// Of the command that nusu started: as a shell would say it; nil while it runs, and without one.
    private(set) var commandStatus: Int32?

    private let options: Options
    private let procfs: ProcFS
    private let words: [String]?
    private let watch: ProcessWatch
    private let groupWatch: MemoryGroupWatch
    private var command: StartedCommand?
    private var evidence: WatchEvidence
    private var display: WatchDisplay
    private var entries: [WatchEntry] = []
    private var groups: [GroupHistory] = []
    private let start = Moment.now
    private var nextGrowthCheck = Trend.leastSurePoints
    /// Indexes of entries that grew when that was last asked.
    private var growingBefore: Set<Int> = []
    /// A command gets the first signal, as it would without nusu.
    private var forwarded = false

    /// Between two looks at a group: when it is far from the limit, and when it is near.
    private static let calmSeconds = 0.2
    private static let alertSeconds = 0.02

    /// - Throws: `.noTarget` when one is gone.
    init(
        _ targets: [ProcessIdentity], options: Options, evidence: WatchEvidence, procfs: ProcFS
    ) throws(Failure) {
        self.options = options
        self.evidence = evidence
        self.procfs = procfs
        words = nil
        watch = ProcessWatch(procfs: procfs)
        groupWatch = MemoryGroupWatch(procfs: procfs)
        display = WatchDisplay(isEnabled: !options.isJSON)
        for target in targets { try add(target, held: try HeldProcess(target, procfs)) }
    }

    /// Starts a command and watches it.
    /// - Throws: `.usage` where there is no such command.
    init(
        command arguments: [String], mask: borrowing SignalGate, options: Options, evidence: WatchEvidence,
        procfs: ProcFS
    ) throws(Failure) {
        self.options = options
        self.evidence = evidence
        self.procfs = procfs
        words = arguments
        watch = ProcessWatch(procfs: procfs)
        groupWatch = MemoryGroupWatch(procfs: procfs)
        // The terminal is the command's.
        display = WatchDisplay(isEnabled: false)
        let started: StartedCommand
        do { started = try StartedCommand(arguments, mask: mask) } catch {
            let name = arguments.first ?? ""
            throw Failure(
                .usage, what: "cannot run '\(name)': \(error)", subject: name,
                remedy: "give the path of a program, or the name of one in PATH, after --")
        }
        let pid = started.pid
        command = started
        try add(try procfs.identity(of: pid), held: nil)
    }

    private mutating func add(_ process: ProcessIdentity, held: HeldProcess?) throws(Failure) {
        try watch.add(process)
        let indexes = groupWatch.add(process.pid)
        let limit = procfs.limits(of: process.pid)?.openFiles
        entries.append(WatchEntry(process: process, held: held, groups: indexes, descriptorLimit: limit))
    }

    /// What a target has no limit for cannot be waited for. A command will be in nusu's own group.
    static func checkLimit(of pid: Int32, _ name: String, procfs: ProcFS) throws(Failure) {
        guard try !procfs.memoryCgroups(of: pid).contains(where: { $0.limitBytes != nil }) else { return }
        throw Failure(
            .usage, what: "\(name) has no memory limit that --save-at could be a share of", subject: "--save-at",
            remedy: "use --save-every 10m, or set a limit (memory.max of its control group)")
    }

    // MARK: - The loop

    /// Watches until the time is over, all have ended, something grows (if that was asked for) or a signal comes.
    mutating func run() throws(Failure) {
        for index in entries.indices { entries[index].nextSaveSeconds = options.saveEverySeconds }
        var next = start
        while true {
            try takeSample()
            if !entries.contains(where: \.isAlive) || isOver() || hasGrown() || signal != nil { break }
            draw()
            next = max(next.after(seconds: options.intervalSeconds), Moment.now)
            try wait(until: next)
            if signal != nil { break }
        }
        // The last sample may be an interval old.
        if signal != nil { try takeSample() }
        display.clear()
    }

    private func isOver() -> Bool { options.seconds.map { Moment.now.seconds(since: start) >= $0 } ?? false }

    private mutating func wait(until next: Moment) throws(Failure) {
        while signal == nil {
            let left = next.nanoseconds > Moment.now.nanoseconds ? next.seconds(since: Moment.now) : 0
            guard left > 0 else { return }
            let overTime = options.seconds.map { $0 - Moment.now.seconds(since: start) } ?? .infinity
            guard overTime > 0 else { return }
            let step = min(left, overTime, try lookAtLimits())
            if let received = SignalGate.wait(seconds: step) { take(received) }
            // A child that has ended is not worth waiting for.
            if let command = command?.ending(), command.isEnd { return }
        }
    }

    private mutating func take(_ received: SignalGate.Received) {
        guard let pid = command?.pid, commandStatus == nil, !forwarded else {
            signal = received.signal
            return
        }
        forwarded = true
        if !received.isFromTerminal { _ = kill(pid, received.signal) }
    }

    // MARK: - Samples

    private mutating func takeSample() throws(Failure) {
        let seconds = Moment.now.seconds(since: start)
        let samples = watch.sample()
        for (index, sample) in samples.enumerated() where entries[index].isAlive {
            if let sample {
                entries[index].history.append(sample, at: seconds)
                searchHeap(index, sample)
            } else {
                let ending = ending(index)
                entries[index].ended = WatchReport.Ended(
                    ending: ending, afterSeconds: seconds, isOutOfMemory: false)
            }
        }
        sampleGroups(at: seconds)
        for index in entries.indices { explainEnd(index) }
        if options.isJSON { try printSample(samples, at: seconds) }
        try saveRegularly(at: seconds)
        _ = try lookAtLimits()
    }

    private mutating func sampleGroups(at seconds: Double) {
        let inUse = Set(entries.filter(\.isAlive).flatMap(\.groups))
        for (index, sample) in groupWatch.sample().enumerated() {
            if index == groups.count { groups.append(GroupHistory()) }
            groups[index].append(sample, at: seconds, isInUse: inUse.contains(index))
        }
    }

    private mutating func ending(_ index: Int) -> ProcessEnding {
        if let held = entries[index].held {
            switch held.ending() {
            case .exited(let status): return .exited(status: status)
            case .killed(let signal): return .killed(signal: signal)
            case nil: return .unknown
            }
        }
        // The end is seen in /proc a moment before it can be waited for.
        for _ in 0..<200 where command?.ending() == nil { Pause.sleep(seconds: 0.005) }
        switch command?.ending() {
        case .exited(let status):
            commandStatus = status
            return .exited(status: status)
        case .killed(let signal):
            commandStatus = 128 + signal
            return .killed(signal: signal)
        default: return .unknown
        }
    }

    /// The kernel counts a process when it decides to end it; taking its memory apart needs a while after that.
    private mutating func explainEnd(_ index: Int) {
        guard let ended = entries[index].ended, ended.ending == .killed(signal: SIGKILL) || ended.ending == .unknown
        else { return }
        let window = max(2, 3 * options.intervalSeconds)
        let isOutOfMemory = entries[index].groups.contains { group in
            groups[group].lastKillSeconds.map { abs($0 - ended.afterSeconds) <= window } ?? false
        }
        entries[index].ended?.isOutOfMemory = isOutOfMemory
    }

    private func printSample(_ samples: [ProcessSample?], at seconds: Double) throws(Failure) {
        let known = zip(entries, samples).compactMap { entry, sample in sample.map { (entry.process, $0) } }
        try Output.print(
            WatchReport.sampleJSON(known, groups: groups.compactMap(\.last), seconds: seconds, time: Int64(time(nil))))
    }

    /// Malloc is not there yet when a program starts, and another one after an execve.
    private mutating func searchHeap(_ index: Int, _ sample: ProcessSample) {
        let count = entries[index].history.sampleCount
        guard sample.heapBytes == nil, count >= entries[index].nextHeapSearch else { return }
        entries[index].nextHeapSearch = count * 2
        do throws(Failure) {
            let image = try LiveMemory.modules(of: entries[index].process, procFS: procfs)
            if let counters = HeapCounters(in: image) { watch.follow(counters, index) }
        } catch {
            // It may have ended just now: the next sample tells.
            guard error.kind == .notPermitted else { return }
            entries[index].nextHeapSearch = .max
            entries[index].mayReadMemory = false
        }
    }

    // MARK: - What it leads to

    /// Whether something surely grows, if that is to end the watch. Asked at times that lie further and further apart, and
    /// believed when it is so twice in a row: who asks a hundred times is once told so by chance.
    private mutating func hasGrown() -> Bool {
        guard options.untilGrowth, let most = entries.map(\.history.sampleCount).max(), most >= nextGrowthCheck else {
            return false
        }
        nextGrowthCheck = most + max(1, most / 4)
        let growing = Set(entries.indices.filter { entries[$0].history.trends().values.contains { $0.grows } })
        defer { growingBefore = growing }
        return !growing.isDisjoint(with: growingBefore)
    }

    /// Keeps evidence of every target whose group is as full as was said.
    /// - Returns: in how many seconds to look again.
    private mutating func lookAtLimits() throws(Failure) -> Double {
        guard let saveAt = options.saveAt else { return .infinity }
        var isNear = false
        for index in entries.indices where entries[index].isAlive {
            for group in entries[index].groups {
                let sample = groupWatch.sample(group)
                guard let limit = sample.limitBytes, limit > 0, let held = sample.heldBytes else { continue }
                let share = Double(held) / Double(limit)
                if share >= saveAt / 2 { isNear = true }
                if share < saveAt - 0.05 { entries[index].alarmedGroups.remove(group) }
                guard share >= saveAt, entries[index].alarmedGroups.insert(group).inserted else { continue }
                try keep(index, reason: "at \(Int(share * 100)) % of its limit of \(Units.bytes(limit))")
            }
        }
        return isNear ? WatchRun.alertSeconds : WatchRun.calmSeconds
    }

    private mutating func saveRegularly(at seconds: Double) throws(Failure) {
        guard let every = options.saveEverySeconds else { return }
        for index in entries.indices where entries[index].isAlive {
            guard let due = entries[index].nextSaveSeconds, seconds >= due else { continue }
            entries[index].nextSaveSeconds = max(due + every, seconds + every / 2)
            try keep(index, reason: "as every \(WatchRun.text(every))")
        }
    }

    private mutating func keep(_ index: Int, reason: String) throws(Failure) {
        draw(note: "keeping evidence")
        let target = target(entries[index])
        let part = WatchReport(
            targets: [target], groups: groups, seconds: Moment.now.seconds(since: start))
        if let signal = try evidence.keep(part, of: target, reason: reason) { self.signal = signal }
    }

    private static func text(_ seconds: Double) -> String {
        seconds >= 60 && seconds.truncatingRemainder(dividingBy: 60) == 0 ? "\(Int(seconds / 60)) min" : "\(seconds) s"
    }

    // MARK: - What came of it

    func report() -> WatchReport {
        var report = WatchReport(
            targets: entries.map(target), groups: groups, seconds: Moment.now.seconds(since: start))
        report.command = words
        report.evidence = evidence.all
        report.gaps = gaps()
        return report
    }

    /// What this user or this kernel leaves out, and what would unlock it.
    private func gaps() -> [Gap] {
        func whose(_ entries: [WatchEntry]) -> String {
            entries.count == 1 ? "\(entries[0].process)" : "\(Units.grouped(entries.count)) processes"
        }
        let remedy = "run nusu as its user where that is allowed, as root or with CAP_SYS_PTRACE"
        var gaps: [Gap] = []
        let closed = entries.filter { !$0.mayReadMemory }
        if !closed.isEmpty {
            gaps.append(
                Gap(
                    what: "malloc's memory of \(whose(closed))", reason: "reading it needs the right to trace it",
                    remedy: remedy))
        }
        let uncounted = entries.filter { $0.history.sampleCount > 0 && $0.history.last(.descriptors) == nil }
        if !uncounted.isEmpty {
            gaps.append(
                Gap(
                    what: "descriptors of \(whose(uncounted))",
                    reason: "before Linux 6.2 their number is told only to who may trace it", remedy: remedy))
        }
        return gaps
    }

    private func target(_ entry: WatchEntry) -> WatchReport.Target {
        WatchReport.Target(
            process: entry.process, history: entry.history, groups: entry.groups,
            descriptorLimit: entry.descriptorLimit, ended: entry.ended)
    }

    private mutating func draw(note: String = "") {
        let shown = entries.map { (process: $0.process, history: $0.history, hasEnded: !$0.isAlive) }
        display.draw(shown, note: note)
    }
}

/// One process that is watched.
private struct WatchEntry {
    let process: ProcessIdentity
    /// nil for nusu's own child.
    let held: HeldProcess?
    /// Indexes of its control groups.
    let groups: [Int]
    let descriptorLimit: UInt64?
    var history = UsageHistory()
    var ended: WatchReport.Ended?
    /// Malloc's counts are looked for once there are so many samples.
    var nextHeapSearch = 1
    var mayReadMemory = true
    /// Groups so full that evidence was kept, until they are emptier again.
    var alarmedGroups: Set<Int> = []
    var nextSaveSeconds: Double?

    var isAlive: Bool { ended == nil }
}
