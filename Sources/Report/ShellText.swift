/// Words as a shell would take them.
enum ShellText {
    private static let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-".utf8)

    /// An argument as bash reads it; in quotes where it must be, and with escapes where it has what no terminal should get.
    static func quoted(_ bytes: [UInt8]) -> String {
        if !bytes.isEmpty, bytes.allSatisfy(plain.contains) { return String(decoding: bytes, as: UTF8.self) }
        let text = TerminalText.escaped(bytes)
        let isEscaped = !text.utf8.elementsEqual(bytes)
        var result = ""
        for (index, part) in bytes.split(separator: quote, omittingEmptySubsequences: false).enumerated() {
            if index > 0 { result += "\\'" }
            let part = Array(part)
            if isEscaped {
                let marked = part.split(separator: backslash, omittingEmptySubsequences: false)
                let escaped = marked.map { TerminalText.escaped(Array($0)) }.joined(separator: "\\\\")
                if !escaped.isEmpty { result += "$'\(escaped)'" }
            } else if !part.isEmpty || bytes.isEmpty {
                result += "'\(String(decoding: part, as: UTF8.self))'"
            }
        }
        return result
    }

    private static let quote = UInt8(ascii: "'")
    private static let backslash = UInt8(ascii: "\\")
}
