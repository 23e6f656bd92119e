/// What the roles of cells look like, by what a terminal can do.
struct Theme: Hashable, Sendable {
    /// How many colours may be used.
    enum Depth: Hashable, Sendable {
        case none, sixteen, many
    }

    /// What the terminal's own background is. Where that is not known its first sixteen colours are used, which whoever set the
    /// terminal up can read on it.
    enum Ground: Hashable, Sendable {
        case unknown, dark, light
    }

    var depth: Depth
    var ground: Ground

    struct Look: Hashable, Sendable {
        var foreground: Int?
        var background: Int?
        var bold = false
        var dim = false
        var reverse = false
        var underline = false
    }

    func look(_ style: CellStyle) -> Look {
        var look =
            switch (depth, ground) {
            case (.none, _): Theme.plain(style.color)
            case (.many, .dark): Theme.dark(style.color)
            case (.many, .light): Theme.light(style.color)
            case (.sixteen, _), (.many, .unknown): Theme.few(style.color, ground)
            }
        if style.bold { look.bold = true }
        if style.reverse { look.reverse.toggle() }
        return look
    }

    private static func plain(_ role: ColorRole) -> Look {
        switch role {
        case .normal, .good, .cool, .violet: Look()
        case .dim: Look(dim: true)
        case .accent, .warning, .tagged: Look(bold: true)
        case .critical: Look(bold: true, underline: true)
        case .header, .selected: Look(reverse: true)
        case .sorted: Look(bold: true, reverse: true, underline: true)
        }
    }

    private static func few(_ role: ColorRole, _ ground: Ground) -> Look {
        switch role {
        case .normal: Look()
        case .dim: Look(dim: true)
        case .accent: Look(foreground: ground == .light ? 4 : 6)
        case .good: Look(foreground: 2)
        case .warning: Look(foreground: 3)
        case .critical: Look(foreground: 1, bold: true)
        case .cool: Look(foreground: ground == .light ? 4 : 6)
        case .violet: Look(foreground: 5)
        case .tagged: Look(foreground: 3, bold: true)
        case .header: Look(foreground: 0, background: 2)
        case .sorted, .selected: Look(foreground: 0, background: 6)
        }
    }

    /// Numbers of xterm's 256 colours: 16 + 36 r + 6 g + b, and greys from 232 on.
    private static func dark(_ role: ColorRole) -> Look {
        switch role {
        case .normal: Look()
        case .dim: Look(foreground: 244)
        case .accent: Look(foreground: 81)
        case .good: Look(foreground: 78)
        case .warning: Look(foreground: 221)
        case .critical: Look(foreground: 203, bold: true)
        case .cool: Look(foreground: 75)
        case .violet: Look(foreground: 141)
        case .tagged: Look(foreground: 221, bold: true)
        case .header: Look(foreground: 252, background: 238)
        case .sorted: Look(foreground: 231, background: 31, bold: true)
        case .selected: Look(foreground: 231, background: 24)
        }
    }

    private static func light(_ role: ColorRole) -> Look {
        switch role {
        case .normal: Look()
        case .dim: Look(foreground: 243)
        case .accent: Look(foreground: 25)
        case .good: Look(foreground: 28)
        case .warning: Look(foreground: 130)
        case .critical: Look(foreground: 160, bold: true)
        case .cool: Look(foreground: 26)
        case .violet: Look(foreground: 91)
        case .tagged: Look(foreground: 130, bold: true)
        case .header: Look(foreground: 235, background: 252)
        case .sorted: Look(foreground: 231, background: 25, bold: true)
        case .selected: Look(foreground: 16, background: 153)
        }
    }

    /// What the environment says (COLORFGBG, set by rxvt, konsole and others): "15;0", the background last.
    static func ground(_ colorFgBg: String?) -> Ground {
        guard let last = colorFgBg?.split(separator: ";").last, let number = Int(last), (0...15).contains(number) else {
            return .unknown
        }
        return number == 7 || number >= 9 ? .light : .dark
    }

    static func depth(colors: Int, colorTerm: String?) -> Depth {
        if colorTerm == "truecolor" || colorTerm == "24bit" { return .many }
        return colors >= 256 ? .many : colors >= 8 ? .sixteen : .none
    }
}
