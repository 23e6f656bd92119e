/// From one frame to the next: the bytes that make a terminal show the second where it shows the first.
struct FramePainter {
    private let capabilities: TerminalCapabilities
    private let isUTF8: Bool
    var theme: Theme { didSet { forget() } }
    /// What the terminal shows; nil where that is not known.
    private var shown: Frame?
    /// Sequences for styles, each made once.
    private var looks: [CellStyle: String] = [:]

    init(_ capabilities: TerminalCapabilities, theme: Theme, isUTF8: Bool) {
        self.capabilities = capabilities
        self.theme = theme
        self.isUTF8 = isUTF8
    }

    /// The next frame is drawn whole: the terminal has another size, or something else has written to it.
    mutating func forget() {
        shown = nil
        looks = [:]
    }

    /// A few cells that stand already cost less than the way around them.
    private static let gap = 4

    mutating func paint(_ frame: Frame) -> [UInt8] {
        let frame = isUTF8 ? frame : frame.ascii
        var output = ""
        var before = shown
        if before?.rows != frame.rows || before?.columns != frame.columns {
            output += capabilities.reset + capabilities.clear
            before = Frame(rows: frame.rows, columns: frame.columns)
        }
        var pen = Pen()
        for row in 0..<frame.rows {
            guard let before, let changed = FramePainter.changed(before, frame, row: row) else { continue }
            var column = changed.lowerBound
            while column < changed.upperBound {
                // From here to where enough cells are alike.
                var end = column
                var alike = 0
                while end < changed.upperBound, alike <= FramePainter.gap {
                    alike = before[row, end] == frame[row, end] ? alike + 1 : 0
                    end += 1
                }
                draw(frame, row, column..<(end - alike), &pen, &output)
                column = end
                while column < changed.upperBound, before[row, column] == frame[row, column] { column += 1 }
            }
        }
        if !output.isEmpty, pen.style != nil { output += capabilities.reset }
        output += cursor(of: frame, hasMoved: !output.isEmpty)
        shown = frame
        return Array(output.utf8)
    }

    /// What is being written, and where: nil for what is not known.
    private struct Pen {
        var row: Int?
        var column = 0
        var style: CellStyle?
    }

    private mutating func draw(
        _ frame: Frame, _ row: Int, _ range: Range<Int>, _ pen: inout Pen, _ output: inout String
    ) {
        var column = range.lowerBound
        // The second half of a wide character is drawn with the first.
        if frame[row, column].width == 0, column > 0 { column -= 1 }
        while column < range.upperBound {
            let cell = frame[row, column]
            let isCorner = row == frame.rows - 1 && column + Int(cell.width) >= frame.columns
            guard cell.width > 0, !isCorner || capabilities.hasDelayedWrap else {
                column += 1
                continue
            }
            if pen.row != row || pen.column != column { output += capabilities.move(row: row, column: column) }
            if pen.style != cell.style {
                output += sequence(cell.style)
                pen.style = cell.style
            }
            output.append(cell.character)
            column += Int(cell.width)
            // Terminals do not agree on the width of all that is not plain, nor where they are behind the last column.
            pen.row = FramePainter.isPlain(cell.character) && column < frame.columns ? row : nil
            pen.column = column
        }
    }

    private func cursor(of frame: Frame, hasMoved: Bool) -> String {
        guard hasMoved || shown?.cursor != frame.cursor else { return "" }
        guard let cursor = frame.cursor, (0..<frame.rows).contains(cursor.row),
            (0..<frame.columns).contains(cursor.column)
        else {
            return shown != nil && shown?.cursor == nil ? "" : capabilities.hideCursor
        }
        return capabilities.move(row: cursor.row, column: cursor.column) + capabilities.showCursor
    }

    private mutating func sequence(_ style: CellStyle) -> String {
        if let known = looks[style] { return known }
        let look = theme.look(style)
        var text = capabilities.reset
        // Before the attributes: some terminals take a colour for an end of bold.
        if let color = look.foreground { text += capabilities.foreground(fitting(color)) }
        if let color = look.background { text += capabilities.background(fitting(color)) }
        if look.bold { text += capabilities.bold }
        if look.dim { text += capabilities.dim }
        if look.reverse { text += capabilities.reverse }
        if look.underline { text += capabilities.underline }
        looks[style] = text
        return text
    }

    private func fitting(_ color: Int) -> Int { capabilities.colors < 16 && color < 16 ? color & 7 : color }

    /// The columns of a row from its first to its last difference.
    private static func changed(_ before: Frame, _ frame: Frame, row: Int) -> Range<Int>? {
        let columns = 0..<frame.columns
        guard let first = columns.first(where: { before[row, $0] != frame[row, $0] }),
            let last = columns.last(where: { before[row, $0] != frame[row, $0] })
        else { return nil }
        return first..<last + 1
    }

    private static func isPlain(_ character: Character) -> Bool {
        if character.isASCII { return true }
        let scalars = character.unicodeScalars
        // Latin letters; lines, blocks and shapes that every font for terminals has in one cell.
        return scalars.count == 1
            && scalars.allSatisfy { (0xa0..<0x300).contains($0.value) || (0x2500..<0x2600).contains($0.value) }
    }
}
