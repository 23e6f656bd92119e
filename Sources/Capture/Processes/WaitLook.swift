import Model

/// One look at who waits for whom. What takes a look at all processes (who holds a pipe, which sockets there are) is read
/// once, and only when it is asked for.
final class WaitLook {
    let procfs: ProcFS
    /// What could not be seen and would have been needed.
    private(set) var gaps: [Gap] = []
    private(set) lazy var holders = known ?? procfs.channelHolders(among: (try? procfs.processIDs()) ?? [])
    private let known: ChannelHolders?
    /// Who has which FIFO open takes a closer look.
    private(set) lazy var fifoHolders =
        known?.fifos ?? procfs.channelHolders(among: (try? procfs.processIDs()) ?? [], .paths).fifos
    private lazy var fileLocks = (try? ProcFile.read(procfs.root + "/locks", limit: ProcFS.Limit.maps)) ?? []
    private var tables: [String: SocketTable]
    private var maps: [Int32: [Mapping]] = [:]
    /// Of processes in PID namespaces: their threads by the numbers that these have inside.
    var insideNumbers: [Int32: [Int32: Int32]] = [:]

    /// - Parameters:
    ///   - holders: what a look at all processes has found already.
    ///   - tables: the sockets of network namespaces, by the names of these.
    init(_ procfs: ProcFS, holders: ChannelHolders? = nil, tables: [String: SocketTable] = [:]) {
        self.procfs = procfs
        known = holders
        self.tables = tables
    }

    /// - Parameters:
    ///   - processes: at most so many are looked at.
    ///   - threads: of each; where it has more, it counts as one that may go on by a thread that was not seen.
    func waits(from pid: Int32, processes: Int = 32, threads: Int = 256) -> [WaitReason] {
        settled(unsettledWaits(from: pid, processes: processes, threads: threads))
    }

    /// The same, without a second look at whether all of them slept.
    func unsettledWaits(from pid: Int32, processes: Int = 32, threads: Int = 256) -> [WaitReason] {
        var result: [WaitReason] = []
        var queue = [pid]
        var seen: Set<Int32> = [pid]
        var next = 0
        while next < queue.count, next < processes {
            let numbers = (try? procfs.threadIDs(of: queue[next])) ?? []
            let others = numbers.filter { $0 != queue[next] }.prefix(threads - 1)
            for thread in [queue[next]] + others {
                guard let reason = reason(of: queue[next], thread: thread) else { continue }
                result.append(reason)
                queue += reason.awaited.map(\.process.pid).filter { seen.insert($0).inserted }
            }
            next += 1
        }
        return result
    }

    /// Notes which of these threads ran since they were looked at. Those that did not, slept all at one moment: the one
    /// between the looks and this.
    func settled(_ reasons: [WaitReason]) -> [WaitReason] {
        reasons.map { reason in
            guard !reason.awaited.isEmpty else { return reason }
            var reason = reason
            let (pid, thread) = (reason.process.pid, reason.thread)
            // The kernel tells the call of a thread only when that is off its processor. The number comes behind it here, and
            // before it at the look: then it is that of the one sleep in which both calls were seen.
            let isAsleep = procfs.currentCall(of: pid, thread: thread)?.number != nil
            reason.ranMeanwhile = !isAsleep || reason.sleeps == nil || sleeps(of: pid, thread: thread) != reason.sleeps
            return reason
        }
    }

    /// How often a thread has gone to sleep.
    private func sleeps(of pid: Int32, thread: Int32) -> UInt64? {
        (try? procfs.status(of: pid, thread: thread == pid ? nil : thread))?.voluntarySwitches
    }

    func identity(_ pid: Int32) -> ProcessIdentity? { try? procfs.identity(of: pid) }

    func awaited(_ pids: [Int32]) -> [WaitReason.Awaited] { pids.compactMap { identity($0).map { .init($0) } } }

    func mappings(of pid: Int32) -> [Mapping] {
        if let known = maps[pid] { return known }
        let read = (try? procfs.mappings(of: pid)) ?? []
        maps[pid] = read
        return read
    }

