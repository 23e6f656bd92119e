import Glibc
import Kernel
import Model
import SystemPackage

/// Who sleeps at which channel: full ones, connections that nobody takes, locks in shared memory, and System V's queues and
/// semaphores. Only threads of processes are looked at that have something to sleep at.
struct ChannelWaits {
    private(set) var channels: [Channel]
    private(set) var gaps: [Gap] = []
    /// Of threads that may be in a deadlock.
    private(set) var waits: [WaitReason] = []
    private(set) var asleep: [Int32: Double] = [:]
    /// Who holds locks that others sleep at.
    private var holders: Set<Int32> = []
    private let procfs: ProcFS
    let join: ChannelJoin
    private var places: [Place: (channel: Int, end: Int)] = [:]
    private var futexes: [String: Int] = [:]

    struct Place: Hashable {
        var pid: Int32
        var descriptor: Int32
    }

    private struct Look: Sendable {
        var sleepers: [Sleeper] = []
        var waits: [WaitReason] = []
        var isRefused = false
        var isLocked = false
    }

    /// Of each process, as for `show`.
    static let threadLimit = 256

    private enum Call {
        static let messageSend = 69
        static let messageReceive = 70
        static let queueSend = 242
        static let queueReceive = 243
    }

    init(_ procfs: ProcFS, _ join: ChannelJoin) {
        self.procfs = procfs
        self.join = join
        channels = join.channels
    }

    mutating func run(patience: Double) throws(Failure) {
        let writers = writers()
        let others = others()
        let quiet = QuietEnds(channels, join.facts.processes)
        let all = writers.union(others).union(quiet.processes).sorted()
        guard !all.isEmpty else { return }
        var (refused, locked) = (0, 0)
        let looks = try looks(all, writers, others, quiet, patience: patience)
        places = descriptorPlaces(of: Set(looks.flatMap(\.sleepers).map(\.pid)))
        for look in looks {
            for sleeper in look.sleepers { take(sleeper) }
            waits += look.waits
            refused += look.isRefused ? 1 : 0
            locked += look.isLocked ? 1 : 0
        }
        try takeHolders(patience: patience)
        waits = WaitLook(procfs).settled(waits)
        // Not a method of this value: that would copy all channels for each of them.
        for place in channels.indices { channels[place].takeSleep(procfs) }
        for wait in waits { asleep[wait.thread] = procfs.sleep(of: wait.process.pid, thread: wait.thread) }
        let count = refused + locked
        if count > 0 {
            gaps.append(
                Gap(
                    what: "what \(Units.counted(count, "process waits", plural: "processes wait")) for",
                    reason: refused > 0
                        ? "their system calls may not be read: that needs CAP_SYS_PTRACE"
                        : "they do not answer", remedy: refused > 0 ? "sudo nusu ipc" : nil))
        }
    }

    private func looks(
        _ pids: [Int32], _ writers: Set<Int32>, _ others: Set<Int32>, _ quiet: QuietEnds, patience: Double
    ) throws(Failure) -> [Look] {
        let procfs = procfs
        let newWaiter = newWaiter
        let memory = Dictionary(join.facts.processes.map { ($0.pid, $0.mappings) }) { first, _ in first }
        var steps = ProcessWalk<Look>.Steps { _, _ in Look() }
        // The kernel lets nobody see the calls of a process that becomes another program, nor its memory while that is locked.
        steps.wait = { look, reader in
            let pid = reader.process
            let waiter = newWaiter()
            if quiet.processes.contains(pid) {
                do { look.waits = try waiter.waitsWithoutEnd(pid, quiet) } catch { look.isRefused = true }
            }
            guard !look.isRefused, writers.contains(pid) || others.contains(pid) else { return }
            let threads = (try? procfs.threadIDs(of: pid)) ?? []
            for thread in threads.prefix(ChannelWaits.threadLimit) {
                switch waiter.sleeper(pid, thread, mappings: memory[pid] ?? [], writes: writers.contains(pid)) {
                case .refused: look.isRefused = true
                case .asleep(let sleeper): look.sleepers.append(sleeper)
                case .elsewhere: break
                }
                if look.isRefused { break }
            }
        }
        steps.giveUp = { $0.isLocked = true }
        return try procfs.walk(pids, steps, patience: patience)
    }

    /// Looks with what is known already.
    private var newWaiter: @Sendable () -> WaitLook {
        let (procfs, holders) = (procfs, join.holders)
        var tables: [String: SocketTable] = [:]
        for (namespace, table) in join.facts.tables { tables["net:[\(namespace)]"] = table }
        let known = tables
        return { WaitLook(procfs, holders: holders, tables: known) }
    }

