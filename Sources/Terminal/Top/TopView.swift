import Analysis
import Model
import Report

/// What the screen shows of a state: a pure function.
extension TopState {
    package var frame: Frame {
        var frame = Frame(rows: rows, columns: columns)
        TopMeters(self).draw(in: &frame)
        switch mode {
        case .help(let scroll): draw(helpAt: scroll, in: &frame)
        case .list, .prompt, .renice: drawTable(TopColumns(self).places, in: &frame)
        case .menu(let menu):
            drawTable(placesBeside(menu), in: &frame)
            draw(menu, in: &frame)
        }
        drawFoot(in: &frame)
        return frame
    }

    // MARK: - The table

    private func drawTable(_ places: [TopColumns.Place], in frame: inout Frame) {
        drawTitles(places, in: &frame)
        for (offset, line) in lines.dropFirst(top).prefix(listHeight).enumerated() {
            draw(line, places, row: meterHeight + 1 + offset, isCursor: top + offset == cursor, in: &frame)
        }
        if lines.isEmpty, sample != nil {
            frame.write("no process fits", row: meterHeight + 1, column: 0, style: .dim)
        }
    }

    private func drawTitles(_ places: [TopColumns.Place], in frame: inout Frame) {
        let row = meterHeight
        guard row < rows else { return }
        frame.clear(rows: row..<row + 1, style: .header)
        let sort = settings.isTree ? treeSort?.field.key : settings.sort
        let descending = settings.isTree ? treeSort?.descending ?? false : settings.descending
        for place in places {
            let isSorted = place.field.key == sort
            let style = CellStyle(isSorted ? .sorted : .header, bold: isSorted)
            var title = place.field.columnTitle
            if isSorted, title.count < place.width { title += descending ? "▼" : "▲" }
            if place.field.isRight {
                frame.writeRight(title, row: row, column: place.column, style: style, width: place.width)
            } else {
                frame.write(title, row: row, column: place.column, style: style, width: place.width)
            }
        }
    }

    private func draw(
        _ line: TopLine, _ places: [TopColumns.Place], row: Int, isCursor: Bool, in frame: inout Frame
    ) {
        let base: CellStyle =
            tagged.contains(line.key)
            ? CellStyle(.tagged) : line.isGhost || line.isContext || line.isRemainder ? .dim : .normal
        for place in places {
            if line.isRemainder, !["pid", "pcpu", "args", "comm"].contains(place.field.key) { continue }
            if place.field.key == "args" || place.field.key == "comm" {
                drawCommand(line, place, base, row, in: &frame)
                continue
            }
            let text = place.field.liveText(line.row)
            let style = base == .normal ? TopState.style(place.field, line.row, text) : base
            if place.field.isRight {
                frame.writeRight(text, row: row, column: place.column, style: style, width: place.width)
            } else {
                frame.write(text, row: row, column: place.column, style: style, width: place.width)
            }
        }
        if isCursor, !options.isStill { frame.restyle(row: row) { $0.color = .selected } }
    }

    private static func style(_ field: ProcessField, _ row: ProcessRow, _ text: String) -> CellStyle {
        switch field.key {
        case "s":
            switch text {
            case "R": .good
            case "D", "Z", "X": .critical
            case "T", "t": .warning
            default: .dim
            }
        case "iorate", "readrate", "writerate", "iodelay", "swapdelay":
            ["0", "0.0", "-"].contains(text) ? .dim : .normal
        case "pcpu": row.rates?.cpuPercent ?? 0 >= 10 ? .strong : .normal
        case "user", "tty": .dim
        default: .normal
        }
    }

    /// The branch of the tree, the program's name standing out, what its short-lived children did, and its arguments.
    private func drawCommand(
        _ line: TopLine, _ place: TopColumns.Place, _ base: CellStyle, _ row: Int, in frame: inout Frame
    ) {
        let edge = place.column + place.width
        var column = place.column
        func write(_ text: String, _ style: CellStyle) {
            guard column < edge else { return }
            column = frame.write(text, row: row, column: column, style: style, width: edge - column)
        }
        write(line.branch, .dim)
        if line.hidden > 0 { write("(+\(line.hidden)) ", .accent) }
        let command = TopCommand(
            line.row, isWhole: place.field.key == "args", hasPath: settings.programPaths, shift: shift, limit: columns)
        let isPlain = base == .normal && !line.row.isKernelThread
        if line.row.isThread {
            write(command.name, base == .normal ? .normal : base)
            // In the tree it stands below its process.
            guard line.branch.isEmpty, let process = sample?.process(line.row.processID)?.record.identity else {
                return
            }
            write("  of \(process)", .dim)
            return
        }
        write(command.path, isPlain ? .dim : base)
        write(command.name, isPlain ? .accent : base == .normal ? .dim : base)
        if let note = TopState.note(line.row) { write(" " + note, CellStyle(.warning)) }
        write(command.rest, base == .normal && !isPlain ? .dim : base)
    }

    /// "+12 children 61 % (cc1,as)".
    private static func note(_ row: ProcessRow) -> String? {
        guard let share = row.rates?.shortLived, share.cpuPercent >= 1 else { return nil }
        let names = share.names.prefix(2).map { String(decoding: $0.commandBytes, as: UTF8.self) }
        let count = share.count.flatMap { $0 > 0 ? $0 : nil }
        let children = count.map { Units.counted($0, "child", plural: "children") } ?? "children"
        let list = names.isEmpty ? "" : " (\(names.joined(separator: ",")))"
        return "+\(children) \(Int(min(share.cpuPercent, 1e9).rounded())) %\(list)"
    }

