extension Frame {
    /// The same for a terminal that shows nothing but ASCII: lines and bars by what looks like them, other characters as `?`.
    package var ascii: Frame {
        guard cells.contains(where: { !$0.character.isASCII }) else { return self }
        var result = self
        for row in 0..<rows {
            for column in 0..<columns {
                let cell = self[row, column]
                guard !cell.character.isASCII else { continue }
                let stand = Frame.standIns[cell.character] ?? "?"
                // A wide one takes two.
                result.write(
                    String(repeating: stand, count: Int(cell.width)), row: row, column: column, style: cell.style)
            }
        }
        return result
    }

    private static let standIns: [Character: Character] = [
        "│": "|", "─": "-", "├": "|", "└": "`", "┌": ".", "┐": ".", "┘": "'", "┤": "|", "┬": "-", "┴": "-", "┼": "+",
        "╭": ".", "╮": ".", "╰": "`", "╯": "'", "…": "~", "▁": "_", "▂": ".", "▃": "-", "▄": "-", "▅": "=", "▆": "+",
        "▇": "#", "█": "#", "░": ".", "▒": ":", "▓": "#", "▌": "#", "▐": "#", "■": "#", "□": ".", "▲": "^", "▼": "v",
        "△": "^", "▽": "v", "▸": ">", "▾": "v", "►": ">", "●": "*", "○": "o", "•": "*", "·": ".", "→": ">", "←": "<",
        "↑": "^", "↓": "v", "✓": "y", "×": "x", "±": "+", "µ": "u", "–": "-", "—": "-", "’": "'", "°": "o",
    ]
}
