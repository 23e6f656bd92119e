import Analysis
import Model
import Report

/// Keys in the table: htop's, where htop has one.
extension TopState {
    mutating func pressInList(_ key: Key) -> [TopRequest] {
        var requests: [TopRequest] = []
        // After another key a digit begins a new number.
        if case .character(let digit) = key, digit.isASCII, digit.isNumber {} else { typedNumber = nil }
        if !settings.isFamiliar {
            settings.isFamiliar = true
            clampCursor()
            requests = [.save(settings)]
        }
        if move(key) { return requests }
        return requests + act(key)
    }

    /// Keys that move the cursor, or the view.
    private mutating func move(_ key: Key) -> Bool {
        switch key {
        case .up, .control("p"): moveCursor(to: cursor - 1)
        case .down, .control("n"): moveCursor(to: cursor + 1)
        case .pageUp, .control("b"):
            top -= listHeight
            moveCursor(to: cursor - listHeight)
        case .pageDown, .control("f"):
            top += listHeight
            moveCursor(to: cursor + listHeight)
        case .home:
            moveCursor(to: 0)
            // At the head it is the place that counts, not who stands there.
            aimed = nil
        case .end: moveCursor(to: lines.count - 1)
        case .left: shift = max(0, shift - TopState.shiftStep)
        case .right: shift = min(TopState.shiftLimit, shift + TopState.shiftStep)
        case .control("a"): shift = 0
        default: return false
        }
        return true
    }

    private static let shiftStep = 8
    private static let shiftLimit = 4000

    private mutating func act(_ key: Key) -> [TopRequest] {
        switch key {
        case .function(1), .character("h"), .character("?"): mode = .help(scroll: 0)
        case .function(2), .character("C"), .character("S"): mode = .menu(.columns(settings))
        case .function(3), .character("/"): mode = .prompt(TopPrompt(.search))
        case .character("n"): if !find(search, after: cursor) { say("no other row has \"\(search)\" in it") }
        case .function(4), .character("\\"):
            mode = .prompt(TopPrompt(.filter, text: filter?.text ?? "", before: filter))
        case .function(5), .character("t"): return change { $0.isTree.toggle() }
        case .function(6), .character("<"), .character(">"), .character(","), .character("."):
            mode = .menu(.sort(settings, current: treeSort?.field.key ?? settings.sort))
        case .function(7), .character("]"): renice(by: -1)
        case .function(8), .character("["): renice(by: 1)
        case .function(9), .character("k"): return signal()
        case .function(10), .character("q"), .control("c"): return [.quit]
        case .enter: return open(.show)
        case .character("l"): return open(.fds)
        case .character("m"): return open(.memory)
        case .character("v"): return open(.maps)
        case .character("L"): return open(.leaks)
        case .character("e"): return open(.environment)
        case .character("w"): return open(.command)
        case .character("x"): return open(.locks)
        case .character("s"): return open(.calls)
        case .character("i"): return askIOPriority()
        case .character("Y"): askPolicy()
        case .character("a"): return askProcessors()
        case .tab: return turn(by: 1)
        case .backTab: return turn(by: -1)
        case .backspace: collapseIntoParent()
        case .control("l"): return [.redraw]
        case .control("r"): return [.look]
        case .escape: return release()
        default: return choose(key)
        }
        return []
    }

    /// Keys that choose what is shown.
    private mutating func choose(_ key: Key) -> [TopRequest] {
        switch key {
        case .character("P"): return sort(by: "pcpu")
        case .character("M"): return sort(by: "rss")
        case .character("T"): return sort(by: "time")
        case .character("N"): return sort(by: "pid")
        case .character("I"): return reverse()
        case .character("K"): return change { $0.kernelThreads.toggle() }
        case .character("H"): return switchThreads()
        case .character("#"): return change { $0.meters.toggle() }
        case .character("p"): return change { $0.programPaths.toggle() }
        case .character("u"): if let sample { mode = .menu(.users(sample, current: user)) }
        case .character("F"): follow()
        case .character("Z"): pause()
        case .character(" "): tag()
        case .character("c"): tagFamily()
        case .character("U"): tagged = []
        case .character("+"), .character("="), .character("-"): collapse(key != .character("-"))
        case .character("*"): collapseAll()
        case .character(let digit) where digit.isASCII && digit.isNumber: find(digit)
        case .character(let other): say("\(TerminalText.escaped(String(other))) does nothing here; ? shows all keys")
        default: break
        }
        return []
    }

    // MARK: - What they do

    private mutating func open(_ tab: PanelTab) -> [TopRequest] {
        guard let target else {
            sayWhyNot()
            return []
        }
        return [.open(target, tab)]
    }

    /// A key that is about a process, on a row that is none any more.
    mutating func sayWhyNot() {
        guard lines.indices.contains(cursor) else { return }
        let row = lines[cursor].row
        say(
            lines[cursor].isRemainder
                ? "this row is no process: it is what none can be charged with"
                : "\(row.isThread ? "thread " : "")\(TerminalText.escaped(row.record.identity.description)) has ended")
    }

    private mutating func switchThreads() -> [TopRequest] {
        if settings.threads {
            // Marks go with the rows, and who was aimed at is where the thread goes.
            tagged = tagged.filter { !$0.isThread }
            if let aimed, aimed.isThread, let thread = sample?.thread(aimed.number) {
                self.aimed = sample?.process(thread.processID).map(TopKey.init)
            }
        }
        let requests = change { $0.threads.toggle() }
        say(
            settings.threads
                ? "a row for each thread of processes that have several; H hides them"
                : "threads are hidden; H shows them")
        return requests
    }

