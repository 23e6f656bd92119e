/// How text is shaped for where it goes: a terminal has a width and perhaps colours, a file or pipe has neither.
package struct TextStyle: Hashable, Sendable {
    package var isTerminal: Bool
    /// Cells of a line; nil where nothing may be cut.
    package var width: Int?
    package var color: Bool
    /// Whether bars may be drawn with block characters; else they are ASCII.
    package var drawsBlocks: Bool

    package init(isTerminal: Bool, width: Int?, color: Bool, drawsBlocks: Bool = false) {
        self.isTerminal = isTerminal
        self.width = width
        self.color = color
        self.drawsBlocks = drawsBlocks
    }

    /// What reports are laid out for, whatever the terminal's width beyond.
    static let columns = 100

    func fit(_ line: String) -> String { TerminalText.cut(line, to: width) }
    func strong(_ text: String) -> String { color ? "\u{1b}[1m\(text)\u{1b}[0m" : text }
    /// What goes well, and what to look at.
    func good(_ text: String) -> String { color ? "\u{1b}[32m\(text)\u{1b}[0m" : text }
    func bad(_ text: String) -> String { color ? "\u{1b}[31m\(text)\u{1b}[0m" : text }
    func faint(_ text: String) -> String { color ? "\u{1b}[2m\(text)\u{1b}[0m" : text }
}
