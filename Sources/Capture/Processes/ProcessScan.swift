import Glibc
package import Kernel
package import Model
import Synchronization
import SystemPackage

/// A look at many processes at once.
package struct ProcessScan: Sendable {
    /// What is looked at.
    package struct Request: Sendable {
        package var sources: ProcessSources
        /// nil: all that can be seen.
        package var processes: [Int32]?
        /// One record for each thread instead of one for each process.
        package var threads: Bool
        /// The main thread's record has the times and page faults of all threads, those that have ended included, as
        /// ps(1) has it: it reads the process's `stat` in that thread's place.
        package var mainThreadHasTotals = false
        /// Asked when `stat` and the owner are known: of the others nothing more is read.
        package var isWanted: @Sendable (ProcessRecord) -> Bool

        package init(
            _ sources: ProcessSources, processes: [Int32]? = nil, threads: Bool = false,
            isWanted: @escaping @Sendable (ProcessRecord) -> Bool = { _ in true }
        ) {
            self.sources = sources
            self.processes = processes
            self.threads = threads
            self.isWanted = isWanted
        }
    }

    /// In ascending order of their numbers. What ended while it was looked at is not among them.
    package var records: [ProcessRecord]
    /// When the look began.
    package var moment: Moment
}

extension ProcFS {
    /// Looks at every process once, in one pass.
    ///
    /// It never hangs: where a process's memory map stays locked (the kernel then lets no one read its arguments), that
    /// file is given up on after `patience`, and the record says so.
    /// - Parameter patience: seconds.
    package func scan(_ request: ProcessScan.Request, patience: Double = 0.1) throws(Failure) -> ProcessScan {
        let processes: [Int32]
        if let asked = request.processes { processes = asked } else { processes = try processIDs() }
        let moment = Moment.now
        let walks = ProcFS.parts(processes).map { ScanWalk(root: root, processes: $0, request: request) }
        if walks.count == 1, request.sources.isDisjoint(with: .lockable) {
            walks[0].run(as: 0)
        } else {
            var watches: [ScanWatch] = []
            for walk in walks { watches.append(try ScanWatch(walk, patience: patience)) }
            for watch in watches { try watch.finish() }
        }
        var records = try walks[0].finish()
        for walk in walks.dropFirst() { records += try walk.finish() }
        return ProcessScan(records: records, moment: moment)
    }

    /// Nearly all of a look's time goes to the kernel, which answers two as fast as one: one part for each processor, up to
    /// four, and none that is not worth a thread.
    private static func parts(_ processes: [Int32]) -> [ArraySlice<Int32>] {
        let count = max(1, min(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 4, processes.count / 256))
        return (0..<count).map { part in
            processes[(processes.count * part / count)..<(processes.count * (part + 1) / count)]
        }
    }
}

/// The walk through all processes. It may be left in the middle, where its thread got stuck, and gone on with by another.
final class ScanWalk: Sendable {
    /// Where the walk is.
    struct State {
        /// Which thread of nusu's walks; one that was given up on has another number, and may change nothing more.
        var walker = 0
        /// The process to be looked at next.
        var next = 0
        var records: [ProcessRecord] = []
        /// What is known of the process whose memory lock is being waited for.
        var waiting: (record: ProcessRecord, since: Moment)?
        var error: Errno?
        var isDone = false
    }

    let state = Mutex(State())
    private let root: String
    private let processes: ArraySlice<Int32>
    private let request: ProcessScan.Request

    init(root: String, processes: ArraySlice<Int32>, request: ProcessScan.Request) {
        self.root = root
        self.processes = processes
        self.request = request
        state.withLock { state in
            state.next = processes.startIndex
            state.records.reserveCapacity(processes.count)
        }
    }

    /// The files asked for whose reading may take for ever.
    var lockable: ProcessSources { request.sources.intersection(.lockable) }

    func finish() throws(Failure) -> [ProcessRecord] {
        let (records, error) = state.withLock { state in
            defer { state.records = [] }
            return (state.records, state.error)
        }
        guard let error else { return records }
        throw Failure(
            .internal, what: "cannot read \(root): \(error)", subject: root, remedy: "mount -t proc proc /proc")
    }

    /// Walks on from where the walk is, to its end or until this walker is given up on.
    /// - Parameter mayWait: lockable files are read; else they are given up on unread.
    func run(as walker: Int, mayWait: Bool = true) {
        do {
            var reader = try ProcessReader(root: root)
            while let process = begin(walker) { look(at: process, &reader, walker, mayWait: mayWait) }
        } catch {
            state.withLock { $0.error = error }
        }
        state.withLock { state in if state.walker == walker { state.isDone = true } }
    }

    private func begin(_ walker: Int) -> Int32? {
        state.withLock { state in
            guard state.walker == walker, state.next < processes.endIndex else { return nil }
            defer { state.next += 1 }
            return processes[state.next]
        }
    }

    private func look(at process: Int32, _ reader: inout ProcessReader, _ walker: Int, mayWait: Bool) {
        reader.enter(process: process)
        guard var record = reader.record(request.sources, process: process), request.isWanted(record) else { return }
        let single = !request.threads || record.stat.threadCount == 1
        if single { reader.complete(&record, request.sources) }
        if !mayWait {
            record.locked = lockable
        } else if !lockable.isEmpty {
            guard wait(with: record, walker) else { return }
            reader.completeWaiting(&record, request.sources)
        }
        let threads = single ? [] : threads(of: record, &reader)
        state.withLock { state in
            guard state.walker == walker else { return }
            state.waiting = nil
            if single { state.records.append(record) } else { state.records += threads }
        }
    }

    /// Says that what follows may take for ever.
    private func wait(with record: ProcessRecord, _ walker: Int) -> Bool {
        let now = Moment.now
        return state.withLock { state in
            guard state.walker == walker else { return false }
            state.waiting = (record, now)
            return true
        }
    }

    /// One record for each thread. What belongs to the whole process is taken from `record`.
    private func threads(of record: ProcessRecord, _ reader: inout ProcessReader) -> [ProcessRecord] {
        let process = record.processID
        let threads = (try? ProcFS(root: root).threadIDs(of: process)) ?? []
        return threads.compactMap { thread in
            reader.enter(process: process, thread: thread)
            guard var own = reader.record(request.sources.subtracting(.owner), process: process) else { return nil }
            own.owner = record.owner
            own.argumentBytes = record.argumentBytes
            own.proportionalBytes = record.proportionalBytes
            reader.complete(&own, request.sources)
            own.denied.formUnion(record.denied)
            if request.mainThreadHasTotals, thread == process {
                own.stat.userTicks = record.stat.userTicks
                own.stat.systemTicks = record.stat.systemTicks
                own.stat.minorFaults = record.stat.minorFaults
                own.stat.majorFaults = record.stat.majorFaults
            }
            return own
        }
    }
}
