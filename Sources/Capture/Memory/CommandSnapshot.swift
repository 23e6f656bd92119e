package import Model

import Kernel
import SystemPackage

/// Runs a command as nusu's child and looks at its memory when it is at its end, before the kernel takes it away.
///
/// The threads stand where they called exit, or where the end met them: what their stacks hold from there on is held, and
/// so is what global variables hold. What a function that has returned (`main` too) held alone is not.
package enum CommandSnapshot {
    package struct Ending: Hashable, Sendable {
        /// As a shell would say it: the command's own, or 128 + n after signal n.
        package let status: Int32
        /// For how long its end was held up, in seconds.
        package let heldSeconds: Double
    }

    /// - Parameter body: gets the memory at the command's end. It runs on a thread of its own.
    /// - Throws: what `body` throws, after the command has ended; `.unsupported` where it ended in such a way that its memory
    ///   could not be seen; `.usage` where there is no such command.
    package static func run<Result>(
        _ arguments: [String], procFS: ProcFS = ProcFS(),
        body: @Sendable (SnapshotSession, ProcessIdentity) throws(Failure) -> Result
    ) throws(Failure) -> (result: Result, ending: Ending) {
        let gate = SignalGate(children: true)
        defer { gate.hold() }
        let name = arguments.first ?? ""
        return try OwnerThread.run { () throws(Failure) in
            var command = try start(arguments, gate)
            let progress = command.run()
            // The kernel shows a process's memory through its first thread.
            guard case .standing(let threads) = progress, threads.contains(command.pid) else {
                _ = command.letEnd()
                throw Failure(
                    .unsupported, what: "the memory of \(name) could not be seen at its end: \(words(progress))",
                    subject: name, remedy: "look at it while it runs: nusu leaks \(name)")
            }
            let start = Moment.now
            // What the terminal sent to all has done its work.
            while SignalGate.poll() != nil {}
            let outcome: Swift.Result<Result, Failure>
            do throws(Failure) {
                outcome = .success(try look(command.pid, threads, procFS, body))
            } catch { outcome = .failure(error) }
            let held = Moment.now.seconds(since: start)
            let end = command.letEnd()
            return (try outcome.get(), Ending(status: status(end), heldSeconds: held))
        } failed: { error in
            Failure(
                .internal, what: "cannot start a thread: \(error)", subject: name,
                remedy: "free some memory, or raise the limit on processes (ulimit -u)")
        }
    }

    private static func start(
        _ arguments: [String], _ gate: borrowing SignalGate
    ) throws(Failure) -> TracedCommand {
        let name = arguments.first ?? ""
        do throws(TracedCommand.StartFailure) {
            return try TracedCommand.start(arguments, mask: gate)
        } catch {
            switch error {
            case .notRun(let error):
                throw Failure(
                    .usage, what: "cannot run '\(name)': \(error)", subject: name,
                    remedy: "give the path of a program, or the name of one in PATH, after --")
            case .notTraced(let error):
                throw Failure(
                    .notPermitted, what: "cannot trace nusu's own child: \(error)", subject: name,
                    remedy: "run it without another tracer, and where ptrace_scope is 3 on another machine")
            }
        }
    }

    private static func look<Result>(
        _ pid: Int32, _ threads: [Int32], _ procFS: ProcFS,
        _ body: (SnapshotSession, ProcessIdentity) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let process = try procFS.identity(of: pid)
        let plan = SnapshotPlan(
            process: process, method: .stream, fallback: nil, estimatedPauseSeconds: 0, maxPauseSeconds: 0,
            threads: threads.count, anonymousBytes: 0, neededBytes: 0, headroomBytes: nil, notes: [])
        let capture = SnapshotCapture(plan: plan, method: .stream, procFS: procFS) { _ in }
        let session: SnapshotSession
        do throws(SnapshotCapture.Obstacle) { session = try capture.session(of: threads) } catch {
            switch error {
            case .failure(let failure), .stuck(_, let failure): throw failure
            case .unforkable(let reason):
                throw Failure(.internal, what: reason, subject: process.description, remedy: "try again")
            }
        }
        return try Snapshot.use(session, process: process) { (session) throws(Failure) in try body(session, process) }
    }

    private static func status(_ end: WaitStatus) -> Int32 {
        switch end {
        case .exited(let code): code
        case .killed(let signal): 128 + signal
        default: 0
        }
    }

    private static func words(_ progress: TracedCommand.Progress) -> String {
        switch progress {
        case .standing: "its first thread ended before the others"
        case .ended(.killed(let signal)): "signal \(signal) ended it at once"
        case .ended: "it was gone at once"
        }
    }
}

extension SnapshotCapture {
    /// A session of a process whose threads all stand already, and stand on as long as it lasts.
    func session(of threads: [Int32]) throws(Obstacle) -> SnapshotSession {
        let memory = try openMemory(writable: false)
        let mappings = try listMappings()
        let servers = FileServers(of: process.pid, procFS: procFS)
        var freezer = try Freezer(capture: self, memory: memory, servers: servers, before: mappings)
        freezer.describeStanding(mappings)
        let state = ReadingState()
        let reader = SnapshotReader(
            regions: freezer.regions, live: memory, child: nil, copies: nil, state: state,
            files: MappedFileBytes(of: process.pid, mappings: mappings, procFS: procFS, servers: servers),
            isChildGone: { _ in false })
        let stopped = readRegisters(threads)
        let held = procFS.kernelHeldWords(of: process.pid)
        let image = MemoryImage(
            process: process, mappings: mappings, threads: stopped.map(threadState),
            kernelHeldWords: Set(held.words + queuedValues(stopped)).sorted(), reader: reader,
            gaps: freezer.gaps + held.gaps)
        return SnapshotSession(
            image: image, facts: SnapshotFacts(method: .stream, pauseSeconds: 0, threads: threads.count), state: state,
            attachment: nil, child: nil, watch: nil, reaper: nil, zombies: [], observer: observer)
    }
}
