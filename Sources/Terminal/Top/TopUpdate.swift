import Analysis
import Model
import Report

/// What events do: the state after them, and what is to be done by others.
extension TopState {
    /// - Parameter seconds: now, on a clock that never jumps.
    package mutating func update(_ event: InputEvent, at seconds: Double) -> [TopRequest] {
        now = seconds
        if let until = message?.until, now >= until { message = nil }
        switch event {
        case .key(let key): return press(key)
        case .paste(let text): return paste(text)
        case .mouse(let row, let column, let action): return mouse(row, column, action)
        case .resize(let rows, let columns):
            self.rows = max(1, rows)
            self.columns = max(1, columns)
            clampCursor()
            return []
        case .tick:
            let isStale =
                frozenUntil.isFinite && now >= frozenUntil
                || ghosts.contains { now - $0.since >= TopState.ghostSeconds }
            guard isStale else { return [] }
            if now >= frozenUntil { frozenUntil = -.infinity }
            ghosts.removeAll { now - $0.since >= TopState.ghostSeconds }
            arrange()
            return []
        }
    }

    private mutating func press(_ key: Key) -> [TopRequest] {
        switch mode {
        case .list: return pressInList(key)
        case .prompt(let prompt): return press(key, in: prompt)
        case .menu(let menu): return press(key, in: menu)
        case .renice(let renice): return press(key, in: renice)
        case .help(let scroll): return press(key, inHelpAt: scroll)
        }
    }

    private mutating func paste(_ text: String) -> [TopRequest] {
        guard case .prompt(var prompt) = mode else { return [] }
        prompt.append(text)
        return typed(prompt)
    }

    // MARK: - Lines that are typed

    private mutating func press(_ key: Key, in prompt: TopPrompt) -> [TopRequest] {
        var prompt = prompt
        switch key {
        case .character(let character): prompt.append(String(character))
        case .backspace:
            if prompt.text.isEmpty { return cancel(prompt) }
            prompt.removeLast()
        case .control("u"): prompt.text = ""
        case .control("w"):
            while prompt.text.last == " " { prompt.removeLast() }
            while let last = prompt.text.last, last != " " { prompt.removeLast() }
        case .function(3) where prompt.kind == .search, .down where prompt.kind == .search:
            find(prompt.text, after: cursor)
            return []
        case .enter, .function(10):
            guard prompt.error == nil else { return [] }
            mode = .list
            return []
        case .escape, .control("c"), .control("g"): return cancel(prompt)
        case .up, .down, .pageUp, .pageDown:
            mode = .list
            return pressInList(key)
        default: return []
        }
        return typed(prompt)
    }

    private mutating func cancel(_ prompt: TopPrompt) -> [TopRequest] {
        mode = .list
        guard prompt.kind == .filter else { return [] }
        choose { $0.filter = prompt.before }
        return [.look]
    }

    /// Each letter is taken up at once: a search moves the cursor, a condition changes what is shown as soon as it is one.
    private mutating func typed(_ prompt: TopPrompt) -> [TopRequest] {
        var prompt = prompt
        prompt.error = nil
        defer { mode = .prompt(prompt) }
        switch prompt.kind {
        case .search:
            search = prompt.text
            if !find(prompt.text, after: cursor - 1) { prompt.error = "not found" }
            return []
        case .filter:
            do throws(WhereError) {
                let filter = prompt.text.allSatisfy { $0 == " " } ? nil : try TopFilter(prompt.text)
                choose { $0.filter = filter }
            } catch {
                prompt.error = error.what
                return []
            }
            return [.look]
        }
    }

    /// The cursor goes to the next row whose command has the text in it, round the end.
    @discardableResult mutating func find(_ text: String, after row: Int) -> Bool {
        guard !text.isEmpty, !lines.isEmpty else { return true }
        for step in 1...lines.count {
            let place = (max(row, -1) + step) % lines.count
            guard TopFilter.contains(text, lines[place].row) else { continue }
            moveCursor(to: place)
            return true
        }
        return false
    }

    // MARK: - Menus and help

