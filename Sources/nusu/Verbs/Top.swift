import ArgumentParser
import Analysis
import Capture
import Glibc
import Kernel
import Model
import Report
import Terminal

/// `nusu top`: the live screen.
struct Top: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "The live screen: what runs, what it does just now, and a closer look at a key.",
        discussion: """
            nusu top                           everything, busiest first; ? has all keys, q ends
            nusu top --tree                    as families
            nusu top --io                      who reads and writes; Tab turns to it and back
            nusu top --threads                 with a row for each thread; H shows and hides them
            nusu top --where 'rss>100M'        conditions as in nusu ps --where; \\ changes them
            nusu top -o pid,user,pcpu,rss,readrate,writerate,args --sort -readrate
            nusu top --once                    one screen as text
            nusu top --json                    one document a line for each look, until Ctrl+C
            nusu top --once --json             one document

            The keys are htop's where htop has one. Rows stay where they are while the cursor moves; Enter looks into a \
            process: what it waits for, its memory, mappings, files, leaks, and what each signal would do. Nothing is sent, \
            changed or stopped unasked, with --read-only not at all.

            %CPU counts what short-lived children did with who started them; what nobody can be charged with is a row of \
            its own. In a container with limits, these are shown as the machine. Settings are kept in \
            $XDG_CONFIG_HOME/nusu/top, else in ~/.config/nusu/top.
            """)

    @Option(name: [.customShort("o"), .long], help: "Columns, as in nusu ps --fields: pid,user,pcpu,args.")
    var columns: String?

    @Option(parsing: .unconditional, help: "Sort by this field; with - in front the largest first.")
    var sort: String?

    @Option(name: .customLong("where"), help: "Show only what fits: 'cpu>5 && rss>100M && name~\"redis\"'.")
    var condition: String?

    @Option(help: "Show only processes of this user (name or number).")
    var user: String?

    @Flag(help: "As families: children below their parents.")
    var tree = false

    @Flag(name: .customLong("io"), help: "Begin with the columns of I/O: who reads and writes, and who waits for it.")
    var io = false

    @Flag(name: [.customShort("H"), .long], help: "A row for each thread of processes that have several.")
    var threads = false

    @Option(help: "Time between two looks: 1.5s, 500ms; at least 100ms.")
    var interval = Seconds(1.5)

    @Flag(help: "Print one screen as text and end.")
    var once = false

    @Flag(help: "Send no signals, change nothing, and stop no process for a look.")
    var readOnly = false

    @OptionGroup var output: OutputOptions

    /// The least time between two looks, and what `--once` waits for rates.
    private static let leastInterval = 0.1
    private static let onceSeconds = 0.5
    private static let rows = 25
    private static let columnCount = 100

    func run(_ output: Output) throws -> Int32 {
        var output = output
        output.isJSON = self.output.json
        output.color = self.output.color
        let procfs = ProcFS()
        guard interval.value >= Top.leastInterval else {
            throw Failure(
                .usage, what: "\(interval.value) s between two looks is too short", subject: "--interval",
                remedy: "0.1 s at least: --interval 100ms")
        }
        let file = TopSettingsFile()
        let settings = try chosen(self.output.json ? TopSettings() : file.read())
        var options = TopState.Options()
        options.readOnly = readOnly
        options.interval = interval.value
        options.user = try user.map { name throws(Failure) in try Top.number(of: name, procfs.machineFacts()) }
        if self.output.json { return try printDocuments(settings, options, procfs) }
        if once { return try printOnce(settings, options, procfs, output) }
        let color: Bool? =
            switch output.color {
            case .always: true
            case .never: false
            case .auto: nil
            }
        var screen = try TopRun(
            settings: settings, options: options, condition: condition, file: file, color: color, procfs: procfs)
        return try screen.run()
    }

    /// What was kept, with what the command line says of it.
    private func chosen(_ kept: TopSettings) throws(Failure) -> TopSettings {
        var settings = kept
        if io { settings.screen = .io }
        if let columns { settings.setColumns(try ProcessColumn.list(columns).map(\.field.key)) }
        if let sort {
            let name = sort.hasPrefix("-") ? String(sort.dropFirst()) : sort
            settings.sort = try ProcessColumn.parse(name).field.key
            settings.descending = sort.hasPrefix("-")
        }
        if tree { settings.isTree = true }
        if threads { settings.threads = true }
        return settings
    }

    private static func number(of name: String, _ facts: MachineFacts) throws(Failure) -> UInt32 {
        if let number = facts.user(named: name) { return number }
        throw Failure(
            .usage, what: "there is no user '\(name)' in /etc/passwd", subject: name, remedy: "give the user's number")
    }

    // MARK: - Without a screen

    /// Two looks, and one frame of the second.
    private func printOnce(
        _ settings: TopSettings, _ options: TopState.Options, _ procfs: ProcFS, _ output: Output
    ) throws -> Int32 {
        var options = options
        options.isStill = true
        let size = output.style.isTerminal ? Output.terminalSize(STDOUT_FILENO) : nil
        var state = TopState(
            settings: settings, options: options, rows: min(size?.rows ?? Top.rows, Top.rows),
            columns: size?.columns ?? Top.columnCount)
        try Top.apply(condition, to: &state)
        let look = TopLook(procfs: procfs)
        for number in 0..<2 {
            if number > 0 { Pause.sleep(seconds: min(interval.value, Top.onceSeconds)) }
            var demand = state.demand
            // Which threads will be in sight is not known yet, and their rates need two looks.
            if number == 0, demand.hasThreads { demand.everywhere.formUnion(demand.visible.subtracting(.arguments)) }
            let sample = try look.look(demand)
            state.take(sample, at: Double(number))
            if number > 0 { for gap in sample.gaps { output.note(gap) } }
        }
        try Output.print(state.frame.text)
        return ExitStatus.done
    }

    /// A document for each look from the second on: the first has no rates.
    private func printDocuments(
        _ settings: TopSettings, _ options: TopState.Options, _ procfs: ProcFS
    ) throws -> Int32 {
        let gate = SignalGate()
        var settings = settings
        // Documents have all of it; who wants less has jq.
        settings.kernelThreads = true
        settings.isTree = false
        var state = TopState(settings: settings, options: options, rows: Top.rows, columns: Top.columnCount)
        try Top.apply(condition, to: &state)
        let look = TopLook(procfs: procfs)
        var next = Moment.now
        var isFirst = true
        while true {
            // Every process is written, so every one counts as visible.
            var demand = state.demand
            demand.everywhere.formUnion(demand.visible.subtracting(.arguments))
            demand.processes = []
            demand.threads = []
            let sample = try look.look(demand)
            state.take(sample, at: Moment.now.seconds(since: Moment(nanoseconds: 0)))
            if !isFirst {
                try Output.print(sample.json(state.shownFields, rows: state.shownRows, time: Int64(time(nil))))
                if once { break }
            }
            next = max(
                next.after(seconds: isFirst ? min(interval.value, Top.onceSeconds) : interval.value), Moment.now)
            isFirst = false
            if let signal = SignalGate.wait(seconds: next.seconds(since: Moment.now)) {
                gate.hold()
                return signal.signal == SIGINT ? ExitStatus.done : 128 + signal.signal
            }
        }
        gate.hold()
        return ExitStatus.done
    }

    /// - Throws: `.usage` where the text is no condition.
    static func apply(_ condition: String?, to state: inout TopState) throws(Failure) {
        guard let condition else { return }
        // The same words as those of ps, with what is wrong in them.
        _ = try PsRun.parse(condition)
        state.setFilter(condition)
    }
}
