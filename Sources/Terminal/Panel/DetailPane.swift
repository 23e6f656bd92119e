package import Model

/// What the verbs say of one process, a page for each.
package struct DetailPane: Sendable {
    enum Phase: Hashable, Sendable {
        /// Not asked for yet.
        case empty
        case looking(isPlan: Bool, progress: String)
        /// The cost was said; Enter asks for the look itself.
        case planned
        /// It cannot be had; what can be shown without it, Enter asks for.
        case refused
        case looked
    }

    struct Page: Hashable, Sendable {
        var phase = Phase.empty
        var lines: [String] = []
        /// The line at the top, and the cells that are out of sight at the left.
        var top = 0
        var left = 0
    }

    package let target: ProcessIdentity
    /// The pages are about its process.
    let thread: ProcessIdentity?
    /// Nothing that stops a process, however short, is asked for.
    let isReadOnly: Bool
    private let tabs: [PanelTab]
    private(set) var tab: PanelTab
    private(set) var pages: [PanelTab: Page] = [:]
    private(set) var isOpen = true
    /// Of the screen: text is wrapped to it.
    private(set) var columns = 80
    /// A text that is being typed, the last one that was looked for, and the row of the page that has it.
    var prompt: TopPrompt?
    var search = ""
    var found: Int?

    init(
        of target: ProcessIdentity, thread: ProcessIdentity? = nil, at tab: PanelTab, tabs: [PanelTab],
        isReadOnly: Bool
    ) {
        self.target = target
        self.thread = thread
        self.tabs = tabs
        self.tab = tab
        self.isReadOnly = isReadOnly
    }

    var page: Page { pages[tab] ?? Page() }

    /// Rows of a screen that are not text: the bar, the names of the pages, the keys.
    static let margin = 3
    private static let sideStep = 8

    // MARK: Events

    mutating func update(_ event: InputEvent, rows: Int, columns: Int) -> [PanelRequest] {
        let room = max(1, rows - DetailPane.margin)
        self.columns = columns
        switch event {
        case .key(let key): return press(key, room: room)
        case .mouse(let row, let column, .press):
            guard row == 1, let place = places(columns).first(where: { $0.columns.contains(column) }) else { return [] }
            return select(place.tab)
        case .mouse(_, _, .wheelUp): scroll(by: -3, room: room)
        case .mouse(_, _, .wheelDown): scroll(by: 3, room: room)
        case .resize:
            if tab.isWrapped { found = nil }
            scroll(by: 0, room: room)
        case .paste(let text):
            if var prompt {
                prompt.append(text)
                take(prompt, room: room)
            }
        case .mouse, .tick: break
        }
        return []
    }

    private mutating func press(_ key: Key, room: Int) -> [PanelRequest] {
        if let prompt {
            press(key, in: prompt, room: room)
            return []
        }
        switch key {
        case .escape, .character("q"), .function(10), .backspace: return close()
        case .right, .tab: return select(step: 1)
        case .left, .backTab: return select(step: -1)
        case .character(let character):
            if let number = character.wholeNumberValue, tabs.indices.contains(number - 1) {
                return select(tabs[number - 1])
            }
            if let tab = DetailPane.tab(for: character), tabs.contains(tab) { return select(tab) }
            switch character {
            case "/": prompt = TopPrompt(.search)
            case "n": findNext(room: room)
            case "j": scroll(by: 1, room: room)
            // k sends signals, as everywhere on this screen.
            case " ": scroll(by: room, room: room)
            case "g": scroll(by: -lineCount, room: room)
            case "G": scroll(by: lineCount, room: room)
            case "r": return again()
            case "<": shift(by: -DetailPane.sideStep)
            case ">": shift(by: DetailPane.sideStep)
            default: break
            }
        case .up: scroll(by: -1, room: room)
        case .down: scroll(by: 1, room: room)
        case .pageUp: scroll(by: -room, room: room)
        case .pageDown: scroll(by: room, room: room)
        case .home: scroll(by: -lineCount, room: room)
        case .end: scroll(by: lineCount, room: room)
        case .function(3): prompt = TopPrompt(.search)
        case .function(5): return again()
        case .enter:
            if [.planned, .refused].contains(page.phase) { return look(isPlan: false) }
        default: break
        }
        return []
    }

    /// The keys that open a page in the table turn to it here.
    private static func tab(for character: Character) -> PanelTab? {
        switch character {
        case "m": .memory
        case "v": .maps
        case "l": .fds
        case "L": .leaks
        default: PanelTab.allCases.first { $0.letter == character }
        }
    }

    private mutating func close() -> [PanelRequest] {
        isOpen = false
        return pages.values.contains { if case .looking = $0.phase { true } else { false } } ? [.stopLooks] : []
    }

    private mutating func select(step: Int) -> [PanelRequest] {
        let index = (tabs.firstIndex(of: tab) ?? 0) + step
        return select(tabs[(index + tabs.count) % tabs.count])
    }

    private mutating func select(_ tab: PanelTab) -> [PanelRequest] {
        self.tab = tab
        prompt = nil
        found = nil
        return begin()
    }

    /// What the page in sight needs, where nothing was asked yet.
    mutating func begin() -> [PanelRequest] {
        guard page.phase == .empty else { return [] }
        return tab.isCostly && isReadOnly ? [] : look(isPlan: tab.isCostly)
    }

    /// What cost something is not asked for again without saying so.
    private mutating func again() -> [PanelRequest] {
        switch page.phase {
        case .planned, .refused, .looked: tab.isCostly && isReadOnly ? [] : look(isPlan: tab.isCostly)
        case .empty, .looking: []
        }
    }

    private mutating func look(isPlan: Bool) -> [PanelRequest] {
        pages[tab, default: Page()].phase = .looking(isPlan: isPlan, progress: "")
        return [.look(tab, target, isPlan: isPlan)]
    }

    mutating func scroll(by lines: Int, room: Int) {
        let last = max(0, lineCount - room)
        pages[tab, default: Page()].top = min(max(page.top + lines, 0), last)
    }

    /// Rows that the page takes.
    private var lineCount: Int { tab.isWrapped ? wrapped(page.lines, to: columns).count : page.lines.count }

    func wrapped(_ lines: [String], to columns: Int) -> [StyledLine] {
        lines.flatMap { StyledLine($0).wrapped(to: columns) }
    }

    private mutating func shift(by cells: Int) {
        let widest = page.lines.lazy.prefix(DetailPane.lineLimit).map(\.utf8.count).max() ?? 0
        pages[tab, default: Page()].left = min(max(page.left + cells, 0), max(0, widest - DetailPane.sideStep))
    }

    // MARK: Answers

    /// More than anybody reads; the command prints them all.
    private static let lineLimit = 20_000

    mutating func receive(_ answer: PanelAnswer) {
        switch answer {
        case .progress(let tab, target, let text):
            guard case .looking(let isPlan, _) = pages[tab]?.phase else { return }
            pages[tab]?.phase = .looking(isPlan: isPlan, progress: text)
        case .looked(let tab, target, let isPlan, let lines, let hasFailed):
            guard case .looking(isPlan, _) = pages[tab]?.phase else { return }
            // A plan that was refused says why; memory has sums to show all the same.
            var page = Page(
                phase: !isPlan || (hasFailed && tab != .memory) ? .looked : hasFailed ? .refused : .planned)
            page.lines = Array(lines.prefix(DetailPane.lineLimit))
            if lines.count > page.lines.count {
                page.lines.append(
                    "… \(Units.counted(lines.count - page.lines.count, "more line")): nusu \(command(tab))")
            }
            // Read again, it stays where it was.
            if !isPlan, let before = pages[tab], !tab.isCostly {
                page.top = tab.isWrapped ? 0 : min(before.top, max(0, page.lines.count - 1))
                page.left = before.left
            }
            pages[tab] = page
            if tab == self.tab { found = nil }
        case .progress, .looked, .signals, .sent: break
        }
    }

    func command(_ tab: PanelTab) -> String { tab.arguments(target, isPlan: false).joined(separator: " ") }

    // MARK: Places

    /// Where the names of the pages stand: " 1 show  2 memory ". Where there is no room the last of them have only their keys; the one
    /// in sight keeps its name.
    func places(_ columns: Int) -> [(tab: PanelTab, label: String, columns: Range<Int>)] {
        let keys = tabs.enumerated().map { index, tab in tab.letter.map { "\($0)" } ?? "\(index + 1)" }
        var labels = zip(keys, tabs).map { " \($0) \($1.title) " }
        for index in tabs.indices.reversed() where labels.reduce(0, { $0 + $1.count }) > columns {
            if tabs[index] != tab { labels[index] = " \(keys[index]) " }
        }
        var column = 0
        return zip(tabs, labels).map { tab, label in
            defer { column += label.count }
            return (tab, label, column..<column + label.count)
        }
    }
}