    private mutating func press(_ key: Key, in menu: TopMenu) -> [TopRequest] {
        var menu = menu
        if menu.takePriority(key) || menu.takeProcessor(key) {
            mode = .menu(menu)
            return []
        }
        switch key {
        case .up: menu.move(by: -1)
        case .down: menu.move(by: 1)
        case .pageUp: menu.move(by: -10)
        case .pageDown: menu.move(by: 10)
        case .home: menu.index = 0
        case .end: menu.index = max(menu.items.count - 1, 0)
        case .enter:
            if let processors = menu.processors { return agree(processors) }
            return choose(menu)
        case .character(" ") where menu.isOfColumns: return choose(menu)
        case .function(7) where menu.isOfColumns, .left where menu.isOfColumns: return shiftColumn(menu, by: -1)
        case .function(8) where menu.isOfColumns, .right where menu.isOfColumns: return shiftColumn(menu, by: 1)
        case .escape, .function(10), .control("c"), .control("g"), .character("q"), .function(2):
            mode = .list
            return menu.isOfColumns ? [.save(settings)] : []
        case .character(let letter): if !menu.items.isEmpty { menu.jump(to: letter) }
        default: break
        }
        mode = .menu(menu)
        return []
    }

    mutating func choose(_ menu: TopMenu) -> [TopRequest] {
        guard menu.items.indices.contains(menu.index) else { return [] }
        let item = menu.items[menu.index]
        mode = .list
        switch menu.kind {
        case .sort: return sort(by: item.key)
        case .user:
            choose { $0.user = UInt32(item.key) }
            return []
        case .columns:
            var names = settings.columns
            if item.state == .on { names.removeAll { $0 == item.key } } else { names.append(item.key) }
            settings.setColumns(names)
            var next = TopMenu.columns(settings)
            next.index = next.items.firstIndex { $0.key == item.key } ?? menu.index
            mode = .menu(next)
            return [.look]
        case .ioPriority(let targets): return [.setIOPriority(targets, IOPriority.all[menu.index])]
        case .policy(let targets):
            return [.setPolicy(targets, ThreadPolicy(TopMenu.policyKinds[menu.index], priority: menu.priority))]
        case .processors:
            var menu = menu
            menu.toggleProcessor()
            mode = .menu(menu)
            return []
        }
    }

    /// Enter in the menu of processors.
    private mutating func agree(_ processors: TopProcessors) -> [TopRequest] {
        guard case .menu(let menu) = mode, case .processors(let targets) = menu.kind, processors.isPossible else {
            return []
        }
        mode = .list
        if processors.change.isEmpty {
            say("nothing was changed")
            return []
        }
        return [.setProcessors(targets, processors.change)]
    }

    private mutating func press(_ key: Key, in question: TopRenice) -> [TopRequest] {
        var question = question
        switch key {
        case .function(7), .character("]"), .character("-"), .down, .left: question.move(by: -1)
        case .function(8), .character("["), .character("+"), .up, .right: question.move(by: 1)
        case .enter, .character("y"):
            mode = .list
            return question.step == 0 ? [] : [.renice(question.targets, by: question.step)]
        default:
            mode = .list
            return []
        }
        mode = .renice(question)
        return []
    }

    private mutating func shiftColumn(_ menu: TopMenu, by count: Int) -> [TopRequest] {
        let place = menu.index + count
        guard settings.columns.indices.contains(menu.index), settings.columns.indices.contains(place) else { return [] }
        settings.columns.swapAt(menu.index, place)
        var next = TopMenu.columns(settings)
        next.index = place
        mode = .menu(next)
        return []
    }

    private mutating func press(_ key: Key, inHelpAt scroll: Int) -> [TopRequest] {
        let most = max(0, TopHelp.shown(columns: columns).count - (rows - 2))
        switch key {
        case .up: mode = .help(scroll: max(0, scroll - 1))
        case .down: mode = .help(scroll: min(most, scroll + 1))
        case .pageDown, .character(" "): mode = .help(scroll: min(most, scroll + rows - 3))
        case .pageUp: mode = .help(scroll: max(0, scroll - rows + 3))
        default: mode = .list
        }
        return []
    }
}
