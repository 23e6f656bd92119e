/// The one place where strings that other processes chose are made safe for a terminal, measured and cut.
package enum TerminalText {
    /// Shows control characters, line separators and characters that change the direction or the look of what follows as
    /// `\n`, `\t`, `\x1b` or `\u{202e}`.
    package static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isUnsafe) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if isUnsafe(scalar) { result += escape(scalar) } else { result.unicodeScalars.append(scalar) }
        }
        return result
    }

    /// The same for raw bytes: those that are no UTF-8 are shown as `\xff`.
    package static func escaped(_ bytes: [UInt8]) -> String {
        // Nearly all names and arguments are plain ASCII.
        if bytes.allSatisfy({ (0x20..<0x7f).contains($0) }) { return String(decoding: bytes, as: UTF8.self) }
        if let text = String(validating: bytes, as: UTF8.self) { return escaped(text) }
        var result = ""
        var decoder = UTF8()
        var rest = bytes[...]
        while !rest.isEmpty {
            var iterator = rest.makeIterator()
            if case .scalarValue(let scalar) = decoder.decode(&iterator) {
                result += escaped(String(scalar))
                rest = rest.dropFirst(UTF8.width(scalar))
            } else {
                result += hexadecimal("\\x", UInt32(rest[rest.startIndex]), digits: 2)
                rest = rest.dropFirst()
            }
            decoder = UTF8()
        }
        return result
    }

    /// Whether a shell takes the text as it stands.
    static func isPlainWord(_ text: String) -> Bool {
        !text.isEmpty
            && text.allSatisfy { ($0.isASCII && ($0.isLetter || $0.isNumber)) || "._:/-+@%,".contains($0) }
    }

    /// The text as one word of a shell's command, escaped for the terminal.
    static func shellWord(_ text: String) -> String {
        guard !isPlainWord(text) else { return text }
        let quoted = text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
        return "'\(escaped(quoted))'"
    }

    /// Number of terminal cells of an escaped text without colours.
    package static func width(_ text: String) -> Int {
        text.reduce(0) { $0 + width($1) }
    }

    /// Cut to `width` cells, the last one then an ellipsis. A nil width cuts nothing.
    package static func cut(_ text: String, to width: Int?) -> String {
        guard let width, TerminalText.width(text) > width else { return text }
        var result = ""
        var used = 0
        for character in text {
            let cells = TerminalText.width(character)
            guard used + cells <= width - 1 else { break }
            result.append(character)
            used += cells
        }
        return width > 0 ? result + "…" : ""
    }

    /// Padded with blanks on the left or the right to `width` cells; longer text stays as it is.
    static func padded(_ text: String, to width: Int, right: Bool = false) -> String {
        let blanks = String(repeating: " ", count: max(0, width - TerminalText.width(text)))
        return right ? blanks + text : text + blanks
    }

    /// Whether it may do something else to a terminal than show itself.
    static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        // Nearly all text is ASCII, and a table need not be asked for that.
        if scalar.value < 0x7f { return scalar.value < 0x20 }
        return switch scalar.properties.generalCategory {
        // Cf holds the bidirectional controls, zero-width characters and tags; Cs, Co and Cn have no known look.
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\n": "\\n"
        case "\t": "\\t"
        case "\r": "\\r"
        case _ where scalar.value < 0x80: hexadecimal("\\x", scalar.value, digits: 2)
        default: hexadecimal("\\u{", scalar.value, digits: 4) + "}"
        }
    }

    private static func hexadecimal(_ prefix: String, _ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16)
        return prefix + String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// Wide characters of East Asia and emoji take two cells (Unicode Standard Annex 11); marks alone take none.
    package static func width(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        let wide: [ClosedRange<UInt32>] = [
            0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
            0xff00...0xff60, 0xffe0...0xffe6, 0x1f300...0x1f64f, 0x1f900...0x1f9ff, 0x20000...0x3fffd,
        ]
        return wide.contains { $0.contains(scalar.value) } ? 2 : 1
    }
}
