import Capture
import Glibc
import Kernel
import Model
import SystemPackage

/// Takes a trace of a process, of a command that it starts, or of the whole machine, to its end.
struct TraceRun {
    enum Subject {
        case machine
        case process(ProcessIdentity)
        case command([String])
    }

    /// What began to run before the first event.
    let header: TraceHeader
    /// Ended by this; only Ctrl+C is a normal end.
    private(set) var signal: Int32?
    /// Of the command: as a shell would say it; nil while it runs, and without one.
    private(set) var commandStatus: Int32?

    private let trace: SwitchTrace
    private let held: HeldProcess?
    private var command: StartedCommand?
    private let seconds: Double?
    private let start: Moment
    /// A command gets the first signal, as it would without nusu.
    private var forwarded = false

    /// Between two looks at the rings, where they do not fill up sooner.
    private static let tickSeconds = 0.05

    /// Begins at once: a command before its first instruction.
    ///
    /// - Parameter seconds: nil: until it ends, or Ctrl+C.
    /// - Throws: `.usage` where there is no such command, `.noTarget` where the process is gone.
    init(_ subject: Subject, seconds: Double?, mask: borrowing SignalGate, procfs: ProcFS) throws(Failure) {
        self.seconds = seconds
        switch subject {
        case .machine:
            held = nil
            trace = TraceRun.begin(.machine, procfs)
        case .process(let process):
            held = try HeldProcess(process, procfs)
            trace = TraceRun.begin(.process(process), procfs)
        case .command(let words):
            held = nil
            let name = words.first ?? ""
            do throws(Errno) {
                let waiting = try HeldCommand(words, mask: mask)
                trace = TraceRun.begin(.command(TraceRun.identity(waiting.pid, words, procfs)), procfs)
                command = try waiting.release()
            } catch {
                throw Failure(
                    .usage, what: "cannot run '\(name)': \(error)", subject: name,
                    remedy: "give the path of a program, or the name of one in PATH, after --")
            }
        }
        header = trace.header
        start = .now
    }

    /// The kernel writes from the first moment, while what is there already has yet to be read.
    private static func begin(_ target: TraceHeader.Scope, _ procfs: ProcFS) -> SwitchTrace {
        let urgency = Urgency(niceness: niceness)
        let trace = SwitchTrace(target, procfs: procfs)
        urgency.end()
        return trace
    }

    /// Where a thousand threads wait for a core, rings run over before it is this one's turn. What it needs is little.
    private static let niceness: Int32 = -20

    /// Of a command that has not begun: its name will be that of its file.
    private static func identity(_ pid: Int32, _ words: [String], _ procfs: ProcFS) -> ProcessIdentity {
        let file = (words.first ?? "").split(separator: "/").last.map(String.init) ?? ""
        let ticks = (try? procfs.identity(of: pid))?.startTicks ?? 0
        return ProcessIdentity(pid: pid, startTicks: ticks, commandBytes: Array(file.utf8.prefix(15)))
    }

    /// Hands on what comes in until the time is over, the process has ended, or a signal comes. Where a command runs on, its end
    /// is waited for.
    mutating func run(_ body: (TraceBatch) throws(Failure) -> Void) throws(Failure) -> TraceEnd {
        let urgency = Urgency(niceness: TraceRun.niceness)
        while !isOver() {
            let left = seconds.map { $0 - Moment.now.seconds(since: start) } ?? TraceRun.tickSeconds
            try body(trace.next(seconds: min(max(left, 0), TraceRun.tickSeconds)))
            takeSignal()
        }
        let (batch, end) = trace.end()
        try body(batch)
        while command != nil, commandStatus == nil, signal == nil {
            if let received = SignalGate.wait(seconds: 0.2) { take(received) }
            lookAtCommand()
        }
        urgency.end()
        return end
    }

    private mutating func isOver() -> Bool {
        lookAtCommand()
        if signal != nil || commandStatus != nil { return true }
        if let seconds, Moment.now.seconds(since: start) >= seconds { return true }
        return held?.hasEnded() ?? false
    }

    private mutating func lookAtCommand() {
        switch command?.ending() {
        case .exited(let status): commandStatus = status
        case .killed(let signal): commandStatus = 128 + signal
        default: break
        }
    }

    private mutating func takeSignal() {
        if let received = SignalGate.wait(seconds: 0) { take(received) }
    }

    private mutating func take(_ received: SignalGate.Received) {
        guard let pid = command?.pid, commandStatus == nil, !forwarded else {
            signal = received.signal
            return
        }
        forwarded = true
        if !received.isFromTerminal { _ = kill(pid, received.signal) }
    }
}
