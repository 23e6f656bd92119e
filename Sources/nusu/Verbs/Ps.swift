import Analysis
import ArgumentParser
import Capture
import Glibc
import Kernel
import Model
import Report

/// `nusu ps`: the processes, as ps(1) lists them, and more.
struct Ps: ParsableCommand, Verb {
    static let configuration = CommandConfiguration(
        commandName: "ps",
        abstract: "The processes: ps(1)'s daily forms, conditions, rates, JSON.",
        usage: "nusu ps [-e] [-f] [-L] [aux] [-o FIELDS] [--sort [-]FIELD] [--where CONDITION] [OPTIONS]",
        discussion: """
            nusu ps -ef                           every process, with its command line
            nusu ps aux --sort=-rss               with memory, the largest first
            nusu ps -eLf                          every thread
            nusu ps -eo pid,stat,wchan:20,args    columns of one's own; pid= has no title
            nusu ps -e --where 'cpu>5 && rss>100M && name~"redis"'
            nusu ps -e --interval 1s              what changes in one second
            nusu ps -e -o pid,container,waited,vcsw,ivcsw,started,args
            nusu ps --fields                      every field: meaning, unit, file, right

            SELECT     -e -A all, -a -d, -p PID,… -u USER,… -U USER,… -C NAME,… -t TTY,…
                       -s SESSION,… --ppid PID,… -N turns it round; BSD: a x;
                       without any: your own of this terminal
            COLUMNS    -f -F -l -j -L, BSD: u l j; --no-headers
                       -o FIELD[:WIDTH][=TITLE],…
            --where    == != < <= > >=, ~ !~ (POSIX extended expression), ! && ||,
                       parentheses; K M G are 1024, 1024², 1024³; bytes and seconds.
                       What is not known never matches.
            --sort     [-]FIELD,…
            --interval SECONDS (1s, 500ms): looks twice; %CPU and the fields of rates
                       are those of the time between
            --json     one document, schema nusu.ps/1
            --color    auto, always or never

            Without --interval %CPU is the share since the process was started, and with -L the main thread's line has the \
            times of all threads, as in ps. The status is 1 when no process was selected.
            """)

    @Argument(parsing: .captureForPassthrough, help: .hidden)
    var arguments: [String] = []

    func run(_ output: Output) throws -> Int32 {
        let procfs = ProcFS()
        let facts = procfs.machineFacts()
        var asked = try PsArguments(arguments, facts)
        if asked.asksForHelp { throw CleanExit.helpRequest(self) }
        if asked.asksForVersion { throw CleanExit.message(Version.text) }
        var output = output
        output.isJSON = asked.json
        output.color = asked.color
        if asked.listsFields {
            try Output.print(asked.json ? FieldList.json() : FieldList.text(output.style))
            return ExitStatus.done
        }
        asked.selection.own = (geteuid(), (try? procfs.stat(of: getpid()).terminal) ?? 0)
        let list = try PsRun(procfs: procfs, facts: facts, asked: asked).list()
        try Output.print(asked.json ? list.json() : list.text(output.style))
        if !asked.json { for gap in list.gaps { output.note(gap) } }
        return list.rows.isEmpty ? ExitStatus.found : ExitStatus.done
    }
}

/// One run of `nusu ps`: which files must be read, the look or the two looks, and which rows come of it.
struct PsRun {
    private let procfs: ProcFS
    private let facts: MachineFacts
    private let asked: PsArguments
    private let columns: [ProcessColumn]
    private let condition: WhereExpression<ProcessField>?

    init(procfs: ProcFS, facts: MachineFacts, asked: PsArguments) throws(Failure) {
        self.procfs = procfs
        self.facts = facts
        self.asked = asked
        var form = asked.form
        form.rates = asked.interval != nil && form.isDefault
        columns = asked.columns.isEmpty ? try form.columns() : asked.columns
        condition = try asked.condition.map { text throws(Failure) in try PsRun.parse(text) }
        let fields = columns.map(\.field) + asked.sort.map(\.field) + (condition?.fields ?? [])
        if asked.interval == nil, let rate = fields.first(where: \.isRate) {
            throw PsArguments.usage(
                "the field '\(rate.key)' needs a second look", rate.key, remedy: "add --interval 1s")
        }
    }

    func list() throws(Failure) -> ProcessList {
        var request = ProcessScan.Request(sources, processes: asked.selection.onlyProcesses, threads: asked.threads)
        // Between two looks each thread has what it did itself: who asks for that looks for the one that is at work.
        request.mainThreadHasTotals = asked.interval == nil
        let selection = asked.selection
        if !selection.needsStatus { request.isWanted = { selection.matches($0) } }
        var before: ProcessScan?
        if let interval = asked.interval {
            before = try procfs.scan(request)
            Pause.sleep(seconds: interval.value)
        }
        let scan = try procfs.scan(request)
        let seconds = before.map { scan.moment.seconds(since: $0.moment) }
        var facts = facts
        if before != nil { facts = procfs.machineFacts() }
        var rates: [Int32: ProcessRates] = [:]
        if let before, let seconds {
            rates = ProcessRates.between(before.records, scan.records, seconds: seconds, facts: facts)
        }
        let context = ProcessContext(facts)
        var rows = scan.records.compactMap { record in
            !selection.needsStatus || selection.matches(record)
                ? ProcessRow(record: record, rates: rates[record.stat.pid], context: context) : nil
        }
        if let condition { rows = rows.filter { row in condition.matches { $0.value(row) } } }
        rows = ProcessOrder.sorted(
            rows, by: asked.sort.map { ProcessSortKey(field: $0.field, descending: $0.descending) }
        ) { $1.value($0) }
        return ProcessList(
            columns: columns, rows: rows, hasTitles: asked.hasTitles, interval: seconds, context: context)
    }

    /// What must be read for columns, conditions, order and selection.
    private var sources: ProcessSources {
        let fields = columns.map(\.field) + asked.sort.map(\.field) + (condition?.fields ?? [])
        var sources = fields.reduce(into: ProcessSources.owner) { $0.formUnion($1.sources) }
        if asked.selection.needsStatus { sources.insert(.status) }
        if asked.json { sources.formUnion(ProcessRow.sourcesOfJSON) }
        return sources
    }

    static func parse(_ text: String) throws(Failure) -> WhereExpression<ProcessField> {
        do throws(WhereError) {
            return try WhereExpression.parse(text) { name in
                ProcessField.named(name.lowercased()).map { (field: $0.field, isText: $0.field.isText) }
            }
        } catch {
            throw Failure(
                .usage, what: "--where: \(error.what), at character \(error.offset + 1) of: \(text)", subject: text,
                remedy: "for example: --where 'cpu>5 && rss>100M && name~\"redis\"'; fields: nusu ps --fields")
        }
    }
}
