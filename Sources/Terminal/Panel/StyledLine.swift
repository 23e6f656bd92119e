import Report

/// A line of a report with what it marks as strong or faint (`TextStyle`), which it does by the sequences of ECMA-48, 8.3.117.
struct StyledLine: Hashable, Sendable {
    struct Part: Hashable, Sendable {
        var text: String
        var style: CellStyle
    }

    private(set) var parts: [Part] = []

    /// Any other sequence is left out; a report has none.
    init(_ line: String) {
        var style = CellStyle.normal
        var rest = line[...]
        while let start = rest.firstIndex(of: "\u{1b}") {
            append(rest[..<start], style)
            rest = rest[rest.index(after: start)...]
            guard rest.first == "[" else { continue }
            let parameters = rest.dropFirst().prefix { $0.isNumber || $0 == ";" }
            rest = rest[parameters.endIndex...].dropFirst()
            switch parameters {
            case "", "0": style = .normal
            case "1": style = .strong
            case "2": style = .dim
            default: break
            }
        }
        append(rest, style)
    }

    private mutating func append(_ text: some StringProtocol, _ style: CellStyle) {
        if let last = parts.indices.last, parts[last].style == style {
            parts[last].text += text
        } else if !text.isEmpty {
            parts.append(Part(text: String(text), style: style))
        }
    }

    /// In lines of so many cells, broken between words where that can be, else within one.
    func wrapped(to width: Int) -> [StyledLine] {
        guard width > 0, self.width > width else { return [self] }
        var lines = [StyledLine("")]
        var used = 0
        // What follows the last blank: a word goes on in the next part, in another style.
        var word = StyledLine("")
        var wordCells = 0
        for part in parts {
            for character in TerminalText.escaped(part.text) {
                let cells = TerminalText.width(character)
                if character == " " {
                    lines[lines.count - 1].parts += word.parts
                    used += wordCells
                    (word, wordCells) = (StyledLine(""), 0)
                    if used < width { lines[lines.count - 1].append(" ", part.style) }
                    used += 1
                    continue
                }
                if used + wordCells > 0, used + wordCells + cells > width {
                    if used == 0 {
                        lines[lines.count - 1].parts += word.parts
                        (word, wordCells) = (StyledLine(""), 0)
                    }
                    lines.append(StyledLine(""))
                    used = 0
                }
                word.append(String(character), part.style)
                wordCells += cells
            }
        }
        lines[lines.count - 1].parts += word.parts
        return lines
    }

    var text: String { parts.reduce("") { $0 + $1.text } }

    var width: Int { parts.reduce(0) { $0 + TerminalText.width(TerminalText.escaped($1.text)) } }
}

extension Frame {
    /// The line from its cell `left` on; marked at the edges where there is more.
    mutating func write(_ line: StyledLine, row: Int, column start: Int = 0, left: Int = 0) {
        var column = start
        var skip = left
        for part in line.parts where column < columns {
            var text = TerminalText.escaped(part.text)[...]
            while skip > 0, let character = text.popFirst() { skip -= TerminalText.width(character) }
            column = write(String(text), row: row, column: column, style: part.style)
        }
        if left > 0, column > start { write("<", row: row, column: start, style: .dim) }
        if line.width - left > columns - start { write("…", row: row, column: columns - 1, style: .dim) }
    }

    /// Keys and what they do, as htop has them in its last line; what does not fit is left out.
    package mutating func writeKeys(_ keys: [(key: String, label: String)], row: Int, column: Int = 0) {
        var column = column
        for (key, label) in keys {
            let width = TerminalText.width(key) + TerminalText.width(label) + 3
            guard column + width - 1 <= columns else { break }
            column = write(key, row: row, column: column, style: .strong)
            column = write(" \(label) ", row: row, column: column, style: .header) + 1
        }
    }
}
