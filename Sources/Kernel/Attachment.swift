package import SystemPackage

/// Why threads could not be stopped.
package enum StopFailure: Error, Hashable, Sendable {
    /// The process ended.
    case gone
    /// The kernel does not let nusu attach to this thread.
    case refused(thread: Int32, Errno)
    /// This thread does not stop in time: it is in the kernel (state D), or waits for a child of vfork.
    case stuck(thread: Int32)
}

/// Threads of one process held by ptrace.
///
/// It belongs to the thread that made it (`OwnerThread`). Whatever happens, what is stopped is released: by `release`, at
/// the end of this value's life, and by the kernel when the owning thread ends.
package struct Attachment: ~Copyable {
    /// How stopping goes on, for whoever watches.
    package enum Phase: Sendable {
        case seized
        case interrupted
        case stopped
    }

    /// Where the threads of the process are found.
    package struct Threads {
        /// All thread identifiers now; nil when the process is gone.
        package let list: () -> [Int32]?
        /// Whether a thread has ended, though it is still listed.
        package let hasEnded: (Int32) -> Bool

        package init(list: @escaping () -> [Int32]?, hasEnded: @escaping (Int32) -> Bool) {
            self.list = list
            self.hasEnded = hasEnded
        }
    }

    package let process: Int32
    /// Threads that are stopped, in the order in which they were found.
    package private(set) var stopped: [Int32] = []
    /// Attached, and not known to be stopped.
    private var running: [Int32] = []
    private var known: Set<Int32> = []
    /// The first interruption; nil before it.
    package private(set) var pauseStart: Moment?
    /// The last release; nil before it.
    package private(set) var pauseEnd: Moment?

    package init(process: Int32) { self.process = process }

    deinit { Attachment.letGo(stopped: stopped, running: running) }

    /// Seconds from the first interruption to the last release, or until now.
    package var pauseSeconds: Double {
        guard let pauseStart else { return 0 }
        return (pauseEnd ?? .now).seconds(since: pauseStart)
    }

    /// Stops every thread of the process.
    ///
    /// All are attached to before the first is stopped. Threads born meanwhile are found by listing again: once all
    /// known ones are stopped, only unknown ones can make more, so that this ends.
    package mutating func stopAll(
        _ threads: Threads, within seconds: Double, note: (Phase) -> Void = { _ in }
    ) throws(StopFailure) {
        let deadline = Moment.now.after(seconds: seconds)
        // A process that makes threads faster than they can be listed is caught by the rounds below.
        for _ in 0..<16 where try !seizeNew(threads) { break }
        note(.seized)
        pauseStart = .now
        for round in 0..<1_000_000 {
            interruptRunning()
            if round == 0 { note(.interrupted) }
            try awaitRunning(until: deadline)
            if try !seizeNew(threads), running.isEmpty { break }
            guard Moment.now < deadline else { throw .stuck(thread: running.first ?? process) }
        }
        guard !stopped.isEmpty else { throw .gone }
        note(.stopped)
    }

    /// Stops one thread and leaves the others alone.
    package mutating func stop(
        _ thread: Int32, within seconds: Double, note: (Phase) -> Void = { _ in }
    ) throws(StopFailure) {
        try seize(thread, hasEnded: { _ in false })
        guard !running.isEmpty else { throw .gone }
        note(.seized)
        pauseStart = .now
        interruptRunning()
        note(.interrupted)
        try awaitRunning(until: Moment.now.after(seconds: seconds))
        guard !stopped.isEmpty else { throw .gone }
        note(.stopped)
    }

    /// Lets every thread go; they run on, or stay in the group stop that they were in.
    package mutating func release() {
        Attachment.letGo(stopped: stopped, running: running)
        stopped = []
        running = []
        if pauseStart != nil, pauseEnd == nil { pauseEnd = .now }
    }

    private mutating func seizeNew(_ threads: Threads) throws(StopFailure) -> Bool {
        guard let listed = threads.list(), !listed.isEmpty else { throw .gone }
        var foundNew = false
        for thread in listed where !known.contains(thread) {
            try seize(thread, hasEnded: threads.hasEnded)
            foundNew = true
        }
        return foundNew
    }

    private mutating func seize(_ thread: Int32, hasEnded: (Int32) -> Bool) throws(StopFailure) {
        do throws(Errno) {
            try Ptrace.seize(thread)
            running.append(thread)
        } catch .noSuchProcess {
            // Ended between the listing and now.
        } catch {
            guard hasEnded(thread) else { throw .refused(thread: thread, error) }
        }
        known.insert(thread)
    }

    private func interruptRunning() {
        // A thread that is gone is found out by waiting for it.
        for thread in running { try? Ptrace.interrupt(thread) }
    }

    private mutating func awaitRunning(until deadline: Moment) throws(StopFailure) {
        var left = running
        var backoff = Backoff()
        while !left.isEmpty {
            var waiting: [Int32] = []
            for thread in left {
                switch Attachment.progress(of: thread) {
                case .stopped: stopped.append(thread)
                case .gone: if thread == process { throw .gone }
                case .waiting: waiting.append(thread)
                }
            }
            left = waiting
            running = waiting
            guard let first = left.first else { break }
            guard Moment.now < deadline else { throw .stuck(thread: first) }
            backoff.pause()
        }
    }

    private enum Progress {
        case stopped
        case waiting
        case gone
    }

    /// Takes one thread's reports, handing on the signals that it was about to receive, until it is stopped for us.
    private static func progress(of thread: Int32) -> Progress {
        do throws(Errno) {
            // Each turn is one signal delivered to the target; a flood of them is its own affair, taken up next time.
            for _ in 0..<64 {
                guard let status = try WaitStatus.poll(thread) else { return .waiting }
                switch status {
                case .interrupted: return .stopped
                case .exited, .killed: return .gone
                case .signal(let signal): try Ptrace.resume(thread, signal: signal)
                case .systemCall, .child, .event: try Ptrace.resume(thread)
                }
            }
            return .waiting
        } catch .noSuchProcess {
            // Killed while we looked: the next wait says so.
            return .waiting
        } catch {
            // ECHILD: another thread's execve has taken its place.
            return .gone
        }
    }

    private static func letGo(stopped: [Int32], running: [Int32]) {
        for thread in stopped {
            // What was killed while it was stopped cannot be detached; it must be waited for, or it stays a zombie.
            do throws(Errno) { try Ptrace.detach(thread) } catch { _ = try? WaitStatus.poll(thread) }
        }
        for thread in running {
            // Only a stopped thread can be detached from: the others are let go when the owning thread ends.
            if case .stopped = progress(of: thread) { try? Ptrace.detach(thread) }
        }
    }
}
