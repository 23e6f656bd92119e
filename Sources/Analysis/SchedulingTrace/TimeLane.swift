/// What one cell of a lane knows of its stretch of time. Times are nanoseconds; single precision is enough to draw.
package protocol LaneCell: Sendable {
    /// What can fill time.
    associatedtype Filling

    init()
    mutating func add(_ filling: Filling, _ nanoseconds: Float)
    /// Adds a part of another cell.
    mutating func add(_ other: Self, part: Float)
}

/// A line of time, from 0 on, in a bounded number of cells: when it gets longer, neighbours are merged.
package struct TimeLane<Cell: LaneCell>: Sendable {
    package static var maximumCells: Int { 512 }

    /// Nanoseconds of a cell: 0.13 ms at first.
    package private(set) var width = 1 << 17
    /// As far as anything happened.
    package private(set) var cells: [Cell] = []

    package init() {}

    package mutating func add(_ filling: Cell.Filling, from start: Int, to end: Int) {
        guard start >= 0, end > start else { return }
        while (end - 1) / width >= Self.maximumCells { widen() }
        var index = start / width
        let last = (end - 1) / width
        if last >= cells.count { cells += repeatElement(Cell(), count: last + 1 - cells.count) }
        while index <= last {
            let stretch = min(end, (index + 1) * width) - max(start, index * width)
            cells[index].add(filling, Float(stretch))
            index += 1
        }
    }

    private mutating func widen() {
        for index in 0..<(cells.count + 1) / 2 {
            var cell = cells[2 * index]
            if 2 * index + 1 < cells.count { cell.add(cells[2 * index + 1], part: 1) }
            cells[index] = cell
        }
        cells.removeLast(cells.count / 2)
        width *= 2
    }

    /// The lane drawn with so many columns from 0 to `end`; a cell that lies in two columns is divided between them.
    package func columns(_ count: Int, end: Int) -> [Cell] {
        guard count > 0, end > 0 else { return [] }
        var columns = [Cell](repeating: Cell(), count: count)
        let scale = Double(count) / Double(end)
        for (index, cell) in cells.enumerated() {
            let start = Double(index * width) * scale
            let stop = Double(min((index + 1) * width, max(end, index * width + 1))) * scale
            var column = Int(start)
            while column < count, Double(column) < stop {
                let overlap = min(stop, Double(column + 1)) - max(start, Double(column))
                if overlap > 0 { columns[column].add(cell, part: Float(overlap / (stop - start))) }
                column += 1
            }
        }
        return columns
    }
}

/// How a thread spent a stretch of time.
package struct StateCell: LaneCell {
    package enum Filling: Int, Sendable, CaseIterable {
        case running
        /// Ready to run, without a core.
        case waiting
        case blocked
        /// It was there, and what it did is not known.
        case unknown
    }

    private var times = SIMD4<Float>()

    package init() {}

    package subscript(_ filling: Filling) -> Float { times[filling.rawValue] }
    package var sum: Float { times.sum() }

    package mutating func add(_ filling: Filling, _ nanoseconds: Float) { times[filling.rawValue] += nanoseconds }
    package mutating func add(_ other: StateCell, part: Float) { times += other.times * part }
}

/// Who had a core for a stretch of time.
package struct OccupantCell: LaneCell {
    package enum Filling: Sendable {
        case thread(Occupant)
        case idle
        case unknown
    }

    package private(set) var idle: Float = 0
    package private(set) var unknown: Float = 0
    /// All threads together.
    package private(set) var busy: Float = 0
    /// Four of them, and how much each had at least: whoever had over a fifth of `busy` is among them (Misra and Gries).
    private var occupants = SIMD4<Int32>(repeating: -1)
    private var times = SIMD4<Float>()

    package init() {}

    /// Who had most, and how much at least; nil where nobody ran.
    package var leader: (occupant: Occupant, nanoseconds: Float)? {
        let best = (1..<4).reduce(0) { times[$1] > times[$0] ? $1 : $0 }
        return times[best] > 0 ? (Occupant(rawValue: occupants[best]), times[best]) : nil
    }

    /// Those that are kept, with what each had at least.
    package var kept: [(occupant: Occupant, nanoseconds: Float)] {
        (0..<4).compactMap { times[$0] > 0 ? (Occupant(rawValue: occupants[$0]), times[$0]) : nil }
    }

    package mutating func add(_ filling: Filling, _ nanoseconds: Float) {
        switch filling {
        case .idle: idle += nanoseconds
        case .unknown: unknown += nanoseconds
        case .thread(let occupant):
            busy += nanoseconds
            count(occupant.rawValue, nanoseconds)
        }
    }

    package mutating func add(_ other: OccupantCell, part: Float) {
        idle += other.idle * part
        unknown += other.unknown * part
        busy += other.busy * part
        for index in 0..<4 where other.times[index] > 0 { count(other.occupants[index], other.times[index] * part) }
    }

    private mutating func count(_ occupant: Int32, _ nanoseconds: Float) {
        for index in 0..<4 where occupants[index] == occupant {
            times[index] += nanoseconds
            return
        }
        for index in 0..<4 where times[index] <= 0 {
            occupants[index] = occupant
            times[index] = nanoseconds
            return
        }
        // No place is free: everybody loses as much as the newcomer has, and it gets the place that falls empty by that.
        let least = times.min()
        let loss = min(nanoseconds, least)
        times -= SIMD4(repeating: loss)
        guard nanoseconds > loss, let free = (0..<4).first(where: { times[$0] <= 0 }) else { return }
        occupants[free] = occupant
        times[free] = nanoseconds - loss
    }
}

/// Who has a core, for a lane: a thread that the trace is about, or any thread of a name.
package struct Occupant: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }
    /// - Parameter number: `ThreadSchedule.number`.
    package init(thread number: Int32) { rawValue = number }
    init(name: Int32) { rawValue = -2 - name }

    /// nil for a name.
    package var thread: Int32? { rawValue >= 0 ? rawValue : nil }
    /// Index of `TraceSummary.names`; nil for a thread.
    package var name: Int32? { rawValue <= -2 ? -2 - rawValue : nil }
}
