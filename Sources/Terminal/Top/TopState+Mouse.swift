import Report

/// What a click means depends on what is drawn there.
extension TopState {
    mutating func mouse(_ row: Int, _ column: Int, _ action: MouseAction) -> [TopRequest] {
        switch (mode, action) {
        case (.list, .wheelUp): scroll(by: -TopState.wheelRows)
        case (.list, .wheelDown): scroll(by: TopState.wheelRows)
        case (.menu(var menu), .wheelUp), (.menu(var menu), .wheelDown):
            menu.move(by: action == .wheelUp ? -TopState.wheelRows : TopState.wheelRows)
            mode = .menu(menu)
        case (.help, _): return update(.key(action == .wheelUp ? .up : action == .wheelDown ? .down : .escape), at: now)
        case (.menu(let menu), .press): return press(menu, row, column)
        case (.list, .press): return press(row, column)
        case (.list, .right):
            guard place(of: row) != nil else { break }
            _ = press(row, column)
            return update(.key(.function(9)), at: now)
        default: break
        }
        return []
    }

    private static let wheelRows = 3

    private mutating func scroll(by count: Int) {
        top += count
        moveCursor(to: cursor + count)
    }

    /// The line of the table in a row of the screen.
    private func place(of row: Int) -> Int? {
        let place = top + row - meterHeight - 1
        return row > meterHeight && row < rows - footerHeight && lines.indices.contains(place) ? place : nil
    }

    private mutating func press(_ row: Int, _ column: Int) -> [TopRequest] {
        if row == rows - 1 {
            guard let key = TopKeys.key(at: column, columns: columns) else { return [] }
            return update(.key(key), at: now)
        }
        if row == 0, let tab = TopMeters(self).tabs.first(where: { $0.columns.contains(column) }) {
            return show(tab.screen)
        }
        if row == meterHeight {
            guard let field = TopColumns(self).field(at: column) else { return [] }
            return sort(by: field.key)
        }
        guard let place = place(of: row) else { return [] }
        // A second click on the row of the cursor looks closer.
        if place == cursor, aimed == lines[place].key { return update(.key(.enter), at: now) }
        moveCursor(to: place)
        return []
    }

    private mutating func press(_ menu: TopMenu, _ row: Int, _ column: Int) -> [TopRequest] {
        let first = meterHeight + 1
        let height = rows - first - 1
        let place = menu.top(height: height) + row - first
        guard column < TopMenu.width, row >= first, row < rows - 1, menu.items.indices.contains(place) else {
            mode = .list
            return []
        }
        var menu = menu
        menu.index = place
        return choose(menu)
    }
}
