import Report

/// What the screen shows: a grid of cells. A value, made anew for each look at the state; `TerminalSession` draws what differs.
package struct Frame: Hashable, Sendable {
    package let rows: Int
    package let columns: Int
    /// Row by row.
    package private(set) var cells: [Cell]
    /// Where the terminal's own cursor stands, in a line that is typed; nil hides it.
    package var cursor: Position?

    package struct Position: Hashable, Sendable {
        package var row: Int
        package var column: Int

        package init(row: Int, column: Int) {
            self.row = row
            self.column = column
        }
    }

    /// A terminal that claims more is shown as much of.
    package static let rowLimit = 512
    package static let columnLimit = 1024

    package init(rows: Int, columns: Int) {
        self.rows = min(max(rows, 1), Frame.rowLimit)
        self.columns = min(max(columns, 1), Frame.columnLimit)
        cells = Array(repeating: .blank, count: self.rows * self.columns)
    }

    /// The cell of a row and a column from 0, which must be within.
    package subscript(row: Int, column: Int) -> Cell {
        precondition((0..<rows).contains(row) && (0..<columns).contains(column), "outside of the frame")
        return cells[row * columns + column]
    }

    /// Writes a text that may be hostile: escaped, and cut by its cells with an ellipsis at `width` or the frame's edge.
    /// Anything outside of the frame is left out.
    /// - Returns: the column behind the text.
    @discardableResult
    package mutating func write(
        _ text: String, row: Int, column: Int, style: CellStyle = .normal, width: Int? = nil
    ) -> Int {
        guard (0..<rows).contains(row), (0..<columns).contains(column) else { return column }
        let room = min(width ?? .max, columns - column)
        guard room > 0 else { return column }
        var end = column
        for character in TerminalText.cut(TerminalText.escaped(text), to: room) {
            guard let cell = Cell(character, style: style) else { continue }
            place(cell, row, end)
            end += Int(cell.width)
        }
        return end
    }

    /// The same with the text's end at `column + width`; a text that is too long loses its end.
    package mutating func writeRight(
        _ text: String, row: Int, column: Int, style: CellStyle = .normal, width: Int
    ) {
        let blanks = max(0, width - TerminalText.width(TerminalText.escaped(text)))
        write(text, row: row, column: column + blanks, style: style, width: width - blanks)
    }

    /// Gives the cells of a row another look, and leaves what they show.
    package mutating func restyle(row: Int, columns range: Range<Int>? = nil, _ change: (inout CellStyle) -> Void) {
        guard (0..<rows).contains(row) else { return }
        for column in (range ?? 0..<columns).clamped(to: 0..<columns) { change(&cells[row * columns + column].style) }
    }

    /// Blank cells of one look.
    package mutating func clear(rows area: Range<Int>, columns range: Range<Int>? = nil, style: CellStyle = .normal) {
        for row in area.clamped(to: 0..<rows) {
            for column in (range ?? 0..<columns).clamped(to: 0..<columns) { place(.blank(style), row, column) }
        }
    }

    /// Text alone: for golden tests and `--once`. No blanks at the ends of lines.
    package var text: String {
        var result = ""
        for row in 0..<rows {
            var line = ""
            for cell in cells[row * columns..<(row + 1) * columns] where cell.width > 0 { line.append(cell.character) }
            while line.last == " " { line.removeLast() }
            result += line + "\n"
        }
        return result
    }

    /// What stood half under the cell goes as a whole: half a wide character cannot be drawn.
    private mutating func place(_ cell: Cell, _ row: Int, _ column: Int) {
        let index = row * columns + column
        let width = Int(cell.width)
        guard column + width <= columns else { return }
        if cells[index].width == 0, column > 0 { cells[index - 1] = .blank(cells[index - 1].style) }
        if column + width < columns, cells[index + width].width == 0 {
            cells[index + width] = .blank(cells[index + width].style)
        }
        cells[index] = cell
        if width == 2 { cells[index + 1] = .secondHalf(cell.style) }
    }
}
