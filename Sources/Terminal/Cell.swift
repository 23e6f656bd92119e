import Report

/// What a piece of the screen means. A theme gives each role its colours, by how many the terminal has and on which ground.
package enum ColorRole: UInt8, Hashable, Sendable, CaseIterable {
    case normal
    /// Of less interest: units, a row that ended, the threads of others.
    case dim
    /// What the eye should find: the name of a program, a key that can be pressed.
    case accent
    case good
    case warning
    case critical
    /// A second and third colour for parts of a meter that mean no good and no bad.
    case cool
    case violet
    /// A row that is tagged.
    case tagged
    /// A bar over the whole width: names of columns, labels of keys.
    case header
    /// The one of the header's columns that rows are sorted by.
    case sorted
    /// The row of the cursor.
    case selected
}

/// How a cell looks.
package struct CellStyle: Hashable, Sendable {
    package var color: ColorRole
    package var bold: Bool
    package var reverse: Bool

    package init(_ color: ColorRole = .normal, bold: Bool = false, reverse: Bool = false) {
        self.color = color
        self.bold = bold
        self.reverse = reverse
    }

    package static let normal = CellStyle()
    package static let dim = CellStyle(.dim)
    package static let accent = CellStyle(.accent)
    package static let good = CellStyle(.good)
    package static let warning = CellStyle(.warning)
    package static let critical = CellStyle(.critical)
    package static let header = CellStyle(.header)
    package static let selected = CellStyle(.selected)
    package static let strong = CellStyle(.normal, bold: true)
}

/// One place of the screen.
package struct Cell: Hashable, Sendable {
    /// Safe for a terminal: no control, no change of direction. A space in the second half of a wide character.
    package private(set) var character: Character
    package var style: CellStyle
    /// Cells that the character takes: 1 or 2; 0 for the second half of a wide one.
    package private(set) var width: UInt8

    package static let blank = Cell(character: " ", style: .normal, width: 1)

    private init(character: Character, style: CellStyle, width: UInt8) {
        self.character = character
        self.style = style
        self.width = width
    }

    /// Marks that a terminal puts above one character. Others pile up hundreds, which some terminals draw over other rows.
    private static let markLimit = 2

    /// nil where the character takes no place of its own. It must be of an escaped text (`TerminalText.escaped`).
    init?(_ character: Character, style: CellStyle) {
        let width = TerminalText.width(character)
        guard width > 0 else { return nil }
        var kept = character
        let scalars = character.unicodeScalars
        if scalars.count > 1 {
            var bounded = String.UnicodeScalarView()
            // A variation selector asks for another width, and terminals do not agree whether to follow.
            bounded.append(
                contentsOf: scalars.prefix(1 + Cell.markLimit).filter { !(0xfe00...0xfe0f).contains($0.value) })
            kept = String(bounded).first ?? " "
        }
        self.init(character: kept, style: style, width: UInt8(width))
    }

    static func blank(_ style: CellStyle) -> Cell { Cell(character: " ", style: style, width: 1) }
    static func secondHalf(_ style: CellStyle) -> Cell { Cell(character: " ", style: style, width: 0) }
}
