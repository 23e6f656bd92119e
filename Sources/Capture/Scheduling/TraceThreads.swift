import Model

/// Whose threads are whose, and what they are called, while events go by: names where they are first needed, and processes
/// where a record has only the thread's number.
struct TraceThreads {
    private let procfs: ProcFS
    /// The process of each thread that has been named.
    private var processes = ThreadProcesses()
    /// Each costs a file to be read.
    private var readsLeft = 0

    private static let readsPerBatch = 256

    init(_ procfs: ProcFS) { self.procfs = procfs }

    mutating func beginBatch() { readsLeft = TraceThreads.readsPerBatch }

    /// Who is there before the trace begins.
    /// - Parameter pids: nil: all.
    mutating func found(_ pids: [Int32]?) -> [SwitchEvent] {
        var result: [SwitchEvent] = []
        for pid in pids ?? (try? procfs.processIDs()) ?? [] {
            for tid in (try? procfs.threadIDs(of: pid)) ?? [] {
                guard let stat = try? procfs.stat(of: pid, thread: tid) else { continue }
                let key = ThreadKey(pid: pid, tid: tid)
                processes[tid] = pid
                let core = UInt16(clamping: stat.processor)
                result.append(SwitchEvent(time: 0, core: core, kind: .name(key, CommandName(stat.commandBytes))))
                result.append(
                    SwitchEvent(time: 0, core: core, kind: .found(key, SleepState(letter: stat.state))))
            }
        }
        return result
    }

    /// Adds the event to `batch`, and before it what must be known for it.
    mutating func pass(_ event: SwitchEvent, into batch: inout [SwitchEvent]) {
        var event = event
        switch event.kind {
        case .switchIn(let key):
            if !key.isIdle, processes[key.tid] != key.pid { learn(key, event, into: &batch) }
        case .wakeup(let key, let waker):
            if key.pid == 0 { event.kind = .wakeup(whole(key), by: waker) }
        case .migration(let key): if key.pid == 0 { event.kind = .migration(whole(key)) }
        case .fork(_, let child): processes[child.tid] = child.pid
        case .name(let key, _): processes[key.tid] = key.pid
        case .exit(let key): processes[key.tid] = nil
        case .switchOut, .found, .lost: break
        }
        batch.append(event)
    }

    /// With its process, where that is known.
    private func whole(_ key: ThreadKey) -> ThreadKey { ThreadKey(pid: processes[key.tid] ?? 0, tid: key.tid) }

    /// A thread that was started before the trace and after it was looked who is there, or whose start was lost.
    private mutating func learn(_ key: ThreadKey, _ event: SwitchEvent, into batch: inout [SwitchEvent]) {
        processes[key.tid] = key.pid
        guard readsLeft > 0 else { return }
        readsLeft -= 1
        let name = procfs.threadName(of: key.pid, thread: key.tid)
        guard !name.isEmpty else { return }
        batch.append(SwitchEvent(time: event.time, core: event.core, kind: .name(key, CommandName(name))))
    }
}

/// The process of each thread, by the thread's number: a table with pages, since every switch asks it.
struct ThreadProcesses {
    private static let pageBits: Int32 = 12
    /// PID_MAX_LIMIT (include/linux/threads.h).
    private static let limit: Int32 = 1 << 22

    /// 0: not known.
    private var pages: [[Int32]] = []

    subscript(_ thread: Int32) -> Int32? {
        @inline(__always) get {
            let page = Int(thread >> Self.pageBits)
            guard thread >= 0, page < pages.count, !pages[page].isEmpty else { return nil }
            let process = pages[page][Int(thread & (1 << Self.pageBits - 1))]
            return process == 0 ? nil : process
        }
        set {
            guard thread >= 0, thread < Self.limit else { return }
            let page = Int(thread >> Self.pageBits)
            if page >= pages.count { pages += repeatElement([], count: page + 1 - pages.count) }
            if pages[page].isEmpty { pages[page] = [Int32](repeating: 0, count: 1 << Self.pageBits) }
            pages[page][Int(thread & (1 << Self.pageBits - 1))] = newValue ?? 0
        }
    }
}
