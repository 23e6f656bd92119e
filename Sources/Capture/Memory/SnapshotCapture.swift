import Glibc
import Kernel
import Model
import SystemPackage

/// One attempt at a snapshot by one method: stop, freeze, let go.
struct SnapshotCapture {
    enum Obstacle: Error {
        case failure(Failure)
        /// This thread did not stop in time. It may a moment later.
        case stuck(thread: Int32, Failure)
        /// Nothing was changed; another method may do.
        case unforkable(String)
    }

    let plan: SnapshotPlan
    let method: SnapshotMethod
    let procFS: ProcFS
    let observer: (SnapshotStep) -> Void

    var process: ProcessIdentity { plan.process }
    /// Copying the page tables of a large process may take a second; stopping may not.
    private static let forkSeconds = 20.0
    /// A busy machine may take this long to bring a thread to its stop, however short the pause is meant to be.
    private static let leastStopSeconds = 0.1

    func session() throws(Obstacle) -> SnapshotSession {
        try checkIdentity()
        // Read before the stop and after it: that takes long where there are many descriptors, and what was registered
        // at the moment of the stop was so before it or is so after it.
        let heldBefore = procFS.kernelHeldWords(of: process.pid)
        let zombies = ZombieReaper.leftovers(of: process.pid, procFS: procFS)
        let memory = try openMemory(writable: method == .fork || !zombies.isEmpty)
        let before = try listMappings()
        // Before the stop: a machine may have to be asked, and is waited for.
        let servers = FileServers(of: process.pid, procFS: procFS)
        let touched = before.filter(servers.mayRead)
        let gadgets =
            method == .fork || !zombies.isEmpty ? GadgetSearch.find(mappings: touched, memory: memory) : nil
        if method == .fork, gadgets == nil { throw .unforkable("it has no instructions to return with") }
        let reaper = gadgets.map {
            ZombieReaper(process: process, procFS: procFS, memory: memory, gadgets: $0)
        }
        var freezer = try Freezer(capture: self, memory: memory, servers: servers, before: before)

        let urgency = Urgency()
        var attachment = Attachment(process: process.pid)
        try stop(&attachment)
        let threads = readRegisters(attachment.stopped)
        let queued = queuedValues(threads)
        observer(.registersRead)
        let mappings = try listMappings()
        var child: FrozenChild?
        var childMemory: OpenMemory?
        switch method {
        case .fork:
            guard let gadgets else { throw .unforkable("it has no instructions to return with") }
            let pid = try fork(threads, mappings: mappings, memory: memory, gadgets: gadgets)
            freezer.copyShared(mappings)
            release(&attachment)
            child = try freeze(pid, reaper: reaper, zombies: zombies)
            childMemory = try openChild(pid, reaper: reaper, zombies: zombies)
            freezer.describeChild(pid, mappings: mappings)
        case .copy:
            try freezer.copyAll(mappings, threads: threads)
            observer(.copied)
            release(&attachment)
        case .stream: freezer.describeStanding(mappings)
        }
        urgency.end()
        let childPid = child?.pid
        let state = ReadingState()
        let watch = childPid.flatMap { headroomWatch(of: $0, state) }
        let reader = SnapshotReader(
            regions: freezer.regions, live: memory, child: childMemory, copies: freezer.copies, state: state,
            files: MappedFileBytes(of: process.pid, mappings: mappings, procFS: procFS, servers: servers),
            isChildGone: { [procFS] pid in (try? procFS.stat(of: pid))?.isZombie ?? true })
        let heldAfter = procFS.kernelHeldWords(of: process.pid)
        let held = Set(heldBefore.words + heldAfter.words + queued)
        let image = MemoryImage(
            process: process, mappings: mappings, threads: threads.map(threadState),
            kernelHeldWords: held.sorted(), reader: reader, gaps: freezer.gaps + heldAfter.gaps)
        let facts = SnapshotFacts(
            method: method, pauseSeconds: method == .stream ? 0 : attachment.pauseSeconds, threads: threads.count)
        observer(.reading)
        let kept: Attachment? = method == .stream ? consume attachment : nil
        return SnapshotSession(
            image: image, facts: facts, state: state, attachment: kept, child: child, watch: watch, reaper: reaper,
            zombies: zombies + (childPid.map { [$0] } ?? []), observer: observer)
    }

    private func checkIdentity() throws(Obstacle) {
        guard (try? procFS.identity(of: process.pid))?.startTicks == process.startTicks else {
            throw .failure(SnapshotPermission.gone(process))
        }
    }

    func openMemory(writable: Bool) throws(Obstacle) -> OpenMemory {
        do throws(Errno) {
            return try OpenMemory(process.pid, writable: writable, procFS: procFS)
        } catch { throw .failure(SnapshotPermission.failure(error, process, procFS: procFS)) }
    }

    func listMappings() throws(Obstacle) -> [Mapping] {
        do throws(Failure) {
            let mappings = try procFS.mappings(of: process.pid)
            guard !mappings.isEmpty else { throw SnapshotPermission.gone(process) }
            return mappings
        } catch { throw .failure(error) }
    }

