/// How text is shaped for where it goes: a terminal has a width and perhaps colours, a file or pipe has neither.
package struct TextStyle: Hashable, Sendable {
    package var isTerminal: Bool
    /// Cells of a line; nil where nothing may be cut.
    package var width: Int?
    package var color: Bool

    package init(isTerminal: Bool, width: Int?, color: Bool) {
        self.isTerminal = isTerminal
        self.width = width
        self.color = color
    }

    /// What reports are laid out for, whatever the terminal's width beyond.
    static let columns = 100

    func fit(_ line: String) -> String { TerminalText.cut(line, to: width) }
    func strong(_ text: String) -> String { color ? "\u{1b}[1m\(text)\u{1b}[0m" : text }
    func faint(_ text: String) -> String { color ? "\u{1b}[2m\(text)\u{1b}[0m" : text }
}
