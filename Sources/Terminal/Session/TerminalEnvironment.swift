/// What the environment says of the terminal.
struct TerminalEnvironment: Hashable, Sendable {
    var term: String
    var colorTerm: String?
    var colorFgBg: String?
    /// NO_COLOR is there and not empty (no-color.org).
    var wantsNoColor: Bool
    var isUTF8: Bool

    /// - Parameter variable: the value of an environment variable, nil for none.
    init(_ variable: (String) -> String?) {
        term = variable("TERM") ?? ""
        colorTerm = variable("COLORTERM")
        colorFgBg = variable("COLORFGBG")
        wantsNoColor = variable("NO_COLOR").map { !$0.isEmpty } ?? false
        // The first that is set and not empty decides (man 7 locale).
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap(variable).first { !$0.isEmpty } ?? "C"
        let name = locale.lowercased()
        isUTF8 = name.contains("utf-8") || name.contains("utf8")
    }
}