    /// The process that was aimed at keeps the cursor, wherever it stands then.
    private mutating func change(_ change: (inout TopSettings) -> Void) -> [TopRequest] {
        change(&settings)
        frozenUntil = -.infinity
        let kept = aimed
        arrange()
        if !follows, let kept, let place = lines.firstIndex(where: { $0.key == kept }) { moveCursor(to: place) }
        return [.save(settings), .look]
    }

    /// To the next screen, round the end. Which one is shown is not kept.
    private mutating func turn(by step: Int) -> [TopRequest] {
        let all = TopSettings.Screen.allCases
        let place = (all.firstIndex(of: settings.screen) ?? 0) + step + all.count
        return show(all[place % all.count])
    }

    mutating func show(_ screen: TopSettings.Screen) -> [TopRequest] {
        guard screen != settings.screen else { return [] }
        _ = change { $0.screen = screen }
        return [.look]
    }

    /// The largest numbers first, text and numbers of processes from the start of the alphabet; again turns it round.
    mutating func sort(by name: String) -> [TopRequest] {
        guard let field = ProcessField.named(name)?.field else { return [] }
        let descending = !field.isText && !field.key.hasSuffix("pid")
        if settings.isTree {
            let isSame = treeSort?.field.key == field.key
            treeSort = ProcessSortKey(field: field, descending: isSame ? !(treeSort?.descending ?? false) : descending)
        } else {
            let isSame = settings.sort == field.key
            settings.descending = isSame ? !settings.descending : descending
            settings.sort = field.key
        }
        return toHead()
    }

    private mutating func reverse() -> [TopRequest] {
        if settings.isTree { treeSort?.descending.toggle() } else { settings.descending.toggle() }
        return toHead()
    }

    private mutating func toHead() -> [TopRequest] {
        frozenUntil = -.infinity
        if !follows {
            aimed = nil
            cursor = 0
            top = 0
        }
        arrange()
        return [.save(settings), .look]
    }

    private mutating func follow() {
        guard let target, !follows else {
            follows = false
            return
        }
        aim()
        follows = true
        say("following \(TerminalText.escaped(target.description)); a key that moves the cursor ends that")
    }

    private mutating func pause() {
        isPaused.toggle()
        say(isPaused ? "the table stands still; Z goes on" : "going on")
    }

    private mutating func tag() {
        guard lines.indices.contains(cursor), !lines[cursor].isRemainder, !lines[cursor].isGhost else { return }
        let key = lines[cursor].key
        if tagged.remove(key) == nil { tagged.insert(key) }
        moveCursor(to: cursor + 1)
    }

    /// The process of the cursor and all below it.
    private mutating func tagFamily() {
        guard let target, let sample else { return }
        let family = ProcessTree(sample.rows.map(\.record), now: nil)
        guard let index = family.index(of: target.process.pid) else { return }
        for member in family.family(of: index) {
            let stat = family.nodes[member].record.stat
            tagged.insert(TopKey(pid: stat.pid, startTicks: stat.startTicks))
        }
    }

    private mutating func collapse(_ isToggle: Bool) {
        guard let target, settings.isTree else { return }
        let process = target.process
        if collapsed.contains(process.pid) {
            if isToggle { collapsed.remove(process.pid) }
        } else {
            collapsed.insert(process.pid)
        }
        frozenUntil = -.infinity
        // A thread's row goes out of sight below its process.
        aimed = TopKey(pid: process.pid, startTicks: process.startTicks)
        arrange()
    }

    /// The cursor goes to who started it, and all below that is folded.
    private mutating func collapseIntoParent() {
        guard let target, let sample, settings.isTree else { return }
        let process =
            target.thread == nil
            ? sample.process(target.process.pid).flatMap { sample.process($0.record.stat.parent) }
            : sample.process(target.process.pid)
        guard let process else { return }
        collapsed.insert(process.processID)
        frozenUntil = -.infinity
        aimed = TopKey(process)
        arrange()
    }

    /// Everything but the first processes' children is folded, or nothing.
    private mutating func collapseAll() {
        guard settings.isTree, let sample else { return }
        if collapsed.isEmpty {
            let heads: Set<Int32> = [1, 2]
            let parents = Set(sample.rows.map(\.record.stat.parent))
            collapsed = Set(sample.rows.map(\.record.stat.pid).filter { parents.contains($0) && !heads.contains($0) })
        } else {
            collapsed = []
        }
        frozenUntil = -.infinity
        aim()
        arrange()
    }

    /// Escape takes back one thing at a time: the filter, the user, the tags.
    private mutating func release() -> [TopRequest] {
        if follows {
            follows = false
        } else if !tagged.isEmpty {
            tagged = []
        } else if filter != nil {
            choose { $0.filter = nil }
            return [.look]
        } else if user != options.user {
            choose { $0.user = $0.options.user }
        }
        return []
    }

    private mutating func find(_ digit: Character) {
        guard let value = digit.wholeNumberValue.flatMap({ Int32(exactly: $0) }) else { return }
        var number = value
        if let typed = typedNumber, now < typed.until, typed.value < 100_000_000 { number = typed.value * 10 + value }
        typedNumber = (number, now + TopState.typingSeconds)
        if let place = lines.firstIndex(where: { $0.row.number == number }) {
            moveCursor(to: place)
        } else {
            say("looking for process \(number)")
        }
    }

    private static let typingSeconds = 1.5
}
