package import Analysis
import Model

/// An outlook in words: one sentence without its subject, "ends it at once".
package enum SignalOutlookText {
    package static func effect(_ outlook: SignalOutlook) -> String {
        var text = plain(outlook.outcome)
        if let thread = outlook.waitsForThread {
            text += " once thread \(thread) leaves the kernel"
        }
        if let tracer = outlook.tracer, !isHeldByTracer(outlook.outcome) {
            text += "; its tracer \(tracer) sees it first and may swallow it"
        }
        if outlook.isPending { text += "; one is pending already" }
        return text
    }

    private static func isHeldByTracer(_ outcome: SignalOutlook.Outcome) -> Bool {
        if case .held(.tracerStopped) = outcome { true } else { false }
    }

    package static func plain(_ outcome: SignalOutlook.Outcome) -> String {
        switch outcome {
        case .ends: "ends it"
        case .endsWithCore: "ends it with a core file"
        case .stops: "stops it until CONT"
        case .resumes: "lets it go on"
        case .runsHandler: "runs its own handler"
        case .wakesWaiter(let thread): "wakes thread \(thread), which waits for it (sigwait)"
        case .dropped(let reason): "does nothing: " + text(reason)
        case .held(let reason): "does nothing yet: " + text(reason)
        }
    }

    private static func text(_ reason: SignalOutlook.DropReason) -> String {
        switch reason {
        case .ignored: "it ignores it"
        case .ignoredByDefault: "ignored unless there is a handler"
        case .firstProcess: "number 1 of a pid namespace gets only what it has a handler for"
        case .kernelThread: "a kernel thread takes no signals"
        case .zombie(let parent): "it has ended; its parent \(parent) must take its entry away"
        case .orphanedGroup: "nobody in its session could let it go on (orphaned group)"
        case .notStopped: "it is not stopped"
        case .alreadyStopped: "it is stopped already"
        }
    }

    /// What stopped a process: "TSTP (Ctrl+Z)".
    static func stopper(_ signal: Int32?) -> String {
        guard let signal else { return "a signal" }
        guard let known = Signal.number(signal) else { return "signal \(signal)" }
        return known.name + (known.key.map { " (\($0))" } ?? "")
    }

    /// How a process ended, from its wait status (man 2 wait): "by KILL", "with status 3"; nil for 0, which also stands where
    /// that may not be read.
    static func ending(_ status: Int32) -> String? {
        let signal = status & 0x7f
        if signal != 0 { return "by \(Signal.number(signal)?.name ?? "signal \(signal)")" }
        return status >> 8 & 0xff == 0 ? nil : "with status \(status >> 8 & 0xff)"
    }

    private static func text(_ reason: SignalOutlook.HoldReason) -> String {
        switch reason {
        case .blocked(let thenDropped): "blocked by every thread" + (thenDropped ? ", and ignored after that" : "")
        case .readThroughDescriptor: "it is blocked, and the program reads it through a descriptor (signalfd)"
        case .stopped: "it is stopped; it takes effect after CONT"
        case .tracerStopped(let tracer): "its tracer \(tracer) holds it"
        }
    }
}

extension Signal.Action {
    /// What happens where the program has set nothing.
    var text: String {
        switch self {
        case .terminate: "ends the process"
        case .core: "ends the process with a core file"
        case .stop: "stops the process"
        case .continue: "lets a stopped process go on"
        case .ignore: "nothing"
        }
    }
}
