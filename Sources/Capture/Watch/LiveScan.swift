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
        /// What rows show of processes that are new may wait for the next look, or for `complete`: of thousands a screen has
        /// room for few.
        package var isHasty = false

        package init(
            everywhere: ProcessSources = [], visible: ProcessSources = [], processes: [Int32] = [],
            isHasty: Bool = false
        ) {
            self.everywhere = everywhere
            self.visible = visible
            self.processes = processes
            self.isHasty = isHasty
        }
    }

    private struct Entry {
        let number: Int32
        /// nil: a process that is not known yet.
        var stat: ProcessStat?
        /// nil at the first look, and where no more files may be open.
        var file: KeptFile?
        var owner: ProcessRecord.Owner?
        var argumentBytes: [UInt8]?
        /// Its memory map is locked: nobody asks for its arguments again.
        var isLocked = false
        /// Its arguments have yet to be read.
        var isDue = false

        init(_ number: Int32) { self.number = number }
    }

    /// What was read of some processes, each record once: there may be thousands.
    private struct Details {
        private var parts: [[ProcessRecord]] = []

        /// - Parameter records: in ascending order of their numbers.
        mutating func add(_ records: [ProcessRecord]) { parts.append(records) }

        subscript(_ number: Int32) -> ProcessRecord? {
            for records in parts {
                var low = 0
                var high = records.count
                while low < high {
                    let middle = (low + high) / 2
                    if records[middle].processID < number { low = middle + 1 } else { high = middle }
                }
                if low < records.count, records[low].processID == number { return records[low] }
            }
            return nil
        }
    }

    private let procfs: ProcFS
    private let fileLimit: Int
    private let argumentLimit: Int
    /// In ascending order of their numbers.
    private var entries: [Entry] = []
    private var openFiles = 0
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)

    /// What panes, terminals and single files need besides.
    private static let reserve = 64
    /// Read once of each process, and again when it runs another program or is seen.
    private static let lasting: ProcessSources = [.owner, .arguments]

    /// - Parameters:
    ///   - fileLimit: files that may be open in all (`OpenFileLimit.raise`); processes beyond cost three calls.
    ///   - argumentLimit: bytes that are kept of the arguments of each process.
    package init(procfs: ProcFS, fileLimit: Int, argumentLimit: Int = .max) {
        self.procfs = procfs
        self.argumentLimit = argumentLimit
        self.fileLimit = max(0, fileLimit - LiveScan.reserve)
    }

    deinit { buffer.deallocate() }

    /// Files that others may have open besides the processes' own.
    package var filesLeft: Int { max(0, fileLimit - openFiles) }

    /// One look. What ended meanwhile is not in it.
    package func look(_ request: Request) throws(Failure) -> ProcessScan {
        let numbers = try procfs.processIDs()
        let moment = Moment.now
        let seen = Set(request.processes)
        // Those of which all is read, and those of which nothing is but what all are chosen by.
        var near: [Int32] = []
        var far: [Int32] = []
        readStat(of: numbers) { number, isNew in
            if isNew || seen.contains(number) { near.append(number) } else { far.append(number) }
        }
        var details = Details()
        let sources = request.isHasty ? [.owner] : LiveScan.lasting.union(request.visible)
        try add(near, sources.union(request.everywhere), to: &details)
        let isWaiting = !request.everywhere.isDisjoint(with: .lockable)
        if isWaiting { try add(far, request.everywhere, to: &details) }
        var records = merge(details, isHasty: !sources.contains(.arguments))
        if !isWaiting { complete(&records, of: far, request.everywhere.subtracting(.owner)) }
        return ProcessScan(records: records, moment: moment)
    }

    /// Adds files to those of which `stat` alone was read, which need not be read again.
    /// - Parameter numbers: ascending, as the records are.
    private func complete(_ records: inout [ProcessRecord], of numbers: [Int32], _ sources: ProcessSources) {
        guard !sources.isEmpty, !numbers.isEmpty, var reader = try? ProcessReader(root: procfs.root) else { return }
        var place = 0
        for index in records.indices {
            while place < numbers.count, numbers[place] < records[index].processID { place += 1 }
            guard place < numbers.count, numbers[place] == records[index].processID else { continue }
            reader.enter(process: numbers[place])
            reader.complete(&records[index], sources)
        }
    }

    /// Reads what a hasty look left out of `request.processes`; what ended since then stays as it was.
    /// - Parameter scan: what the last look saw.
    package func complete(_ scan: ProcessScan, _ request: Request) throws(Failure) -> ProcessScan {
        var details = Details()
        let sources = LiveScan.lasting.union(request.everywhere).union(request.visible)
        try add(request.processes.sorted(), sources, to: &details)
        var scan = scan
        // There is an entry for each record.
        for index in scan.records.indices where entries.indices.contains(index) {
            let before = scan.records[index]
            guard let detail = details[before.processID], detail.stat.startTicks == before.stat.startTicks else {
                continue
            }
            keep(detail, index, isHasty: false)
            scan.records[index] = detail
            scan.records[index].stat = before.stat
            scan.records[index].argumentBytes = entries[index].argumentBytes
        }
        return scan
    }

    /// Makes the entries those of `numbers`, which are ascending, with what their `stat` says now.
    /// - Parameter visit: told of each whether it is new, or runs another program, and with it has other arguments and perhaps
    ///   another user, or has yet to be read.
    private func readStat(of numbers: [Int32], _ visit: (_ number: Int32, _ isNew: Bool) -> Void) {
        var next: [Entry] = []
        next.reserveCapacity(numbers.count)
        var place = 0
        for number in numbers {
            while place < entries.count, entries[place].number < number { place += 1 }
            guard place < entries.count, entries[place].number == number, let stat = read(&entries[place]) else {
                next.append(Entry(number))
                visit(number, true)
                continue
            }
            visit(number, entries[place].isDue || stat.commandBytes != entries[place].stat?.commandBytes)
            entries[place].stat = stat
            next.append(entries[place])
        }
        entries = next
        openFiles = entries.count { $0.file != nil }
    }

    /// nil where the process of the entry is gone, though another may have its number by now.
    private func read(_ entry: inout Entry) -> ProcessStat? {
        if entry.file == nil, openFiles < fileLimit {
            entry.file = try? KeptFile(procfs.path(of: entry.number) + "/stat")
            if entry.file != nil { openFiles += 1 }
        }
        let stat: ProcessStat?
        if let file = entry.file {
            stat = (try? file.read(into: buffer)).flatMap { ProcessStat(parsing: $0) }
        } else {
            stat = try? procfs.stat(of: entry.number)
        }
        guard let stat, stat.startTicks == entry.stat?.startTicks, stat.pid == entry.number else { return nil }
        return stat
    }

    /// Reads files of some processes. Where a memory map is known to be locked, what waits for it is left out: each try would
    /// cost a thread.
    private func add(
        _ numbers: [Int32], _ sources: ProcessSources, to details: inout Details
    ) throws(Failure) {
        let stuck = Set(entries.lazy.filter(\.isLocked).map(\.number))
        let locked = numbers.filter(stuck.contains)
        let open = locked.isEmpty ? numbers : numbers.filter { !stuck.contains($0) }
        for (numbers, sources) in [(open, sources), (locked, sources.subtracting(.lockable))] where !numbers.isEmpty {
            details.add(try procfs.scan(.init(sources, processes: numbers)).records)
        }
    }

    /// One record for each process that is there; the entries of others are dropped.
    /// - Parameter isHasty: the details are without arguments.
    private func merge(_ details: Details, isHasty: Bool) -> [ProcessRecord] {
        var records: [ProcessRecord] = []
        records.reserveCapacity(entries.count)
        for index in entries.indices {
            let detail = details[entries[index].number]
            guard let stat = entries[index].stat ?? detail?.stat else { continue }
            entries[index].stat = stat
            var record = ProcessRecord(stat: stat, processID: stat.pid)
            if let detail, detail.stat.startTicks == stat.startTicks {
                record = detail
                record.stat = stat
                keep(detail, index, isHasty: isHasty)
            }
            record.owner = entries[index].owner
            record.argumentBytes = entries[index].argumentBytes
            records.append(record)
        }
        entries.removeAll { $0.stat == nil }
        return records
    }

    /// What is read once of each process.
    private func keep(_ detail: ProcessRecord, _ index: Int, isHasty: Bool) {
        entries[index].owner = detail.owner ?? entries[index].owner
        if let bytes = detail.argumentBytes {
            entries[index].argumentBytes = bytes.count > argumentLimit ? Array(bytes.prefix(argumentLimit)) : bytes
        }
        if !detail.locked.isEmpty { entries[index].isLocked = true }
        entries[index].isDue = isHasty
    }
}
