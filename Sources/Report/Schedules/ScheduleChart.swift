import Analysis

/// Who ran on which core, drawn to scale: a lane for each core, a letter for each thread.
struct ScheduleChart {
    /// The letters, in the order of the workload. Where there are more threads than letters these begin again.
    let letters: [Character]
    /// A thread's name is its letter.
    let isByName: Bool
    static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
    static let idle: Character = "."

    init(_ workload: Workload) {
        let names = workload.threads.map(\.name)
        let isByName =
            Set(names).count == names.count
            && names.allSatisfy { $0.utf8.count == 1 && Self.alphabet.contains($0) }
        self.isByName = isByName
        letters =
            isByName
            ? names.map { Character($0) }
            : names.indices.map { Self.alphabet[$0 % Self.alphabet.count] }
    }

    /// The lanes of a schedule, each of `columns` characters that together stand for the time up to `end`; what is not known, as
    /// not all spans were kept, is blank.
    func lanes(_ schedule: Schedule, columns: Int, end: Int) -> [String] {
        guard columns > 0, end > 0 else { return [] }
        let known = schedule.spansEnd.map { min($0, schedule.end) } ?? schedule.end
        var lanes = [[Character]](
            repeating: (0..<columns).map { Self.time(of: $0, columns, end) < known ? Self.idle : " " },
            count: schedule.machine.cores)
        // Which thread has most of a column; spans of a core come in the order of time.
        var shares = [Shares](repeating: Shares(), count: schedule.machine.cores)
        for span in schedule.spans where span.end <= known {
            var start = span.start
            while start < span.end {
                let column = Self.column(of: start, columns, end)
                guard column < columns else { break }
                let stop = min(span.end, Self.time(of: column + 1, columns, end))
                shares[span.core].enter(column)
                lanes[span.core][column] = letters[shares[span.core].add(span.thread, stop - start)]
                start = stop
            }
        }
        return lanes.map { String($0) }
    }

    /// The first nanosecond of a column.
    private static func time(of column: Int, _ columns: Int, _ end: Int) -> Int {
        Int((Double(column) * Double(end) / Double(columns)).rounded(.up))
    }

    private static func column(of time: Int, _ columns: Int, _ end: Int) -> Int {
        var column = min(Int(Double(time) / Double(end) * Double(columns)), columns)
        // Whatever was rounded: a column's time must lie in it.
        while self.time(of: column + 1, columns, end) <= time { column += 1 }
        while column > 0, self.time(of: column, columns, end) > time { column -= 1 }
        return column
    }

    /// What each thread has of the column that is being filled.
    private struct Shares {
        private var column = -1
        private var times: [Int: Int] = [:]
        private var leader = 0

        mutating func enter(_ column: Int) {
            guard column != self.column else { return }
            self.column = column
            times.removeAll(keepingCapacity: true)
        }

        /// Who has most now.
        mutating func add(_ thread: Int, _ time: Int) -> Int {
            times[thread, default: 0] += time
            if times.count == 1 || times[thread, default: 0] > times[leader, default: 0] { leader = thread }
            return leader
        }
    }
}