    private func stop(_ attachment: inout Attachment) throws(Obstacle) {
        let threads = Attachment.Threads(
            list: { [procFS, process] in try? procFS.threadIDs(of: process.pid) },
            hasEnded: { [procFS, process] thread in
                (try? procFS.stat(of: process.pid, thread: thread))?.isZombie ?? true
            })
        let seconds = max(plan.maxPauseSeconds, SnapshotCapture.leastStopSeconds)
        do throws(StopFailure) {
            try attachment.stopAll(threads, within: seconds) { observer(SnapshotStep(stopping: $0)) }
        } catch {
            attachment.release()
            let failure = failure(error, seconds: seconds)
            if case .stuck(let thread) = error { throw .stuck(thread: thread, failure) }
            throw .failure(failure)
        }
    }

    private func failure(_ failure: StopFailure, seconds: Double) -> Failure {
        switch failure {
        case .gone: return SnapshotPermission.gone(process)
        case .refused(_, let error): return SnapshotPermission.failure(error, process, procFS: procFS)
        case .stuck(let thread):
            let state = (try? procFS.stat(of: process.pid, thread: thread))?.state
            let reason =
                state == UInt8(ascii: "D")
                ? "it is in the kernel and cannot be interrupted (state D)" : "the machine may be too busy"
            return Failure(
                .unsupported,
                what: "thread \(thread) of \(process) did not stop within \(Measure.seconds(seconds)): \(reason)",
                subject: process.description, remedy: "try again later; \(process.command) was let go and runs on")
        }
    }

    /// A thread that was killed while it stood still is left out.
    func readRegisters(_ threads: [Int32]) -> [StoppedThread] { threads.compactMap { try? StoppedThread($0) } }

    /// The values of signals that wait for these threads or for their process.
    func queuedValues(_ threads: [StoppedThread]) -> [UInt64] {
        threads.flatMap { Ptrace.queuedValues(of: $0.thread, shared: false) }
            + (threads.first.map { Ptrace.queuedValues(of: $0.thread, shared: true) } ?? [])
    }

    func threadState(_ thread: StoppedThread) -> ThreadState {
        ThreadState(
            tid: thread.thread, nameBytes: procFS.threadName(of: process.pid, thread: thread.thread),
            stackPointer: thread.registers.stackPointer, instructionPointer: thread.registers.instructionPointer,
            threadPointer: thread.registers.threadPointer, generalRegisters: thread.registers.words,
            vectorState: thread.extendedState)
    }

    private func release(_ attachment: inout Attachment) {
        attachment.release()
        observer(.released)
    }

    // MARK: - The child

    private func fork(
        _ threads: [StoppedThread], mappings: [Mapping], memory: OpenMemory, gadgets: Gadgets
    ) throws(Obstacle) -> Int32 {
        // An execve between the search and the stop would have changed the code.
        guard gadgets.areIntact(in: memory.file) else { throw .unforkable("it has just started another program") }
        let place = InjectionPlace(mappings: mappings, memory: memory, gadgets: gadgets)
        var reason = "none of its threads can safely be made to"
        for thread in place.candidates(among: threads).prefix(8) where isUnfiltered(thread.thread) {
            let injection: Injection
            do throws(Injection.Refusal) {
                injection = try Injection(into: thread, gadgets: gadgets, within: SnapshotCapture.forkSeconds)
                let result = try injection.fork(memory: memory.file) { observer(SnapshotStep(forking: $0)) }
                switch result {
                case .success(let pid): return pid
                case .failure(let error): reason = "the kernel does not let it fork (\(error))"
                }
            } catch .impossible {
                continue
            } catch { throw .failure(SnapshotPermission.gone(process)) }
        }
        throw .unforkable(reason)
    }

    /// Filters and shadow stacks are a thread's own affair.
    private func isUnfiltered(_ thread: Int32) -> Bool {
        guard let status = try? procFS.status(of: process.pid, thread: thread) else { return false }
        return (status.seccompMode ?? 0) == 0 && !status.shadowStack
    }

    private func freeze(
        _ pid: Int32, reaper: ZombieReaper?, zombies: [Int32]
    ) throws(Obstacle) -> FrozenChild {
        do throws(Errno) {
            let child = try FrozenChild(pid, within: SnapshotCapture.forkSeconds) { observer(.childStopped) }
            // The first to go when memory runs out is the copy, not the target.
            child.preferForOutOfMemory(root: procFS.root)
            observer(.childGuarded)
            return child
        } catch {
            reaper?.reap(zombies + [pid], observer: observer)
            throw .unforkable("its copy was killed at once")
        }
    }

    private func openChild(_ pid: Int32, reaper: ZombieReaper?, zombies: [Int32]) throws(Obstacle) -> OpenMemory {
        do throws(Errno) {
            return try OpenMemory(pid, procFS: procFS)
        } catch {
            FrozenChild.kill(pid)
            while let status = try? WaitStatus.wait(for: pid, until: Moment.now.after(seconds: 1)), !status.isEnd {}
            reaper?.reap(zombies + [pid], observer: observer)
            throw .unforkable("its copy cannot be read (\(error))")
        }
    }

    private func headroomWatch(of child: Int32, _ state: ReadingState) -> HeadroomWatch? {
        guard let headroom = plan.headroomBytes else { return nil }
        // Half of what was thought to be needed, and enough to react in.
        let floor = min(max(plan.neededBytes / 2, 16 << 20), headroom / 2)
        let isLow: @Sendable () -> Bool = { [procFS, process] in
            guard let left = Headroom(procFS: procFS, target: process.pid, own: nil).targetBytes else { return false }
            return left < floor
        }
        return HeadroomWatch(isLow: isLow) {
            guard state.stop == nil else { return }
            state.runLow()
            // At once: to wait for whoever reads could be too late for the target.
            FrozenChild.kill(child)
        }
    }
}
