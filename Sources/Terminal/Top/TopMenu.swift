import Model
import Report

/// A list beside the table, from which one thing is chosen, or of which several are switched.
struct TopMenu: Sendable {
    enum Kind: Hashable, Sendable {
        case sort, user
        case columns(TopSettings.Screen)
        case ioPriority([TopTarget])
        case policy([TopTarget])
        case processors([TopTarget])
    }

    /// Of what is switched.
    enum Switch: Sendable {
        case on, off
        /// Of several some are on, and stay as they are.
        case mixed
        /// It cannot be had.
        case none

        var mark: String {
            switch self {
            case .on: "[x] "
            case .off: "[ ] "
            case .mixed: "[-] "
            case .none: "    "
            }
        }
    }

    struct Item: Sendable {
        var label: String
        /// Said at the foot of the screen while the item is chosen.
        var explanation = ""
        var state: Switch?
        /// The field's name, or the user's number; empty: every user.
        var key: String
    }

    let kind: Kind
    var items: [Item]
    var index = 0
    /// Of policies: how it is, and the priority of the real-time ones that is being chosen.
    var now = ""
    var priority: Int32 = 1
    /// The next digit belongs to the one before.
    var isTyping = false
    /// Of processors: what they were, and the number that is being typed.
    var processors: TopProcessors?
    var typed = 0

    static let width = 22

    /// Enter changes something of a process.
    var isChange: Bool {
        switch kind {
        case .ioPriority, .policy, .processors: true
        case .sort, .user, .columns: false
        }
    }

    /// What the keys do, for the foot of the screen.
    var keys: String {
        switch kind {
        case .columns: "Space on or off, F7 F8 move, Esc done"
        case .sort, .user: "Enter takes it, Esc does not"
        case .ioPriority: "Enter sets it, Esc"
        case .processors: "Space, Enter sets it, Esc"
        case .policy: isRealTime ? "Enter, F7 F8, Esc" : "Enter sets it, Esc"
        }
    }

    var title: String {
        switch kind {
        case .sort: "Sort by"
        case .user: "Show processes of"
        case .columns(let screen): screen == .main ? "Columns" : "Columns of \(screen.title)"
        case .ioPriority(let targets): TopMenu.title("I/O of ", targets)
        case .processors(let targets): TopMenu.title("CPUs of ", targets)
        case .policy(let targets): TopMenu.title("Policy of ", targets)
        }
    }

    var isOfColumns: Bool { if case .columns = kind { true } else { false } }

    mutating func move(by count: Int) { index = min(max(index + count, 0), max(items.count - 1, 0)) }

    /// The next item that begins with this letter.
    mutating func jump(to letter: Character) {
        let order = items.indices.map { (index + 1 + $0) % items.count }
        let wanted = letter.lowercased()
        index = order.first { items[$0].label.lowercased().hasPrefix(wanted) } ?? index
    }

    /// The first of the items that a column of `height` rows shows.
    func top(height: Int) -> Int { min(max(0, index - height / 2), max(0, items.count - height)) }

    // MARK: - What is in them

    /// Fields of the columns first, then all others.
    static func sort(_ settings: TopSettings, current: String) -> TopMenu {
        let own = settings.fields
        let others = ProcessField.all.filter { field in !own.contains { $0.key == field.key } }
        var menu = TopMenu(
            kind: .sort,
            items: (own + others).map { Item(label: $0.key, explanation: $0.explanation, key: $0.key) })
        menu.index = menu.items.firstIndex { $0.key == current } ?? 0
        return menu
    }

    /// Those that are on first, in the order of the columns.
    static func columns(_ settings: TopSettings) -> TopMenu {
        let on = settings.columns.compactMap { ProcessField.named($0)?.field }
        let off = ProcessField.all.filter { !settings.columns.contains($0.key) }
        return TopMenu(
            kind: .columns(settings.screen),
            items: on.map { Item(label: $0.key, explanation: $0.explanation, state: .on, key: $0.key) }
                + off.map { Item(label: $0.key, explanation: $0.explanation, state: .off, key: $0.key) })
    }

    static func users(_ sample: TopSample, current: UInt32?) -> TopMenu {
        var counts: [UInt32: Int] = [:]
        for row in sample.rows { if let user = row.record.owner?.user { counts[user, default: 0] += 1 } }
        let names = counts.keys.map { (number: $0, name: sample.context.facts.userName($0)) }
        let items = names.sorted { ($0.name, $0.number) < ($1.name, $1.number) }.map { user in
            Item(
                label: user.name, explanation: Units.counted(counts[user.number] ?? 0, "process", plural: "processes"),
                key: "\(user.number)")
        }
        var menu = TopMenu(kind: .user, items: [Item(label: "all users", key: "")] + items)
        menu.index = menu.items.firstIndex { $0.key == current.map { "\($0)" } ?? "" } ?? 0
        return menu
    }
}
