import Analysis
import Model
package import Report

/// The live screen between two events: what was seen, what of it is shown, and what the user is about. Events change it
/// (`update`), samples are added to it (`take`), and `frame` draws it; none of them does any input or output.
package struct TopState: Sendable {
    /// What does not change while the screen is open.
    package struct Options: Hashable, Sendable {
        package var readOnly = false
        /// One frame on paper: no cursor and no keys.
        package var isStill = false
        /// Only of this user, from the start.
        package var user: UInt32?
        /// Seconds between two looks, for the words.
        package var interval = 1.5

        package init() {}
    }

    /// What the keys go to.
    enum Mode: Sendable {
        case list
        case prompt(TopPrompt)
        case menu(TopMenu)
        case renice(TopRenice)
        case help(scroll: Int)
    }

    package internal(set) var settings: TopSettings
    let options: Options
    private(set) var sample: TopSample?
    package internal(set) var rows: Int
    package internal(set) var columns: Int

    var mode = Mode.list
    /// One line for the user, and until when it stands.
    var message: (text: String, until: Double)?
    var isPaused = false

    // What is shown of the sample.
    var filter: TopFilter?
    var user: UInt32?
    /// The last text that was searched for.
    var search = ""
    var collapsed: Set<Int32> = []
    var tagged: Set<TopKey> = []
    /// The command is shifted to the left by so many cells.
    var shift = 0

    // Where it is shown.
    var lines: [TopLine] = []
    var cursor = 0
    var top = 0
    /// The process of the cursor, once it was moved.
    var aimed: TopKey?
    private var treeSorts: [TopSettings.Screen: ProcessSortKey<ProcessField>] = [:]
    /// What siblings of the tree are sorted by; nil: by their starts.
    var treeSort: ProcessSortKey<ProcessField>? {
        get { treeSorts[settings.screen] }
        set { treeSorts[settings.screen] = newValue }
    }
    /// Digits that are typed one after the other find a process by its number.
    var typedNumber: (value: Int32, until: Double)?
    var follows = false
    /// Until then rows stay where they are.
    var frozenUntil = -Double.infinity
    var ghosts: [TopGhost] = []
    var history = TopHistory()
    /// Now, in seconds of a clock that never jumps.
    var now = 0.0

    /// How long rows stay where they are after the cursor was moved, and how long one that ended stays.
    static let aimSeconds = 3.0
    static let ghostSeconds = 2.0
    static let messageSeconds = 5.0
    private static let ghostLimit = 1000

    package init(settings: TopSettings, options: Options, rows: Int, columns: Int) {
        self.settings = settings
        self.options = options
        self.rows = max(1, rows)
        self.columns = max(1, columns)
        user = options.user
    }

    /// What the next look has to read.
    package var demand: TopDemand {
        let shown = lines.dropFirst(top).prefix(listHeight).filter { !$0.isGhost && !$0.isRemainder }
        var everywhere = settings.sortField?.liveSources ?? []
        for field in filter?.expression?.fields ?? [] { everywhere.formUnion(field.liveSources) }
        let visible = fields.reduce(into: ProcessSources.arguments) { $0.formUnion($1.liveSources) }
        // Who comes into sight for what it read or wrote is to be whole at once, and this is one call beside several.
        if everywhere.contains(.io) { everywhere.formUnion(visible.intersection(.ioPriority)) }
        return TopDemand(
            everywhere: everywhere, visible: visible,
            processes: shown.filter { !$0.row.isThread }.map(\.row.processID),
            isByCommand: everywhere.contains(.arguments) || filter.map { $0.expression == nil } ?? false,
            hasThreads: settings.threads, threads: shown.filter(\.row.isThread).map(\.row.number))
    }

    /// The fields of the columns; without those of delays where the kernel counts none.
    var fields: [ProcessField] {
        let counts = sample?.context.facts.countsDelays != false
        return settings.fields.filter { counts || !$0.isOfDelays }
    }

    /// Adds a look. While the screen is paused it changes nothing but the meters.
    package mutating func take(_ sample: TopSample, at seconds: Double) {
        now = seconds
        history.append(sample.meters)
        if isPaused, var kept = self.sample {
            kept.meters = sample.meters
            // Threads that were asked for after it stood still are part of what stands.
            if kept.threads == nil { kept.threads = sample.threads }
            let isNew = self.sample?.threads == nil && kept.threads != nil
            self.sample = kept
            if isNew { arrange() }
            return
        }
        // A single frame has no moment before.
        if !options.isStill { noteEnded(from: self.sample, to: sample) }
        self.sample = sample
        arrange()
    }

    private mutating func noteEnded(from before: TopSample?, to after: TopSample) {
        // A file that could not be read once takes nobody's life.
        ghosts.removeAll { ghost in
            let same = ghost.row.isThread ? after.thread(ghost.row.number) : after.process(ghost.row.number)
            return now - ghost.since >= TopState.ghostSeconds || same.map(TopKey.init) == TopKey(ghost.row)
        }
        guard let before else { return }
        // Its number may be another's by now.
        for row in noteEnded(from: before.rows, to: after.rows) { collapsed.remove(row.processID) }
        guard let earlier = before.threads, let later = after.threads else { return }
        // A process whose other threads have ended goes on as a row of its own.
        let isGoingOn = { (row: ProcessRow) in
            row.number == row.processID && after.process(row.processID)?.startTicks == row.startTicks
        }
        _ = noteEnded(from: earlier.filter { !isGoingOn($0) }, to: later)
    }

    /// Both stand in ascending order of their numbers.
    /// - Returns: those that have ended.
    private mutating func noteEnded(from before: [ProcessRow], to after: [ProcessRow]) -> [ProcessRow] {
        var ended: [ProcessRow] = []
        var place = 0
        for row in before {
            while place < after.count, after[place].number < row.number { place += 1 }
            let isAlive = place < after.count && TopKey(after[place]) == TopKey(row)
            guard !isAlive else { continue }
            tagged.remove(TopKey(row))
            ended.append(row)
            if ghosts.count < TopState.ghostLimit { ghosts.append(TopGhost(row: row, since: now)) }
        }
        return ended
    }

    /// When the screen changes by time alone, on the clock of `update`; nil: not at all. A `tick` is to come then.
    package var nextChange: Double? {
        var moments = ghosts.map { $0.since + TopState.ghostSeconds }
        if frozenUntil.isFinite { moments.append(frozenUntil) }
        if let message { moments.append(message.until) }
        return moments.min()
    }

    /// What is shown of which processes, without those that have ended.
    package var shownFields: [ProcessField] { settings.fields }
    package var shownRows: [ProcessRow] { lines.filter { !$0.isGhost && !$0.isRemainder }.map(\.row) }

    /// Shows only what fits a condition; a text that is none changes nothing.
    package mutating func setFilter(_ text: String) {
        filter = (try? TopFilter(text)) ?? filter
        arrange()
    }

    /// Nothing lies over the table, and nothing is being typed.
    package var isInList: Bool { if case .list = mode { true } else { false } }

    /// One line for the user, for some seconds.
    package mutating func say(_ text: String) { message = (text, now + TopState.messageSeconds) }

    /// What an action would be about: the process of the cursor, or the thread.
    package var target: TopTarget? {
        guard lines.indices.contains(cursor), !lines[cursor].isRemainder, !lines[cursor].isGhost else { return nil }
        return target(lines[cursor].row)
    }

    /// Those that are tagged, else the one of the cursor. Of a process that is among them its threads are not.
    package var targets: [TopTarget] {
        guard !tagged.isEmpty, let sample else { return target.map { [$0] } ?? [] }
        let threads = (sample.threads ?? []).filter { row in
            guard tagged.contains(TopKey(row)) else { return false }
            return sample.process(row.processID).map { !tagged.contains(TopKey($0)) } ?? false
        }
        let processes = sample.rows.filter { tagged.contains(TopKey($0)) }
        return (processes + threads).compactMap(target)
    }

    /// nil for a thread whose process has ended.
    private func target(_ row: ProcessRow) -> TopTarget? {
        guard row.isThread else { return TopTarget(row.record.identity) }
        return sample?.process(row.processID).map { TopTarget($0.record.identity, thread: row.record.identity) }
    }
}

/// A process that has ended, for the moment that its row still stands.
struct TopGhost: Sendable {
    var row: ProcessRow
    var since: Double
}
