import Model

/// The threads of a trace, found by their numbers; a bounded number of them.
struct ThreadTable: Sendable {
    /// Who comes when there are so many, of whom none has ended or sleeps without telling anything, is only counted with its core.
    static let limit = 4096
    /// Sleepers beyond that keep their records.
    private static let sleeperLimit = 65_536
    /// PID_MAX_LIMIT of 64-bit kernels (linux/threads.h).
    private static let numberLimit: Int32 = 4_194_304

    private(set) var records: [ThreadRecord] = []
    private(set) var folded = FoldedThreads()
    /// Records of threads for which there was no room.
    private(set) var turnedAway = 0
    /// By a number's upper bits, for the lower ones: the index of its record, plus 1; 0 where there is none.
    private var pages: [[Int32]] = []
    private static let pageBits: Int32 = 10
    private var appeared: Int32 = 0
    /// What is kept of threads whose records made room: a machine has thousands that sleep all the while.
    private struct Sleeper: Sendable {
        let pid: Int32
        let name: Int32
        let isChosen: Bool
        /// nil: that it sleeps has not been said.
        let sleep: SleepState?
    }
    /// By their numbers.
    private var sleepers: [Int32: Sleeper] = [:]
    /// How many more are turned away before it is looked again who has ended: a look goes through all.
    private var untilFold = 0

    subscript(_ index: Int) -> ThreadRecord {
        get { records[index] }
        _modify { yield &records[index] }
    }

    private func place(_ tid: Int32) -> Int? {
        let page = Int(tid >> Self.pageBits)
        guard tid > 0, page < pages.count, !pages[page].isEmpty else { return nil }
        let place = Int(pages[page][Int(tid & (1 << Self.pageBits - 1))])
        return place > 0 ? place - 1 : nil
    }

    /// - Parameter index: nil for none.
    private mutating func setPlace(_ tid: Int32, _ index: Int?) {
        let page = Int(tid >> Self.pageBits)
        if page >= pages.count { pages += repeatElement([], count: page + 1 - pages.count) }
        if pages[page].isEmpty { pages[page] = [Int32](repeating: 0, count: 1 << Self.pageBits) }
        pages[page][Int(tid & (1 << Self.pageBits - 1))] = index.map { Int32($0 + 1) } ?? 0
    }

    /// The record of a thread that is there.
    func find(_ key: ThreadKey) -> Int? {
        guard let index = place(key.tid) else { return nil }
        guard key.pid == 0 || records[index].key.pid == 0 || records[index].key.pid == key.pid else { return nil }
        return index
    }

    /// Makes the record of a thread that was not there; another that had its number has ended.
    /// - Returns: nil where there are too many, or no thread can have that number.
    mutating func add(
        _ key: ThreadKey, name: Int32, isChosen: Bool, mode: ThreadRecord.Mode, at time: Int, isNew: Bool
    ) -> Int? {
        guard key.tid > 0, key.tid < Self.numberLimit else { return nil }
        if records.count >= Self.limit, untilFold == 0 { fold() }
        guard records.count < Self.limit else {
            untilFold = max(untilFold - 1, 0)
            turnedAway += 1
            return nil
        }
        if let before = place(key.tid) { records[before].end(at: time) }
        let sleeper = sleepers.isEmpty ? nil : sleepers.removeValue(forKey: key.tid)
        var record = ThreadRecord(
            key, number: appeared, name: name, isChosen: isChosen, mode: mode, at: time, isNew: isNew)
        if let sleeper, key.pid == 0 || sleeper.pid == 0 || key.pid == sleeper.pid {
            record.key.pid = max(key.pid, sleeper.pid)
            if sleeper.isChosen { folded.count -= 1 }
            if mode == .unseen, !isNew {
                record.name = sleeper.name
                if let sleep = sleeper.sleep { record.find(sleep) }
            }
        }
        records.append(record)
        appeared += 1
        setPlace(key.tid, records.count - 1)
        return records.count - 1
    }

    /// Makes room: of those that ended, or that sleep and have nothing to show, the half that ran and waited least are kept as sums
    /// only; those whom the trace is not about go first.
    private mutating func fold() {
        let mayLeave = records.indices.filter {
            records[$0].mode == .gone || records[$0].onlySleeps && sleepers.count < Self.sleeperLimit
        }.sorted {
            (records[$0].isChosen ? 1 : 0, records[$0].run + records[$0].wait)
                < (records[$1].isChosen ? 1 : 0, records[$1].run + records[$1].wait)
        }
        let leaving = Set(mayLeave.prefix((mayLeave.count + 1) / 2))
        untilFold = leaving.count < Self.limit / 16 ? Self.limit / 16 : 0
        guard !leaving.isEmpty else { return }
        for index in leaving {
            let record = records[index]
            if place(record.key.tid) == index { setPlace(record.key.tid, nil) }
            if record.mode != .gone {
                sleepers[record.key.tid] = Sleeper(
                    pid: record.key.pid, name: record.name, isChosen: record.isChosen,
                    sleep: record.mode == .unseen ? nil : record.sleep ?? .interruptible)
            }
            guard record.isChosen else { continue }
            folded.count += 1
            folded.run += record.run
            folded.wait += record.wait
            folded.voluntary += record.voluntary
            folded.involuntary += record.involuntary
        }
        var kept: [ThreadRecord] = []
        kept.reserveCapacity(records.count - leaving.count)
        for index in records.indices where !leaving.contains(index) {
            if place(records[index].key.tid) == index { setPlace(records[index].key.tid, kept.count) }
            kept.append(records[index])
        }
        records = kept
    }
}
