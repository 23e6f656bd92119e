import Glibc
import Kernel
package import Model
import SystemPackage

/// Looks at the threads of processes again and again, with one system call for each thread and look: every `stat` stays open.
/// Which threads a process has is asked anew only where their number says that some came or went. Belongs to one thread.
package final class LiveThreads {
    /// What a look reads besides `stat`.
    package struct Request: Sendable {
        /// Of every thread.
        package var everywhere: ProcessSources
        /// Of these threads only.
        package var visible: ProcessSources
        package var threads: Set<Int32>

        package init(everywhere: ProcessSources = [], visible: ProcessSources = [], threads: Set<Int32> = []) {
            self.everywhere = everywhere
            self.visible = visible
            self.threads = threads
        }
    }

    /// The file of a thread that has ended says nothing, whoever has its number by then.
    private struct Entry {
        let number: Int32
        /// nil where no more files may be open.
        var file: KeptFile?
    }

    private let procfs: ProcFS
    /// By the numbers of their processes.
    private var entries: [Int32: [Entry]] = [:]
    private var openFiles = 0
    private var fileLimit = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)

    /// What belongs to the process, or is read of it in one go for all of its threads.
    private static let shared: ProcessSources = [.owner, .arguments, .proportional]

    package init(procfs: ProcFS) { self.procfs = procfs }

    deinit { buffer.deallocate() }

    /// A record for each thread of those processes that have several, in ascending order of the threads' numbers. What ended
    /// meanwhile is not in it.
    /// - Parameters:
    ///   - processes: as a look has just found them.
    ///   - fileLimit: files that may be open for this; threads beyond cost three calls.
    package func look(_ request: Request, of processes: [ProcessRecord], fileLimit: Int) -> [ProcessRecord] {
        self.fileLimit = fileLimit
        if openFiles > fileLimit { closeSurplus() }
        let before = entries
        entries = [:]
        var records: [ProcessRecord] = []
        for process in processes where process.stat.threadCount > 1 && !process.stat.isKernelThread {
            entries[process.processID] = look(at: before[process.processID] ?? [], of: process, &records)
        }
        openFiles = entries.values.reduce(0) { $0 + $1.count { $0.file != nil } }
        records.sort { $0.stat.pid < $1.stat.pid }
        complete(&records, request)
        return records
    }

    /// Where processes need them now, or may soon.
    private func closeSurplus() {
        for pid in entries.keys {
            guard openFiles > fileLimit, let count = entries[pid]?.count else { continue }
            for index in 0..<count where openFiles > fileLimit && entries[pid]?[index].file != nil {
                entries[pid]?[index].file = nil
                openFiles -= 1
            }
        }
    }

    /// - Returns: those of the process now.
    private func look(
        at before: [Entry], of process: ProcessRecord, _ records: inout [ProcessRecord]
    ) -> [Entry] {
        let first = records.count
        var entries: [Entry] = []
        entries.reserveCapacity(before.count)
        for var entry in before {
            if entry.file == nil { entry.file = keep(entry.number, of: process.processID) }
            guard let stat = read(entry, of: process.processID) else { continue }
            entries.append(entry)
            records.append(LiveThreads.record(stat, of: process))
        }
        if records.count - first != process.stat.threadCount {
            let known = Set(entries.lazy.map(\.number))
            for number in (try? procfs.threadIDs(of: process.processID)) ?? [] where !known.contains(number) {
                let entry = Entry(number: number, file: keep(number, of: process.processID))
                guard let stat = read(entry, of: process.processID) else { continue }
                entries.append(entry)
                records.append(LiveThreads.record(stat, of: process))
            }
        }
        return entries
    }

    private func keep(_ number: Int32, of pid: Int32) -> KeptFile? {
        guard openFiles < fileLimit, let file = try? KeptFile(procfs.path(of: pid, thread: number) + "/stat") else {
            return nil
        }
        openFiles += 1
        return file
    }

    private func read(_ entry: Entry, of pid: Int32) -> ProcessStat? {
        let stat: ProcessStat?
        if let file = entry.file {
            stat = (try? file.read(into: buffer)).flatMap { ProcessStat(parsing: $0) }
        } else {
            stat = try? procfs.stat(of: pid, thread: entry.number)
        }
        guard let stat, stat.pid == entry.number else { return nil }
        return stat
    }

    private static func record(_ stat: ProcessStat, of process: ProcessRecord) -> ProcessRecord {
        var record = ProcessRecord(stat: stat, processID: process.processID)
        record.isThread = true
        record.owner = process.owner
        record.argumentBytes = process.argumentBytes
        record.proportionalBytes = process.proportionalBytes
        return record
    }

    /// Adds the other files that are asked for.
    private func complete(_ records: inout [ProcessRecord], _ request: Request) {
        let everywhere = request.everywhere.subtracting(LiveThreads.shared)
        let visible = request.visible.subtracting(LiveThreads.shared).union(everywhere)
        guard !visible.isEmpty, !everywhere.isEmpty || !request.threads.isEmpty,
            var reader = try? ProcessReader(root: procfs.root)
        else { return }
        for index in records.indices {
            let isVisible = request.threads.contains(records[index].stat.pid)
            guard isVisible || !everywhere.isEmpty else { continue }
            reader.enter(process: records[index].processID, thread: records[index].stat.pid)
            reader.complete(&records[index], isVisible ? visible : everywhere)
        }
    }
}
