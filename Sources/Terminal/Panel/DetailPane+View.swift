import Model
import Report

extension DetailPane {
    /// Fills the frame.
    /// - Parameter summary: how the process is at this moment, for the bar at the top.
    func draw(on frame: inout Frame, summary: String) {
        frame.clear(rows: 0..<frame.rows)
        frame.clear(rows: 0..<1, style: .header)
        var end = frame.write(" \(target)  ", row: 0, column: 0, style: CellStyle(.header, bold: true))
        if let thread {
            end = frame.write("the process of thread \(thread.pid)  ", row: 0, column: end, style: .header)
        }
        frame.write(summary, row: 0, column: end, style: .header)
        for (tab, label, columns) in places(frame.columns) {
            frame.write(label, row: 1, column: columns.lowerBound, style: tab == self.tab ? .selected : .dim)
        }
        let room = max(0, frame.rows - DetailPane.margin)
        let texts = shownLines
        let wrapped = tab.isWrapped ? wrapped(texts, to: frame.columns) : nil
        let count = wrapped?.count ?? texts.count
        // The screen may have become wider than where it was left.
        let top = tab.isWrapped ? max(0, min(page.top, count - room)) : page.top
        let lines =
            wrapped?.dropFirst(top).prefix(room) ?? texts.dropFirst(top).prefix(room).map { StyledLine($0) }[...]
        for (row, line) in lines.enumerated() {
            frame.write(line, row: row + 2, left: tab.isWrapped ? 0 : page.left)
            if let found, found == top + row { frame.restyle(row: row + 2) { $0.color = .selected } }
        }
        if count > room { writePlace(top, of: count, room: room, on: &frame) }
        if let prompt {
            draw(prompt, in: &frame)
        } else {
            frame.writeKeys(keys(count > room), row: frame.rows - 1)
        }
    }

    private func draw(_ prompt: TopPrompt, in frame: inout Frame) {
        let row = frame.rows - 1
        frame.clear(rows: row..<row + 1, style: .header)
        let start = frame.write("Find: ", row: row, column: 0, style: .header)
        // The end of a long text is what is being typed.
        let text = TerminalText.escaped(prompt.text).suffix(max(1, frame.columns - start - 1))
        let end = frame.write(String(text), row: row, column: start, style: .header)
        frame.cursor = Frame.Position(row: row, column: min(end, frame.columns - 1))
        if let error = prompt.error {
            frame.write(error, row: row, column: end + 2, style: CellStyle(.header, bold: true))
        }
    }

    private var shownLines: [String] {
        switch page.phase {
        case .empty where isReadOnly && tab.isCostly:
            return [
                "This screen is read-only, and a look into memory stops \(target) for some milliseconds.", "",
                "Elsewhere: nusu \(command(tab))",
            ]
        case .empty: return []
        case .looking(let isPlan, let progress):
            let doing =
                progress.isEmpty ? isPlan ? "Asking what a look would cost …" : "nusu \(command(tab)) …" : progress
            // What was read before stands until the new comes; below a plan stands what became of it.
            if page.lines.isEmpty { return [doing] }
            return tab.isCostly ? page.lines + ["", doing] : page.lines
        case .planned:
            return page.lines + ["", "\u{1b}[1mEnter: look now.\u{1b}[0m It is what nusu \(command(tab)) does."]
        case .refused: return page.lines + ["", "\u{1b}[1mEnter: what can be seen without such a look.\u{1b}[0m"]
        case .looked: return page.lines
        }
    }

    /// At the end of the bar, over what stands there: "24-46 of 208".
    private func writePlace(_ top: Int, of count: Int, room: Int, on frame: inout Frame) {
        let text = "  \(top + 1)-\(min(top + room, count)) of \(count) "
        frame.write(text, row: 0, column: max(0, frame.columns - text.count), style: .header)
    }

    private func keys(_ isLong: Bool) -> [(key: String, label: String)] {
        var keys = [("Esc", "back"), ("←→", "page")]
        if case .looking = page.phase, !page.lines.isEmpty, !tab.isCostly { keys.append(("", "reading …")) }
        if page.phase == .planned { keys.append(("Enter", "look now")) }
        if page.phase == .refused { keys.append(("Enter", "what can be seen")) }
        if isLong { keys += [("↑↓", "scroll"), ("/", "find")] + (tab.isWrapped ? [] : [("<>", "sideways")]) }
        if page.phase == .looked { keys.append(("r", "again")) }
        if !isReadOnly { keys.append(("k", "send a signal")) }
        return keys.map { (key: $0.0, label: $0.1) }
    }
}
