import Glibc
package import Kernel
package import Model

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
        let records = try walk(processes, request.steps(root: root), patience: patience)
        return ProcessScan(records: records, moment: moment)
    }

    /// Walks through processes, in several parts at once where there are many; in their order.
    func walk<Value>(
        _ processes: [Int32], _ steps: ProcessWalk<Value>.Steps, patience: Double
    ) throws(Failure) -> [Value] {
        let walks = ProcFS.parts(processes).map { ProcessWalk(root: root, processes: $0, steps: steps) }
        if walks.count == 1, steps.wait == nil {
            walks[0].run(as: 0, mayWait: true)
        } else {
            var watches: [ScanWatch] = []
            for walk in walks { watches.append(try ScanWatch(walk, patience: patience)) }
            for watch in watches { try watch.finish() }
        }
        var values = try walks[0].finish()
        values.reserveCapacity(processes.count)
        for walk in walks.dropFirst() { values += try walk.finish() }
        return values
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

extension ProcessScan.Request {
    fileprivate func steps(root: String) -> ProcessWalk<ProcessRecord>.Steps {
        let request = self
        // The files asked for whose reading may take for ever.
        let lockable = sources.intersection(.lockable)
        var steps = ProcessWalk<ProcessRecord>.Steps { process, reader in
            guard var record = reader.record(request.sources, process: process), request.isWanted(record) else {
                return nil
            }
            if request.isSingle(record) { reader.complete(&record, request.sources) }
            return record
        }
        if !lockable.isEmpty { steps.wait = { $1.completeWaiting(&$0, request.sources) } }
        steps.giveUp = { $0.locked = lockable }
        steps.finish = { record, reader in
            request.isSingle(record) ? [record] : request.threads(of: record, root: root, &reader)
        }
        return steps
    }

    private func isSingle(_ record: ProcessRecord) -> Bool { !threads || record.stat.threadCount == 1 }

    /// One record for each thread. What belongs to the whole process is taken from `record`.
    private func threads(of record: ProcessRecord, root: String, _ reader: inout ProcessReader) -> [ProcessRecord] {
        let process = record.processID
        let threads = (try? ProcFS(root: root).threadIDs(of: process)) ?? []
        return threads.compactMap { thread in
            reader.enter(process: process, thread: thread)
            guard var own = reader.record(sources.subtracting(.owner), process: process) else { return nil }
            own.owner = record.owner
            own.argumentBytes = record.argumentBytes
            own.proportionalBytes = record.proportionalBytes
            reader.complete(&own, sources)
            own.denied.formUnion(record.denied)
            if mainThreadHasTotals, thread == process {
                own.stat.userTicks = record.stat.userTicks
                own.stat.systemTicks = record.stat.systemTicks
                own.stat.minorFaults = record.stat.minorFaults
                own.stat.majorFaults = record.stat.majorFaults
            }
            return own
        }
    }
}
