import Model

/// The columns of the rows, as wide as there is room for.
struct MapsLayout {
    /// Less room than reports are laid out for: permissions as letters, short bars.
    let isNarrow: Bool
    /// The kernel tells what is in memory.
    let hasFigures: Bool
    private let barCells: Int

    init(_ style: TextStyle, hasFigures: Bool) {
        isNarrow = style.width.map { $0 < TextStyle.columns } ?? false
        self.hasFigures = hasFigures
        barCells = isNarrow ? 5 : 8
    }

    func head(isAll: Bool) -> String {
        let first = isAll ? address("from") + " " + address("to") + "  " : "high addresses"
        let sizes = hasFigures ? "   in RAM   reserved" : " reserved"
        return "  \(first)\(sizes)  " + (isAll ? "" : bar(nil, of: 0)) + may("may") + "what"
    }

    /// Addresses of programs have 12 digits.
    func address(_ text: String) -> String { TerminalText.padded(text, to: 12) }
    func address(_ value: UInt64) -> String { address(String(value, radix: 16)) }

    /// - Parameter resident: nil where it is not known.
    func sizes(_ resident: UInt64?, _ reserved: UInt64) -> String {
        let size = TerminalText.padded(MapsLayout.size(reserved), to: 9, right: true)
        guard hasFigures else { return size }
        return TerminalText.padded(resident.map(MapsLayout.size) ?? "?", to: 9, right: true) + "  " + size
    }

    static func size(_ bytes: UInt64) -> String { bytes == 0 ? "0" : Units.bytes(bytes) }

    /// To scale: what has `scale` bytes in memory fills it.
    func bar(_ resident: UInt64?, of scale: UInt64) -> String {
        guard hasFigures else { return "" }
        var cells = 0
        if let resident, scale > 0 {
            cells = Int((Double(resident) / Double(scale) * Double(barCells)).rounded())
        }
        return TerminalText.padded(String(repeating: "#", count: cells), to: barCells + 2)
    }

    func may(_ permissions: Mapping.Permissions) -> String {
        may(isNarrow ? RegionText.letters(permissions) : RegionText.permissions(permissions))
    }

    func may(_ text: String) -> String { TerminalText.padded(text, to: isNarrow ? 5 : 15) }
}