    // MARK: - Menus, help, foot

    /// Beside a menu the table is a narrower one. Where columns are chosen they stand where they will be, and where there is no room
    /// for a table the menu covers it; what it would cover in part is left out, and the command begins behind it.
    private func placesBeside(_ menu: TopMenu) -> [TopColumns.Place] {
        let edge = TopMenu.width + 1
        if !menu.isOfColumns, columns - edge >= TopState.tableLeast { return TopColumns(self, from: edge).places }
        return TopColumns(self).places.compactMap { place in
            if place.column >= edge { return place }
            let left = place.column + place.width - edge
            guard place.field.isOpen, left > 0 else { return nil }
            return TopColumns.Place(field: place.field, column: edge, width: left)
        }
    }

    private static let tableLeast = 36

    private func draw(_ menu: TopMenu, in frame: inout Frame) {
        let width = min(TopMenu.width, columns)
        let first = meterHeight + 1
        let height = rows - first - 1
        guard height > 0 else { return }
        frame.clear(rows: (first - 1)..<(rows - 1), columns: 0..<min(width + 1, columns))
        frame.clear(rows: (first - 1)..<first, columns: 0..<width, style: .header)
        frame.write(menu.title, row: first - 1, column: 0, style: .header, width: width)
        let top = menu.top(height: height)
        let cores = menu.processors == nil ? [] : sample?.meters.cores ?? []
        for (offset, item) in menu.items.dropFirst(top).prefix(height).enumerated() {
            frame.write(
                (item.state?.mark ?? "") + item.label, row: first + offset, column: 0,
                style: item.state == TopMenu.Switch.none ? .dim : .normal, width: width)
            if item.state != TopMenu.Switch.none, let core = cores.first(where: { "\($0.number)" == item.key }) {
                // Who chooses wants to know which of them has time.
                let busy = "\(TopMeters.percent(core.use.busy)) busy"
                frame.writeRight(busy, row: first + offset, column: 8, style: .dim, width: max(0, width - 9))
            }
            if top + offset == menu.index {
                frame.restyle(row: first + offset, columns: 0..<width) { $0 = .selected }
            }
        }
    }

    private func draw(helpAt scroll: Int, in frame: inout Frame) {
        frame.clear(rows: 0..<rows - 1)
        frame.write("nusu top: all keys", row: 0, column: 0, style: .strong)
        let lines = TopHelp.shown(columns: columns)
        let room = max(0, rows - 2)
        for (offset, line) in lines.dropFirst(min(scroll, max(0, lines.count - room))).prefix(room).enumerated() {
            frame.write(line, row: 1 + offset, column: 0)
            if !line.hasPrefix(" ") {
                frame.restyle(row: 1 + offset, columns: 0..<min(TopHelp.labelWidth, columns)) { $0 = .accent }
            }
        }
    }

    /// The question, in the last line; what it means is left out first where there is no room.
    private func draw(_ renice: TopRenice, in frame: inout Frame) {
        let row = rows - 1
        let (longKeys, shortKeys) = ("Enter sets it, F7 F8 change it, Esc", "Enter, Esc")
        let whole = renice.question()
        let keys = whole.count + longKeys.count + 3 <= columns ? longKeys : shortKeys
        let question = whole.count + shortKeys.count + 3 <= columns ? whole : renice.question(isShort: true)
        frame.clear(rows: row..<row + 1, style: .header)
        var end = frame.write(
            question, row: row, column: 0, style: CellStyle(.header, bold: true),
            width: max(1, columns - keys.count - 3))
        let effect = ", \(renice.effect)"
        if end + effect.count + keys.count + 3 <= columns {
            end = frame.write(effect, row: row, column: end, style: .header)
        }
        frame.write(keys, row: row, column: end + 3, style: .header)
    }

    private func drawFoot(in frame: inout Frame) {
        guard !options.isStill, rows > 1 else { return }
        let row = rows - 1
        if showsHint, case .list = mode {
            frame.write(TopHelp.hint, row: row - 1, column: 0, style: .accent)
        }
        switch mode {
        case .prompt(let prompt):
            frame.clear(rows: row..<row + 1, style: .header)
            var end = frame.write(
                prompt.kind == .search ? "Find: " : "Filter: ", row: row, column: 0, style: .header)
            // The end of a long text is what is being typed.
            let room = max(1, columns - end - 1)
            let text = TerminalText.escaped(prompt.text)
            end = frame.write(String(text.suffix(room)), row: row, column: end, style: .header)
            frame.cursor = Frame.Position(row: row, column: min(end, columns - 1))
            if let error = prompt.error {
                frame.write(error, row: row, column: end + 2, style: CellStyle(.header, bold: true))
            }
        case .menu(let menu):
            frame.clear(rows: row..<row + 1, style: .header)
            let explanation = menu.items.indices.contains(menu.index) ? menu.items[menu.index].explanation : ""
            let line = "\(menu.keys)   \(explanation)"
            // What is going to be changed says more than the keys.
            frame.write(
                menu.isChange && line.count > columns ? explanation : line, row: row, column: 0, style: .header)
        case .renice(let renice):
            draw(renice, in: &frame)
        case .help:
            frame.write("arrows scroll, any other key goes back", row: row, column: 0, style: .dim)
        case .list:
            if let message {
                frame.write(message.text, row: row, column: 0, style: .strong)
            } else {
                TopKeys.draw(in: &frame, row: row)
            }
        }
    }
}