    /// Whether those can go on who hold locks: for whom they wait, and these in turn.
    private mutating func takeHolders(patience: Double) throws(Failure) {
        guard !holders.isEmpty else { return }
        let newWaiter = newWaiter
        var steps = ProcessWalk<[WaitReason]>.Steps { _, _ in [] }
        steps.wait = { waits, reader in waits = newWaiter().unsettledWaits(from: reader.process) }
        var seen = Set(waits.map(\.thread))
        for wait in try procfs.walk(holders.sorted(), steps, patience: patience).joined()
        where seen.insert(wait.thread).inserted {
            waits.append(wait)
        }
    }

    private mutating func take(_ sleeper: Sleeper) {
        let number = sleeper.call.number ?? -1
        let first = sleeper.call.arguments.first ?? 0
        switch (sleeper.kind, number) {
        case (.write, _): takeWriter(sleeper, descriptor: Int32(truncatingIfNeeded: first))
        case (.read, _): takeClient(sleeper, descriptor: Int32(truncatingIfNeeded: first))
        case (.several, _), (.connect, _): takeReason(sleeper)
        case (.semaphore, _): takeSystemFive(.sysvSemaphores, sleeper)
        case (.futex, _): takeFutex(sleeper)
        case (_, Call.messageSend): takeSystemFive(.sysvMessages, sleeper)
        case (_, Call.messageReceive): takeSystemFive(.sysvMessages, sleeper, receives: true)
        case (_, Call.queueSend): takeWriter(sleeper, descriptor: Int32(truncatingIfNeeded: first))
        case (_, Call.queueReceive):
            let descriptor = Int32(truncatingIfNeeded: first)
            guard let (place, end) = place(sleeper.pid, descriptor), channels[place].kind == .mqueue else { return }
            channels[place].ends[end].thread = sleeper.thread
        default: break
        }
    }

    /// The channels of these processes' descriptors, and which of their ends each is.
    private func descriptorPlaces(of pids: Set<Int32>) -> [Place: (channel: Int, end: Int)] {
        var result: [Place: (channel: Int, end: Int)] = [:]
        for (place, channel) in channels.enumerated() {
            switch channel.kind {
            case .pipe, .fifo, .unix, .tcp, .udp, .pty, .mqueue:
                for (index, end) in channel.ends.enumerated() where pids.contains(end.pid) {
                    if let fd = end.fd { result[Place(pid: end.pid, descriptor: fd)] = (place, index) }
                }
            default: break
            }
        }
        return result
    }

    private func place(_ pid: Int32, _ descriptor: Int32) -> (channel: Int, end: Int)? {
        places[Place(pid: pid, descriptor: descriptor)]
    }

    private mutating func takeWriter(_ sleeper: Sleeper, descriptor: Int32) {
        guard let (place, end) = place(sleeper.pid, descriptor), channels[place].ends[end].role != .read else { return }
        channels[place].ends[end].thread = sleeper.thread
        note(.full, sleeper, place)
    }

    /// Whoever reads waits for an answer, which is nobody's fault but where nobody has accepted the connection.
    private mutating func takeClient(_ sleeper: Sleeper, descriptor: Int32) {
        guard let (place, end) = place(sleeper.pid, descriptor), channels[place].details.contains(.notAccepted),
            channels[place].ends[end].role != .listen
        else { return }
        channels[place].ends[end].thread = sleeper.thread
        note(.unaccepted, sleeper, place)
    }

    /// Of several who sleep there the first that was found stands for all.
    private mutating func note(_ cause: Channel.Stuck.Cause, _ sleeper: Sleeper, _ place: Int) {
        guard channels[place].stuck == nil else { return }
        channels[place].state = .stuck(Channel.Stuck(cause, pid: sleeper.pid, thread: sleeper.thread))
    }

    private mutating func takeReason(_ sleeper: Sleeper) {
        guard let reason = sleeper.reason, let descriptor = reason.descriptor else { return }
        switch reason.cause {
        case .pipe(_, isReading: false, _): takeWriter(sleeper, descriptor: descriptor)
        case .socket(let wait) where wait.purpose == .send: takeWriter(sleeper, descriptor: descriptor)
        case .socket(let wait) where wait.isPending && wait.purpose != .accept:
            if let (place, end) = place(sleeper.pid, descriptor) {
                channels[place].ends[end].thread = sleeper.thread
                note(.unaccepted, sleeper, place)
            } else if wait.purpose == .connect {
                let own = reason.ownThreadsToo ? [sleeper.pid] : []
                addCaller(sleeper, descriptor, wait, own + reason.awaited.map(\.process.pid))
            }
        default: break
        }
    }

