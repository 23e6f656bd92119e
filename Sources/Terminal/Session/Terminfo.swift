import CTerminal

/// The machine's descriptions of terminals (man 5 terminfo), by ncurses' library of them. It keeps one description at a time for
/// the program: only the thread that draws may ask.
enum Terminfo {
    /// nil where there is no database, it does not know the terminal, or the terminal cannot place a cursor.
    static func capabilities(of name: String, output: Int32) -> TerminalCapabilities? {
        guard cterminal_load(name, output) == 1, let address = string("cup"), let clear = string("clear") else {
            return nil
        }
        let flags = (isWrapping: cterminal_flag("am") == 1, isDelayed: cterminal_flag("xenl") == 1)
        var result = TerminalCapabilities(
            cursorAddress: address == standardAddress ? .standard : .terminfo(address), clear: clear,
            reset: string("sgr0") ?? "", bold: string("bold") ?? "", dim: string("dim") ?? "",
            reverse: string("rev") ?? "", underline: string("smul") ?? "",
            colors: max(0, Int(cterminal_number("colors"))))
        if let foreground = string("setaf"), let background = string("setab") {
            result.foreground = .terminfo(foreground)
            result.background = .terminfo(background)
        } else {
            result.colors = 0
        }
        result.enterScreen = string("smcup") ?? ""
        result.leaveScreen = string("rmcup") ?? ""
        result.hideCursor = string("civis") ?? ""
        result.showCursor = string("cnorm") ?? ""
        result.enterKeypad = string("smkx") ?? ""
        result.leaveKeypad = string("rmkx") ?? ""
        if let off = string("rmam"), let on = string("smam") {
            result.wrapOff = off
            result.wrapOn = on
        }
        result.hasDelayedWrap = !flags.isWrapping || flags.isDelayed || !result.wrapOff.isEmpty
        result.hasMouse = string("kmous") != nil
        result.isXtermLike = TerminalCapabilities.xtermLike.contains { name.hasPrefix($0) }
        for (capability, key) in keys {
            guard let sequence = string(capability), sequence.utf8.count > 1 else { continue }
            result.keys[Array(sequence.utf8)] = key
        }
        return result
    }

    /// A string with its numbers filled in.
    static func format(_ string: String, _ first: Int, _ second: Int) -> String {
        guard let text = cterminal_format(string, Int32(clamping: first), Int32(clamping: second)) else { return "" }
        return withoutDelays(String(cString: text))
    }

    private static let standardAddress = "\u{1b}[%i%p1%d;%p2%dH"

    private static func string(_ capability: String) -> String? {
        guard let text = cterminal_string(capability) else { return nil }
        let result = withoutDelays(String(cString: text))
        return result.isEmpty ? nil : result
    }

    /// Terminals that needed time for a sequence ("$<50>") were of the last century; some descriptions still say so.
    static func withoutDelays(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "$<") {
            guard let end = rest[start.upperBound...].firstIndex(of: ">") else { break }
            result += rest[..<start.lowerBound]
            rest = rest[rest.index(after: end)...]
        }
        return result + rest
    }

    private static let keys: [(String, Key)] =
        [
            ("kcuu1", .up), ("kcud1", .down), ("kcub1", .left), ("kcuf1", .right), ("khome", .home), ("kend", .end),
            ("kpp", .pageUp), ("knp", .pageDown), ("kich1", .insert), ("kdch1", .delete), ("kcbt", .backTab),
        ] + (1...12).map { ("kf\($0)", .function($0)) }
}
