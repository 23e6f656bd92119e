import Analysis
import Capture
import Glibc
import Kernel
import Model
import Report
import Terminal

/// The loop of the live screen: events of the terminal and looks of the sampler go into the state, and frames come out.
struct TopRun {
    private let session: TerminalSession
    private let sampler: TopSampler
    private let file: TopSettingsFile
    private let worker: PanelWorker
    private let tasks: TopTasks
    private let procfs: ProcFS
    private let isReadOnly: Bool
    private let start = Moment.now
    private var state: TopState
    /// What covers the table, while something does.
    private var panel: Panel?
    private var isOver = false
    private var demand: TopDemand

    /// - Throws: `.usage` where there is no terminal, or the condition is none.
    init(
        settings: TopSettings, options: TopState.Options, condition: String?, file: TopSettingsFile, color: Bool?,
        procfs: ProcFS
    ) throws(Failure) {
        // A session of hours is to need no more than one of minutes.
        OwnHeap.keepSmall()
        self.file = file
        self.procfs = procfs
        isReadOnly = options.readOnly
        var state = TopState(settings: settings, options: options, rows: 24, columns: 80)
        try Top.apply(condition, to: &state)
        session = try TerminalSession(TerminalSession.Options(color: color))
        _ = state.update(.resize(rows: session.rows, columns: session.columns), at: 0)
        demand = state.demand
        let waker = session.waker
        sampler = TopSampler(procfs: procfs, interval: options.interval) { [state] sample in
            var state = state
            if let sample { state.take(sample, at: 0) }
            return state.demand
        } ready: {
            waker.wake()
        }
        worker = PanelWorker(procfs: procfs) { waker.wake() }
        tasks = TopTasks { waker.wake() }
        self.state = state
    }

    /// Runs until the user or a signal ends it; the terminal is then as it was.
    mutating func run() throws(Failure) -> Int32 {
        defer {
            sampler.end()
            worker.stopLooks()
            session.end()
            worker.end()
            tasks.end()
        }
        try sampler.start()
        var signal: Int32?
        var shown: Frame?
        while !isOver {
            let frame = frame
            if frame != shown {
                session.draw(frame)
                shown = frame
            }
            for event in session.next(within: secondsToChange) {
                switch event {
                case .input(let event): handle(event)
                case .woken:
                    if let sample = try sampler.take() { state.take(sample, at: now) }
                    for answer in worker.take() { panel?.receive(answer) }
                    for answer in tasks.take() { take(answer) }
                case .ended(let number):
                    signal = number
                    isOver = true
                case .closed: isOver = true
                }
            }
            handle(.tick)
            if state.demand != demand {
                demand = state.demand
                sampler.want(demand)
            }
        }
        guard let signal, signal != SIGINT else { return ExitStatus.done }
        return 128 + signal
    }

    /// Until something changes by time alone: a message goes away, rows take their places.
    private var secondsToChange: Double {
        state.nextChange.map { max(0, $0 - now) + TopRun.grain } ?? TopRun.longest
    }

    /// The terminal waits in milliseconds.
    private static let grain = 0.001
    private static let longest = 60.0

    private var now: Double { Moment.now.seconds(since: start) }

    private var frame: Frame {
        guard let panel else { return state.frame }
        var frame = Frame(rows: state.rows, columns: state.columns)
        panel.draw(on: &frame, summary: panel.target.map(state.summary) ?? "")
        return frame
    }

    /// Keys and the mouse are the panel's while there is one.
    private mutating func handle(_ event: InputEvent) {
        switch event {
        case .key, .paste, .mouse: if panel == nil { handleInTable(event) } else { handleInPanel(event) }
        case .resize:
            handleInTable(event)
            handleInPanel(event)
        case .tick: handleInTable(event)
        }
    }

    private mutating func handleInTable(_ event: InputEvent) {
        for request in state.update(event, at: now) { handle(request) }
    }

    private mutating func handleInPanel(_ event: InputEvent) {
        guard var open = panel else { return }
        for request in open.update(event, rows: state.rows, columns: state.columns) {
            worker.perform(request)
            // What it did to them is to be seen at once.
            if case .send = request { sampler.lookNow() }
        }
        panel = open.isClosed ? nil : open
    }

    private mutating func show(_ opened: (panel: Panel, requests: [PanelRequest])) {
        panel = opened.panel
        for request in opened.requests { worker.perform(request) }
    }

    private mutating func handle(_ request: TopRequest) {
        switch request {
        case .quit: isOver = true
        case .look:
            sampler.want(state.demand)
            sampler.lookNow()
        case .save(let settings):
            if let reason = file.write(settings) { state.say("the settings are not kept: \(reason)") }
        case .redraw: session.redraw()
        case .open(let target, let tab):
            show(
                Panel.detail(
                    of: target.process, thread: target.thread, at: tab, tabs: PanelWorker.tabs,
                    isReadOnly: isReadOnly))
        case .signal(let targets): show(Panel.signals(to: targets, isReadOnly: isReadOnly))
        case .renice(let targets, let step):
            perform { .said($0.renice(targets, by: step)) }
        case .askIOPriority(let targets):
            perform { .ioPriorities(targets, $0.ioPriorities(of: targets)) }
        case .setIOPriority(let targets, let priority):
            perform { .said($0.setIOPriority(of: targets, to: priority)) }
        case .askProcessors(let targets):
            perform { .processors(targets, $0.processorUses(of: targets), of: $0.procfs.machineProcessors()) }
        case .setProcessors(let targets, let change):
            perform { .said($0.setProcessors(of: targets, change)) }
        case .setPolicy(let targets, let policy):
            perform { .said($0.setPolicy(of: targets, to: policy)) }
        }
    }

    private mutating func perform(_ body: @escaping @Sendable (TopChanger) -> TopAnswer) {
        let changer = TopChanger(procfs: procfs, isReadOnly: isReadOnly)
        let answers = tasks.perform { body(changer) }
        if answers.isEmpty { state.say("asking its threads, of which there are many …") }
        for answer in answers { take(answer) }
    }

    private mutating func take(_ answer: TopAnswer) {
        switch answer {
        case .said(let text):
            state.say(text)
            // What came of a change is to be seen at once.
            sampler.lookNow()
        // Who is at something else by then is not torn away from it.
        case .ioPriorities(let targets, let values):
            if panel == nil, state.isInList { state.offerIOPriorities(targets, values: values) }
        case .processors(let targets, let uses, let machine):
            if panel == nil, state.isInList { state.offerProcessors(targets, uses: uses, of: machine) }
        }
    }
}
