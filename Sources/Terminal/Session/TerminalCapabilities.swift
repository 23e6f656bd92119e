/// What a terminal understands: the sequences that nusu sends to it, ready to be written.
struct TerminalCapabilities: Hashable, Sendable {
    /// A sequence with numbers in it.
    enum Format: Hashable, Sendable {
        /// As ECMA-48 has it, and nearly every terminal since.
        case standard
        /// A string of terminfo (man 5 terminfo, "Parameterized Strings").
        case terminfo(String)
    }

    var cursorAddress: Format
    var clear: String
    /// All attributes off.
    var reset: String
    var bold = ""
    var dim = ""
    var reverse = ""
    var underline = ""
    /// 0, 8, 16, 256 or more.
    var colors: Int
    var foreground = Format.standard
    var background = Format.standard
    /// The screen beside the one with the shell's lines.
    var enterScreen = ""
    var leaveScreen = ""
    var hideCursor = ""
    var showCursor = ""
    /// Keys as terminfo describes them.
    var enterKeypad = ""
    var leaveKeypad = ""
    var wrapOff = ""
    var wrapOn = ""
    /// A character in the last column leaves the cursor there.
    var hasDelayedWrap = false
    var hasMouse = false
    /// Of xterm's kind: it knows bracketed paste and answers what its background is.
    var isXtermLike = false
    /// What its keys send, where that is not what most send.
    var keys: [[UInt8]: Key] = [:]

    func move(row: Int, column: Int) -> String {
        switch cursorAddress {
        case .standard: "\u{1b}[\(row + 1);\(column + 1)H"
        case .terminfo(let string): Terminfo.format(string, row, column)
        }
    }

    func foreground(_ color: Int) -> String { TerminalCapabilities.color(color, format(foreground, color), base: 30) }
    func background(_ color: Int) -> String { TerminalCapabilities.color(color, format(background, color), base: 40) }

    /// A description with fewer colours than the terminal says that it has (COLORTERM) knows no sequence for the others.
    private func format(_ format: Format, _ color: Int) -> Format { color >= max(colors, 16) ? .standard : format }

    private static func color(_ color: Int, _ format: Format, base: Int) -> String {
        switch format {
        case .terminfo(let string): Terminfo.format(string, color, 0)
        case .standard where color < 8: "\u{1b}[\(base + color)m"
        case .standard where color < 16: "\u{1b}[\(base + 60 + color - 8)m"
        case .standard: "\u{1b}[\(base + 8);5;\(color)m"
        }
    }

    /// The whole of what is written when the screen is taken and given back.
    func enter(mouse: Bool) -> String {
        enterScreen + enterKeypad + hideCursor + wrapOff
            + (isXtermLike ? "\u{1b}[?2004h" : "")
            // Presses and wheel (1000), in numbers that have no limit (1006).
            + (mouse && hasMouse ? "\u{1b}[?1000h\u{1b}[?1006h" : "")
    }

    func leave(mouse: Bool) -> String {
        (mouse && hasMouse ? "\u{1b}[?1006l\u{1b}[?1000l" : "")
            + (isXtermLike ? "\u{1b}[?2004l" : "")
            + reset + (leaveScreen.isEmpty ? clear : "") + wrapOn + leaveKeypad + showCursor + leaveScreen
    }

    /// For terminals that the machine has no description of, be it that it has no database of them at all.
    /// - Returns: nil for one that cannot place a cursor.
    static func builtIn(_ name: String) -> TerminalCapabilities? {
        if name.isEmpty || ["dumb", "unknown", "emacs", "cons25-m"].contains(name) { return nil }
        var result = TerminalCapabilities(
            cursorAddress: .standard, clear: "\u{1b}[H\u{1b}[2J", reset: "\u{1b}[m", bold: "\u{1b}[1m",
            reverse: "\u{1b}[7m", underline: "\u{1b}[4m", colors: 8)
        result.wrapOff = "\u{1b}[?7l"
        result.wrapOn = "\u{1b}[?7h"
        result.hasDelayedWrap = true
        if ["vt1", "vt2", "vt3"].contains(where: name.hasPrefix) {
            result.colors = 0
        } else if name.hasPrefix("linux") {
            result.dim = "\u{1b}[2m"
            result.hideCursor = "\u{1b}[?25l"
            result.showCursor = "\u{1b}[?25h"
        } else if xtermLike.contains(where: name.hasPrefix) || name.contains("256color") {
            result.colors =
                name.contains("256color") || name.contains("direct") || !eightColors.contains(name) ? 256 : 8
            result.dim = "\u{1b}[2m"
            result.hideCursor = "\u{1b}[?25l"
            result.showCursor = "\u{1b}[?25h"
            result.enterScreen = "\u{1b}[?1049h"
            result.leaveScreen = "\u{1b}[?1049l"
            result.enterKeypad = "\u{1b}[?1h\u{1b}="
            result.leaveKeypad = "\u{1b}[?1l\u{1b}>"
            result.hasMouse = true
            result.isXtermLike = true
        }
        return result
    }

    /// Terminals that took over what xterm has.
    static let xtermLike = [
        "xterm", "screen", "tmux", "rxvt", "alacritty", "foot", "kitty", "st", "vte", "gnome", "konsole", "wezterm",
        "ghostty", "contour", "iterm", "mintty", "putty", "mlterm", "eterm",
    ]
    private static let eightColors = ["xterm", "screen", "tmux", "rxvt", "putty", "st", "eterm"]
}
