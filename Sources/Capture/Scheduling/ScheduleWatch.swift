import Model

/// The kernel's counters of threads, read now and then, so that they can be compared. Every user may read them of every thread.
struct ScheduleWatch {
    private struct Counters {
        var command: CommandName
        var startTicks: UInt64
        /// Of `schedstat`: on a core, ready without one, how often it began to run.
        var schedstat: (run: UInt64, wait: UInt64, slices: UInt64)?
        var voluntary: UInt64?
        var involuntary: UInt64?
        var migrations: UInt64?
    }

    private struct Entry {
        var key: ThreadKey
        /// nil: it was not there yet.
        var first: Counters?
        var last: Counters
        var isThere = true
    }

    private let procfs: ProcFS
    private let scope: TraceHeader.Scope
    private var entries: [Entry] = []
    /// Of those that are there, the index in `entries`.
    private var indexes: [ThreadKey: Int] = [:]
    private var isFirstLook = true
    /// Threads for which there was no place.
    private(set) var leftOut = 0
    /// Processes of a command, once they have been seen.
    private var pids: Set<Int32> = []

    /// More threads, running or ended, are not kept apart.
    private static let limit = 20_000

    init(_ scope: TraceHeader.Scope, _ procfs: ProcFS) {
        self.scope = scope
        self.procfs = procfs
    }

    /// Those that were there at the last look.
    var present: [ThreadKey] { entries.lazy.filter(\.isThere).map(\.key) }

    /// Reads all counters anew. False: nobody is there any more.
    @discardableResult mutating func look() -> Bool {
        for index in entries.indices { entries[index].isThere = false }
        for pid in processes() {
            for tid in (try? procfs.threadIDs(of: pid)) ?? [] {
                let key = ThreadKey(pid: pid, tid: tid)
                guard let now = counters(of: key) else { continue }
                if let index = indexes[key], entries[index].last.startTicks == now.startTicks {
                    entries[index].last = now
                    entries[index].isThere = true
                } else if entries.count < ScheduleWatch.limit {
                    indexes[key] = entries.count
                    entries.append(Entry(key: key, first: isFirstLook ? now : nil, last: now))
                } else {
                    leftOut += 1
                }
            }
        }
        isFirstLook = false
        return entries.contains(where: \.isThere)
    }

    private mutating func processes() -> [Int32] {
        switch scope {
        case .machine: return (try? procfs.processIDs()) ?? []
        case .process(let process): return [process.pid]
        case .command(let process):
            // One that has lost its parent is nobody's child any more.
            var queue = [process.pid] + pids
            pids = []
            while let pid = queue.popLast(), pids.count < 4096 {
                guard !pids.contains(pid), let children = try? procfs.children(of: pid) else { continue }
                pids.insert(pid)
                queue += children
            }
            return pids.sorted()
        }
    }

    private func counters(of key: ThreadKey) -> Counters? {
        guard let stat = try? procfs.stat(of: key.pid, thread: key.tid), !stat.isZombie else { return nil }
        var counters = Counters(command: CommandName(stat.commandBytes), startTicks: stat.startTicks)
        if let bytes = try? procfs.read("schedstat", of: key.pid, thread: key.tid, limit: 256) {
            counters.schedstat = ScheduleWatch.schedstat(parsing: bytes)
        }
        if let status = try? procfs.status(of: key.pid, thread: key.tid) {
            counters.voluntary = status.voluntarySwitches
            counters.involuntary = status.involuntarySwitches
        }
        // A dear file: of all threads of a machine it would take too long.
        if scope != .machine, let bytes = try? procfs.read("sched", of: key.pid, thread: key.tid, limit: 8192) {
            counters.migrations = ScheduleWatch.migrations(parsing: bytes)
        }
        return counters
    }

    /// `run wait slices`, times in nanoseconds (Documentation/scheduler/sched-stats.rst).
    static func schedstat(parsing bytes: [UInt8]) -> (run: UInt64, wait: UInt64, slices: UInt64)? {
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            guard let run = scanner.decimal(), scanner.skip(" "), let wait = scanner.decimal(), scanner.skip(" "),
                let slices = scanner.decimal()
            else { return nil }
            // All zero: the kernel does not count (CONFIG_SCHED_INFO=n), since who is seen has run.
            return run == 0 && slices == 0 ? nil : (run, wait, slices)
        }
    }

    /// The line `se.nr_migrations   :   12`.
    static func migrations(parsing bytes: [UInt8]) -> UInt64? {
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                guard line.skip("se.nr_migrations"), line.upTo(UInt8(ascii: ":")) != nil else { continue }
                line.skipBlanks()
                return line.decimal()
            }
            return nil
        }
    }

    /// What was counted between the first look and the last.
    func differences() -> [ScheduleDifference] {
        entries.map { entry in
            let (first, last) = (entry.first, entry.last)
            func difference(_ part: (Counters) -> UInt64?) -> UInt64? {
                guard let end = part(last) else { return nil }
                guard let first else { return end }
                guard let start = part(first), end >= start else { return nil }
                return end - start
            }
            return ScheduleDifference(
                thread: entry.key, command: last.command, runNanoseconds: difference { $0.schedstat?.run },
                waitNanoseconds: difference { $0.schedstat?.wait }, slices: difference { $0.schedstat?.slices },
                voluntary: difference(\.voluntary), involuntary: difference(\.involuntary),
                migrations: difference(\.migrations), isNew: first == nil, hasEnded: !entry.isThere)
        }
    }
}
