import Analysis
import Model
import Report

/// From a look to the rows of the table: which, in which order, and where the cursor is in them.
extension TopState {
    /// Processor time that nobody is charged with is shown from here on, in per cent of one processor: below, it is noise of the
    /// kernel's clock ticks.
    private static let remainderLeast = 3.0

    /// Makes the rows anew. While somebody aims they stay where they are, and only their values change.
    mutating func arrange() {
        guard let sample else { return }
        let isFrozen = now < frozenUntil && !lines.isEmpty
        let before = lines
        let shown = (settings.threads ? sample.rows + (sample.threads ?? []) : sample.rows).filter(isWanted)
        let ended = ghosts.filter { now - $0.since < TopState.ghostSeconds }.map(\.row).filter(isWanted)
        let isDead = Set(ended.map(TopKey.init))
        // It has nothing but processor time to show.
        let showsTime = settings.columns.contains("pcpu")
        let remainder = filter == nil && user == nil && showsTime ? TopState.remainder(sample) : nil
        if settings.isTree {
            // It has no family.
            lines = tree(sample, shown, ended) + (remainder.map { [TopLine($0)] } ?? [])
        } else {
            lines = list(shown + ended + (remainder.map { [$0] } ?? []))
        }
        for index in lines.indices where isDead.contains(lines[index].key) { lines[index].isGhost = true }
        if isFrozen { keepOrder(of: before) }
        placeCursor(isFrozen: isFrozen)
    }

    /// Other rows are asked for: where they stood before is nobody's aim any more.
    mutating func choose(_ change: (inout TopState) -> Void) {
        change(&self)
        frozenUntil = -.infinity
        arrange()
    }

    private func isWanted(_ row: ProcessRow) -> Bool {
        if !settings.kernelThreads, row.isKernelThread { return false }
        if !settings.threads, row.isThread { return false }
        if let user, row.userID != user { return false }
        return filter?.matches(row) ?? true
    }

    // MARK: - Order

    private func list(_ rows: [ProcessRow]) -> [TopLine] {
        guard let field = settings.sortField else { return rows.map { TopLine($0) } }
        return sorted(rows, by: ProcessSortKey(field: field, descending: settings.descending)).map { TopLine($0) }
    }

    /// Rows that the key does not tell apart stand in the order of their numbers.
    private func sorted(_ rows: [ProcessRow], by key: ProcessSortKey<ProcessField>) -> [ProcessRow] {
        let values = rows.map { key.field.liveValue($0) }
        return ProcessOrder.places(of: values, descending: key.descending).map { rows[$0] }
    }

    /// Parents above their children, threads below their processes. Of a filtered tree the ways to what fits are kept.
    private func tree(_ sample: TopSample, _ shown: [ProcessRow], _ ended: [ProcessRow]) -> [TopLine] {
        let all = sample.rows.filter { settings.kernelThreads || !$0.isKernelThread } + ended.filter { !$0.isThread }
        let family = ProcessTree(all.map(\.record), now: nil)
        let rows = Dictionary(all.map { (TopKey($0), $0) }) { first, _ in first }
        let fitting = shown + ended
        let threads = settings.threads ? Dictionary(grouping: fitting.filter(\.isThread), by: \.processID) : [:]
        var forest = TopForest(
            family, rows: rows, threads: threads, fits: Set(fitting.map(TopKey.init)), collapsed: collapsed)
        if let key = treeSort { forest.order = { sorted($0, by: key) } }
        return forest.lines()
    }

    private static func remainder(_ sample: TopSample) -> ProcessRow? {
        guard let percent = sample.unattributedPercent, percent >= remainderLeast else { return nil }
        var stat = ProcessStat()
        stat.commandBytes = Array("interrupts, and processes not seen".utf8)
        var record = ProcessRecord(stat: stat, processID: 0)
        record.argumentBytes = []
        return ProcessRow(record: record, rates: ProcessRates(unattributedPercent: percent), context: sample.context)
    }

    /// Rows that were there stand where they stood; new ones come behind.
    private mutating func keepOrder(of before: [TopLine]) {
        let places = Dictionary(before.enumerated().map { ($1.key, $0) }) { first, _ in first }
        var kept: [TopLine?] = Array(repeating: nil, count: before.count)
        var new: [TopLine] = []
        for line in lines {
            if let place = places[line.key] { kept[place] = line } else { new.append(line) }
        }
        // What is in neither, as a remainder that became small, stays too: a hole would move all that is below.
        for (place, line) in before.enumerated() where kept[place] == nil {
            kept[place] = line
            kept[place]?.isGhost = true
        }
        lines = kept.compactMap { $0 } + new
    }

    // MARK: - The cursor

    private mutating func placeCursor(isFrozen: Bool) {
        if let aimed {
            if let place = lines.firstIndex(where: { $0.key == aimed }) {
                if follows || isFrozen || (top..<(top + listHeight)).contains(place) {
                    cursor = place
                } else {
                    // It went out of sight, and the eye stays here.
                    self.aimed = nil
                }
            } else {
                if follows { say("the \(aimed.isThread ? "thread" : "process") that was followed has ended") }
                self.aimed = nil
                follows = false
            }
        }
        clampCursor()
    }

    mutating func clampCursor() {
        cursor = min(max(cursor, 0), max(lines.count - 1, 0))
        let height = listHeight
        top = min(max(top, cursor - height + 1), cursor)
        top = min(max(top, 0), max(lines.count - height, 0))
    }

    /// The cursor goes to a row, and rows stand still for a moment.
    mutating func moveCursor(to row: Int) {
        follows = false
        cursor = row
        clampCursor()
        aim()
        frozenUntil = now + TopState.aimSeconds
    }

    /// Holds on to the process of the cursor.
    mutating func aim() { aimed = lines.indices.contains(cursor) ? lines[cursor].key : nil }

    /// Rows of the table that fit on the screen.
    var listHeight: Int { max(1, rows - meterHeight - 1 - footerHeight) }

    /// The line of keys, and the one for who is here for the first time.
    var footerHeight: Int { options.isStill ? 0 : showsHint ? 2 : 1 }

    var showsHint: Bool { !options.isStill && !settings.isFamiliar && rows >= 10 }
}
