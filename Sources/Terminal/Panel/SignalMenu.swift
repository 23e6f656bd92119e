import Analysis
package import Model

/// Which signal to send to one process or several: what each would do, then a question, then what came of it.
package struct SignalMenu: Hashable, Sendable {
    enum Stage: Hashable, Sendable {
        case choosing
        /// Nothing is sent without a yes.
        case asking
        case sending
        case done([String])
    }

    package let targets: [ProcessIdentity]
    /// Those that were chosen; what is sent goes to their processes.
    let threads: [ProcessIdentity]
    let isReadOnly: Bool
    /// Those of the targets that still run; nil until that is known.
    private(set) var processes: [ProcessSignals]?
    private(set) var stage = Stage.choosing
    private(set) var cursor: Int
    private(set) var top = 0
    /// What was typed of a name or number.
    private(set) var typed = ""
    private(set) var isOpen = true

    /// Without the two that the C library keeps for itself.
    static let signals = Signal.all.filter { $0.number < 32 || $0.isRealTime }
    /// Rows of a screen that are not the list: the question, a blank, the keys.
    static let margin = 3

    init(to targets: [ProcessIdentity], threads: [ProcessIdentity] = [], isReadOnly: Bool) {
        self.targets = targets
        self.threads = threads
        self.isReadOnly = isReadOnly
        cursor = SignalMenu.signals.firstIndex { $0.number == Signal.terminate } ?? 0
    }

    var signal: Signal { SignalMenu.signals[cursor] }

    func begin() -> [PanelRequest] { [.signals(targets)] }

    mutating func update(_ event: InputEvent, rows: Int) -> [PanelRequest] {
        let room = max(1, rows - SignalMenu.margin)
        var requests: [PanelRequest] = []
        switch (stage, event) {
        case (_, .key(.function(10))): isOpen = false
        case (.choosing, .key(let key)): choose(key, room: room)
        case (.choosing, .mouse(let row, _, .press)):
            let index = top + row - 2
            guard SignalMenu.signals.indices.contains(index), (2..<2 + room).contains(row) else { break }
            if index == cursor { ask() } else { move(to: index) }
        case (.choosing, .mouse(_, _, .wheelUp)): move(to: cursor - 3)
        case (.choosing, .mouse(_, _, .wheelDown)): move(to: cursor + 3)
        case (.asking, .key(.character("y"))), (.asking, .key(.character("Y"))):
            guard !reached.isEmpty else { break }
            stage = .sending
            requests = [.send(signal: signal.number, reached.map(\.identity))]
        case (.asking, .key):
            stage = .choosing
            typed = ""
        case (.done, .key): isOpen = false
        case (.sending, .key(.escape)), (.sending, .key(.character("q"))): isOpen = false
        default: break
        }
        keepInSight(room)
        return requests
    }

    private mutating func choose(_ key: Key, room: Int) {
        switch key {
        case .escape: if typed.isEmpty { isOpen = false } else { typed = "" }
        case .character("q") where typed.isEmpty: isOpen = false
        case .up: move(to: cursor - 1)
        case .down: move(to: cursor + 1)
        case .pageUp: move(to: cursor - room)
        case .pageDown: move(to: cursor + room)
        case .home: move(to: 0)
        case .end: move(to: SignalMenu.signals.count - 1)
        case .enter: ask()
        case .backspace: _ = find(String(typed.dropLast()))
        case .character(let character) where character.isLetter || character.isNumber || "+-".contains(character):
            let letter = String(character).uppercased()
            // What goes on with no name begins another.
            if !find(typed + letter) { _ = find(letter) }
        default: break
        }
    }

    /// By what its name begins with, or its number.
    /// - Returns: false where it fits none, and is not taken.
    private mutating func find(_ text: String) -> Bool {
        let name = text.hasPrefix("SIG") ? String(text.dropFirst(3)) : text
        let all = SignalMenu.signals
        let found =
            all.firstIndex { "\($0.number)" == text || $0.name == name }
            ?? all.firstIndex { !name.isEmpty && $0.name.hasPrefix(name) }
        guard found != nil || "SIG".hasPrefix(text) else { return false }
        typed = text
        cursor = found ?? cursor
        return true
    }

    private mutating func move(to index: Int) {
        typed = ""
        cursor = min(max(index, 0), SignalMenu.signals.count - 1)
    }

    private mutating func ask() {
        // Who types faster than that is looked up is asked all the same.
        if !isReadOnly, processes?.isEmpty != true { stage = .asking }
    }

    private mutating func keepInSight(_ room: Int) {
        top = min(max(top, cursor - room + 1), cursor)
        top = min(top, max(0, SignalMenu.signals.count - room))
    }

    mutating func receive(_ answer: PanelAnswer) {
        switch answer {
        case .signals(let found):
            // A name may change meanwhile; number and start stay.
            let isMeant = { (process: ProcessSignals) in
                targets.contains { $0.pid == process.identity.pid && $0.startTicks == process.identity.startTicks }
            }
            if found.allSatisfy(isMeant) { processes = found }
        case .sent(let lines): if stage == .sending { stage = .done(lines) }
        case .progress, .looked: break
        }
    }

    /// Whom a signal would still reach.
    var reached: [ProcessSignals] { processes ?? [] }
}
