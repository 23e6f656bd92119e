import Model

/// Whose threads are whose, and what they are called, while events go by: names where they are first needed, and processes
/// where a record has only the thread's number.
struct TraceThreads {
    private let procfs: ProcFS
    /// The process of each thread that has been named.
    private var processes: [Int32: Int32] = [:]
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
            event.kind = .wakeup(ThreadKey(pid: processes[key.tid] ?? 0, tid: key.tid), by: waker)
        case .migration(let key): event.kind = .migration(ThreadKey(pid: processes[key.tid] ?? 0, tid: key.tid))
        case .fork(_, let child): processes[child.tid] = child.pid
        case .name(let key, _): processes[key.tid] = key.pid
        case .exit(let key): processes[key.tid] = nil
        case .switchOut, .found, .lost: break
        }
        batch.append(event)
    }

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