    /// The sockets of the process's network namespace.
    func sockets(of pid: Int32) -> SocketTable {
        let namespace = procfs.namespace("net", of: pid) ?? ""
        if let known = tables[namespace] { return known }
        let table = procfs.socketTable(for: pid)
        tables[namespace] = table
        gaps += table.gaps
        return table
    }

    func reason(of pid: Int32, thread: Int32) -> WaitReason? {
        // The main thread's from the process's own folder: a thread's has no process-wide numbers.
        guard let process = try? procfs.stat(of: pid),
            let stat = thread == pid ? process : try? procfs.stat(of: pid, thread: thread)
        else { return nil }
        let identity = ProcessIdentity(pid: pid, startTicks: process.startTicks, commandBytes: process.commandBytes)
        var reason = WaitReason(process: identity, thread: thread, state: stat.state, cause: .other)
        reason.channel = procfs.waitChannel(of: pid, thread: thread)
        reason.threadCount = process.threadCount
        switch stat.state {
        case UInt8(ascii: "R"): reason.cause = .running
        case UInt8(ascii: "Z"), UInt8(ascii: "X"):
            reason.cause = .zombie(parent: process.parent)
        case UInt8(ascii: "T"): reason.cause = .stopped(by: process.stopSignal)
        case UInt8(ascii: "t"):
            reason.cause = .tracer(pid: (try? procfs.status(of: pid, thread: thread).tracerPid) ?? 0)
        default:
            reason.sleeps = sleeps(of: pid, thread: thread)
            takeCall(stat, &reason)
        }
        return reason
    }

    private func takeCall(_ stat: ProcessStat, _ reason: inout WaitReason) {
        guard !stat.isKernelThread else { return }
        let pid = reason.process.pid
        guard let call = procfs.currentCall(of: pid, thread: reason.thread) else {
            reason.cause = .notPermitted
            let holders = awaited(ProcFS.lockHolders(parsing: fileLocks, awaitedBy: pid))
            if !holders.isEmpty { (reason.cause, reason.awaited) = (.fileLock, holders) }
            return
        }
        guard let number = call.number, let known = WaitingCall.number(number) else {
            reason.call = call.number.map { "system call \($0)" }
            // vfork is made of clone by today's C libraries.
            if reason.channel?.hasPrefix("vfork") == true || stat.isUninterruptible,
                call.number == 56 || call.number == 435
            {
                (reason.cause, reason.awaited) = (.child, awaited(livingChildren(of: pid)))
            } else if call.number == nil {
                reason.cause = .running
            }
            return
        }
        reason.call = known.name
        let descriptor = call.arguments.first.flatMap { Int32(exactly: $0) }
        switch known.kind {
        case .read: take(descriptor, .receive, &reason)
        case .write: take(descriptor, .send, &reason)
        case .accept: take(descriptor, .accept, &reason)
        case .connect: take(descriptor, .connect, &reason, call)
        case .descriptor: take(descriptor, nil, &reason)
        case .several: takeSeveral(call, named: known.name, &reason)
        case .child:
            reason.cause = .child
            // wait4's first argument: a PID, or -1 for any.
            let wanted = known.name == "wait4" ? descriptor.flatMap { $0 > 0 ? [$0] : nil } : nil
            reason.awaited = awaited(wanted ?? livingChildren(of: pid))
        case .timer: reason.cause = .timer
        case .signal: reason.cause = .signal
        case .futex: takeFutex(call, &reason)
        case .semaphore: reason.cause = .semaphore
        case .fileLock:
            reason.descriptor = descriptor
            reason.cause = .fileLock
            reason.awaited = awaited(ProcFS.lockHolders(parsing: fileLocks, awaitedBy: pid))
        case .other: break
        }
    }

    private func livingChildren(of pid: Int32) -> [Int32] {
        ((try? procfs.children(of: pid)) ?? []).filter { (try? procfs.stat(of: $0))?.isZombie == false }
    }
}