    /// A client for whom the listener has no room yet: no table of sockets has the connection.
    private mutating func addCaller(_ sleeper: Sleeper, _ descriptor: Int32, _ wait: SocketWait, _ listeners: [Int32]) {
        guard let socket = wait.socket else { return }
        var channel = Channel(.unix, identity: "unix:[\(socket.inode)]→\(wait.name.text)")
        channel.transport = socket.transport
        channel.name = wait.name.nameBytes
        channel.ends = [.init(pid: sleeper.pid, fd: descriptor, role: .both, thread: sleeper.thread)]
        channel.ends += listeners.map { .init(pid: $0, role: .listen, side: 1) }
        channel.details.insert(.notAccepted)
        channels.append(channel)
        note(.unaccepted, sleeper, channels.count - 1)
    }

    private mutating func takeSystemFive(_ kind: Channel.Kind, _ sleeper: Sleeper, receives: Bool = false) {
        let id = Int32(truncatingIfNeeded: sleeper.call.arguments.first ?? 0)
        let ipc = join.process(sleeper.pid)?.ipc ?? join.facts.ipc ?? 0
        guard let place = join.systemFivePlaces[.init(kind: kind, ipc: ipc, id: id)] else { return }
        channels[place].ends.append(
            .init(pid: sleeper.pid, role: .wait, side: receives ? 1 : 0, thread: sleeper.thread))
        if kind == .sysvMessages, !receives { note(.full, sleeper, place) }
    }

    private mutating func takeFutex(_ sleeper: Sleeper) {
        guard let process = join.process(sleeper.pid), let address = sleeper.call.arguments.first,
            let mapping = process.mappings.first(where: { $0.range.contains(address) }),
            let key = ChannelJoin.key(mapping, process), let memory = join.memoryPlaces[key]
        else { return }
        let offset = mapping.fileOffset &+ (address &- mapping.range.lower)
        let place: Int
        if channels[memory].kind == .semaphore {
            place = memory
        } else {
            let identity = "\(channels[memory].identity)+0x\(String(offset, radix: 16))"
            if let known = futexes[identity] {
                place = known
            } else {
                var channel = Channel(.futex, identity: identity)
                channel.name = channels[memory].name
                channel.memory = channels[memory].memory
                channels.append(channel)
                place = channels.count - 1
                futexes[identity] = place
            }
        }
        channels[place].ends.append(.init(pid: sleeper.pid, role: .wait, thread: sleeper.thread))
        guard let reason = sleeper.reason, case .memoryLock(let lock) = reason.cause, lock.kind == .owned else {
            return
        }
        if let owner = reason.awaited.first {
            if !channels[place].ends.contains(where: { $0.role == .hold && $0.pid == owner.process.pid }) {
                channels[place].ends.append(.init(pid: owner.process.pid, role: .hold, thread: owner.thread))
            }
            // Whether that one can go on, Analysis says.
            channels[place].state = .held
            holders.insert(owner.process.pid)
            if !waits.contains(where: { $0.thread == reason.thread }) { waits.append(reason) }
        } else if lock.missingOwner != nil {
            note(.locked, sleeper, place)
        }
    }
}

extension Channel {
    /// Puts its ends in order, and notes since when the one sleeps that stands for all.
    fileprivate mutating func takeSleep(_ procfs: ProcFS) {
        ends.sort { ($0.pid, $0.fd ?? -1, $0.thread ?? 0) < ($1.pid, $1.fd ?? -1, $1.thread ?? 0) }
        if state == .held {
            since = ends.compactMap { end in
                end.role == .wait ? end.thread.flatMap { procfs.sleep(of: end.pid, thread: $0) } : nil
            }.max()
        } else if let stuck {
            since = procfs.sleep(of: stuck.pid, thread: stuck.thread)
        }
    }
}

extension ProcFS {
    /// For how many seconds a thread has slept; nil where that cannot be told.
    fileprivate func sleep(of pid: Int32, thread: Int32) -> Double? {
        guard let stat = try? stat(of: pid, thread: thread) else { return nil }
        return sleepSeconds(stat, path(of: pid, thread: thread), own: root + "/thread-self")
    }
}
