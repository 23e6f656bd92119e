package import Model

/// What a signal would do to one process, if it were sent now.
package struct SignalOutlook: Hashable, Sendable {
    /// What the process has set for it. One word; a signal can be blocked and caught.
    package enum Disposition: String, CaseIterable, Sendable {
        case caught, ignored, `default`, blocked
    }

    package enum Outcome: Hashable, Sendable {
        case ends
        /// Ends with a core file where the limits allow one.
        case endsWithCore
        case stops
        /// Goes on after a stop.
        case resumes
        /// The program's own function runs.
        case runsHandler
        /// A thread waits for it in sigwait.
        case wakesWaiter(thread: Int32)
        case dropped(DropReason)
        /// Kept until something changes.
        case held(HoldReason)
    }

    package enum DropReason: Hashable, Sendable {
        case ignored
        case ignoredByDefault
        /// Number 1 of a pid namespace gets only what it has a handler for.
        case firstProcess
        case kernelThread
        /// Only its entry is left, which the parent must take away.
        case zombie(parent: Int32)
        case orphanedGroup
        case notStopped
        case alreadyStopped
    }

    package enum HoldReason: Hashable, Sendable {
        /// Every thread blocks it; `thenDropped` when it would be ignored after that too.
        case blocked(thenDropped: Bool)
        /// Blocked, and read through a descriptor.
        case readThroughDescriptor
        case stopped
        case tracerStopped(tracer: Int32)
    }

    package let signal: Signal
    package let disposition: Disposition
    package let outcome: Outcome
    /// The tracer sees it first and may swallow it; nil for none, and for KILL.
    package let tracer: Int32?
    /// It takes effect only when this thread's wait in the kernel is over; nil: at once.
    package let waitsForThread: Int32?
    /// It was sent already and not yet taken.
    package let isPending: Bool

    /// The whole process will be gone.
    package var isEnd: Bool { outcome == .ends || outcome == .endsWithCore }
}

extension ProcessSignals {
    /// What each signal would do, 1 to 64. The rules are the kernel's (kernel/signal.c: prepare_signal, sig_ignored,
    /// complete_signal, get_signal).
    package var outlooks: [SignalOutlook] { Signal.all.map(outlook) }

    package func outlook(of signal: Signal) -> SignalOutlook {
        let outcome = outcome(of: signal)
        return SignalOutlook(
            signal: signal, disposition: disposition(of: signal), outcome: outcome,
            tracer: tracer > 0 && signal.number != Signal.kill && !hasEnded ? tracer : nil,
            waitsForThread: threadInTheWay(of: signal, outcome),
            isPending: pending.contains(signal.number) || threads.contains { $0.pending.contains(signal.number) })
    }

    private func disposition(of signal: Signal) -> SignalOutlook.Disposition {
        if signal.isAbsolute { return isKernelThread ? .ignored : .default }
        if isBlocked(signal) { return .blocked }
        if ignored.contains(signal.number) { return .ignored }
        return caught.contains(signal.number) ? .caught : .default
    }

    /// Only what every thread blocks is held back; any other thread would take it.
    private func isBlocked(_ signal: Signal) -> Bool {
        !signal.isAbsolute && !threads.isEmpty
            && threads.allSatisfy { $0.blocked.contains(signal.number) || $0.awaited?.contains(signal.number) == true }
    }

    private func outcome(of signal: Signal) -> SignalOutlook.Outcome {
        if hasEnded { return .dropped(.zombie(parent: parent)) }
        if isKernelThread { return .dropped(.kernelThread) }
        if let dropped = droppedAsFirstProcess(signal) { return dropped }
        if signal.number == Signal.kill { return .ends }
        if let waiter = threads.first(where: { $0.awaited?.contains(signal.number) == true }) {
            return .wakesWaiter(thread: waiter.number)
        }
        if tracer > 0, threads.contains(where: { $0.state == UInt8(ascii: "t") }) {
            return .held(.tracerStopped(tracer: tracer))
        }
        let isStopped = threads.contains { $0.state == UInt8(ascii: "T") }
        // It goes on even if CONT is blocked, ignored or caught.
        if signal.number == Signal.resume, isStopped { return .resumes }
        if isBlocked(signal) {
            if readThroughDescriptor.contains(signal.number) { return .held(.readThroughDescriptor) }
            return .held(.blocked(thenDropped: isIgnored(signal)))
        }
        if isIgnored(signal) { return .dropped(ignored.contains(signal.number) ? .ignored : .ignoredByDefault) }
        if signal.action == .stop, isStopped { return .dropped(.alreadyStopped) }
        if isStopped { return .held(.stopped) }
        if caught.contains(signal.number) { return .runsHandler }
        return defaultOutcome(of: signal)
    }

    private func defaultOutcome(of signal: Signal) -> SignalOutlook.Outcome {
        switch signal.action {
        case .terminate: return .ends
        case .core: return .endsWithCore
        case .continue: return .dropped(.notStopped)
        case .ignore: return .dropped(.ignoredByDefault)
        case .stop:
            if Signal.terminalStops.contains(signal.number), isGroupOrphaned == true { return .dropped(.orphanedGroup) }
            return .stops
        }
    }

    /// The program has a handler for it; one for KILL or STOP cannot be.
    private func isCaught(_ signal: Signal) -> Bool { !signal.isAbsolute && caught.contains(signal.number) }

    private func isIgnored(_ signal: Signal) -> Bool {
        guard !signal.isAbsolute, !isCaught(signal) else { return false }
        return ignored.contains(signal.number) || signal.action == .ignore
    }

    /// SIGNAL_UNKILLABLE: number 1 of a pid namespace. From outside, KILL and STOP still work.
    private func droppedAsFirstProcess(_ signal: Signal) -> SignalOutlook.Outcome? {
        guard namespacePids.last == 1, !isCaught(signal), !isBlocked(signal) else { return nil }
        let isSentFromOutside = namespacePids.count > 1
        if signal.isAbsolute, isSentFromOutside { return nil }
        if signal.number == Signal.resume || isIgnored(signal) { return nil }
        if threads.contains(where: { $0.awaited?.contains(signal.number) == true }) { return nil }
        return .dropped(.firstProcess)
    }

    /// A process ends, or its handler runs, only when a thread gets out of the kernel.
    private func threadInTheWay(of signal: Signal, _ outcome: SignalOutlook.Outcome) -> Int32? {
        let inKernel = { (thread: Thread) in thread.state == UInt8(ascii: "D") }
        switch outcome {
        case .ends, .endsWithCore, .stops:
            // All threads must come out.
            return threads.first(where: inKernel)?.number
        case .runsHandler:
            let takers = threads.filter { !$0.blocked.contains(signal.number) }
            return takers.allSatisfy(inKernel) ? takers.first?.number : nil
        case .resumes, .wakesWaiter, .dropped, .held: return nil
        }
    }
}
