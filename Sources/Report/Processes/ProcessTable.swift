/// Rows of processes under titles, laid out as ps does it: a text that is wider than its column pushes what follows to the
/// right only as far as it must.
package struct ProcessTable: Sendable {
    private let columns: [ProcessColumn]
    private let widths: [Int]

    package init(_ columns: [ProcessColumn], _ context: ProcessContext) {
        self.columns = columns
        widths = columns.map { $0.width(context) }
    }

    /// - Parameter hasTitles: with a first line of titles, unless all of them are empty.
    package func text(_ rows: [ProcessRow], hasTitles: Bool, _ style: TextStyle) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(rows.count * 120)
        if hasTitles, columns.contains(where: { !$0.title.isEmpty }) { append(columns.map(\.title), to: &bytes, style) }
        for row in rows { append(columns.map { $0.field.text(row) }, to: &bytes, style) }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func append(_ texts: [String], to bytes: inout [UInt8], _ style: TextStyle) {
        // Where the line is, and where its column begins.
        var actual = 0
        var correct = 0
        let start = bytes.count
        for (number, text) in texts.enumerated() {
            let isLast = number == texts.count - 1
            let shown = fitted(text, number, isLast: isLast)
            let cells = ProcessTable.cells(shown)
            let lead = columns[number].field.alignment == .right ? max(0, widths[number] - cells) : 0
            let gap = max(correct - actual + lead, number == 0 ? 0 : 1)
            if !(isLast && shown.isEmpty) { bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: gap)) }
            bytes.append(contentsOf: shown.utf8)
            actual += gap + cells
            correct += widths[number] + 1
        }
        if let width = style.width, actual > width {
            let line = TerminalText.cut(String(decoding: bytes[start...], as: UTF8.self), to: width)
            bytes.replaceSubrange(start..., with: line.utf8)
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Only the last column may be as long as it likes, and numbers are never cut.
    private func fitted(_ text: String, _ number: Int, isLast: Bool) -> String {
        let width = widths[number]
        switch columns[number].field.alignment {
        case .left, .right: return text
        case .name:
            guard ProcessTable.cells(text) > width else { return text }
            return ProcessTable.prefix(text, width - 1) + "+"
        case .open: return isLast || ProcessTable.cells(text) <= width ? text : ProcessTable.prefix(text, width)
        }
    }

    private static func prefix(_ text: String, _ width: Int) -> String {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return String(text.prefix(max(width, 0))) }
        var result = ""
        for character in text {
            guard TerminalText.width(result) + TerminalText.width(String(character)) <= width else { break }
            result.append(character)
        }
        return result
    }

    /// Cells of a text; nearly all of them are ASCII.
    private static func cells(_ text: String) -> Int {
        text.utf8.allSatisfy { $0 < 0x80 } ? text.utf8.count : TerminalText.width(text)
    }
}
