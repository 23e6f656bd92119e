import Glibc
import Kernel
package import Model
import SystemPackage

/// Looks at all processes again and again, with one system call for each process and look: every `stat` stays open and is read
/// from its start. What else is shown is read of those that are seen, or that are new. Belongs to one thread.
package final class LiveScan {
    /// What a look reads besides `stat`.
    package struct Request: Sendable {
        /// Of every process.
        package var everywhere: ProcessSources = []
        /// Of these processes only, anew each time.
        package var visible: ProcessSources = []
        package var processes: [Int32] = []

        package init(everywhere: ProcessSources = [], visible: ProcessSources = [], processes: [Int32] = []) {
            self.everywhere = everywhere
            self.visible = visible
            self.processes = processes
        }
    }

    private struct Entry {
        var stat: ProcessStat
        /// nil at the first look, and where no more files may be open.
        var file: KeptFile?
        var owner: ProcessRecord.Owner?
        var argumentBytes: [UInt8]?
        /// Its memory map is locked: nobody asks for its arguments again.
        var isLocked = false
    }

    private let procfs: ProcFS
    private let fileLimit: Int
    private var entries: [Int32: Entry] = [:]
    private var openFiles = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)

    /// What panes, terminals and single files need besides.
    private static let reserve = 64
    /// Read once of each process, and again when it runs another program or is seen.
    private static let lasting: ProcessSources = [.owner, .arguments]

    /// - Parameter fileLimit: files that may be open in all (`OpenFileLimit.raise`); processes beyond cost three calls.
    package init(procfs: ProcFS, fileLimit: Int) {
        self.procfs = procfs
        self.fileLimit = max(0, fileLimit - LiveScan.reserve)
    }

    deinit { buffer.deallocate() }

    /// One look. What ended meanwhile is not in it.
    package func look(_ request: Request) throws(Failure) -> ProcessScan {
        let numbers = try procfs.processIDs()
        let moment = Moment.now
        var current: [Int32: Entry] = [:]
        current.reserveCapacity(numbers.count)
        var unknown: [Int32] = []
        var known: [Int32] = []
        for number in numbers {
            guard var entry = entries[number], let stat = read(number, &entry) else {
                unknown.append(number)
                continue
            }
            // Another program, and with it other arguments and perhaps another user.
            if stat.commandBytes != entry.stat.commandBytes { unknown.append(number) } else { known.append(number) }
            entry.stat = stat
            current[number] = entry
        }
        var details: [Int32: ProcessRecord] = [:]
        try add(unknown, LiveScan.lasting.union(request.everywhere).union(request.visible), to: &details, current)
        let seen = Set(request.processes)
        try add(
            known.filter(seen.contains), LiveScan.lasting.union(request.everywhere).union(request.visible),
            to: &details, current)
        if !request.everywhere.isEmpty {
            try add(known.filter { !seen.contains($0) }, request.everywhere, to: &details, current)
        }
        return ProcessScan(records: merge(numbers, current, details), moment: moment)
    }

    /// nil where the process of the entry is gone, though another may have its number by now.
    private func read(_ number: Int32, _ entry: inout Entry) -> ProcessStat? {
        if entry.file == nil, openFiles < fileLimit {
            entry.file = try? KeptFile(procfs.path(of: number) + "/stat")
            if entry.file != nil { openFiles += 1 }
        }
        let stat: ProcessStat?
        if let file = entry.file {
            stat = (try? file.read(into: buffer)).flatMap { ProcessStat(parsing: $0) }
        } else {
            stat = try? procfs.stat(of: number)
        }
        guard let stat, stat.startTicks == entry.stat.startTicks, stat.pid == number else { return nil }
        return stat
    }

    /// Reads files of some processes. Where a memory map is known to be locked, what waits for it is left out: each try would
    /// cost a thread.
    private func add(
        _ numbers: [Int32], _ sources: ProcessSources, to details: inout [Int32: ProcessRecord],
        _ current: [Int32: Entry]
    ) throws(Failure) {
        let locked = numbers.filter { current[$0]?.isLocked == true }
        let open = locked.isEmpty ? numbers : numbers.filter { current[$0]?.isLocked != true }
        for (numbers, sources) in [(open, sources), (locked, sources.subtracting(.lockable))] where !numbers.isEmpty {
            for record in try procfs.scan(.init(sources, processes: numbers)).records {
                details[record.processID] = record
            }
        }
    }

    /// One record for each process, and the entries for the next look.
    private func merge(
        _ numbers: [Int32], _ current: [Int32: Entry], _ details: [Int32: ProcessRecord]
    ) -> [ProcessRecord] {
        var next: [Int32: Entry] = [:]
        next.reserveCapacity(numbers.count)
        var records: [ProcessRecord] = []
        records.reserveCapacity(numbers.count)
        openFiles = 0
        for number in numbers {
            let detail = details[number]
            guard var entry = current[number] ?? detail.map({ Entry(stat: $0.stat) }) else { continue }
            var record = ProcessRecord(stat: entry.stat, processID: number)
            if let detail, detail.stat.startTicks == entry.stat.startTicks {
                record = detail
                record.stat = entry.stat
                entry.owner = detail.owner ?? entry.owner
                entry.argumentBytes = detail.argumentBytes ?? entry.argumentBytes
                entry.isLocked = entry.isLocked || !detail.locked.isEmpty
            }
            record.owner = entry.owner
            record.argumentBytes = entry.argumentBytes
            if entry.file != nil { openFiles += 1 }
            next[number] = entry
            records.append(record)
        }
        entries = next
        return records
    }
}
