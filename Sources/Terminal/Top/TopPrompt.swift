/// A line that is typed at the foot of the screen.
struct TopPrompt: Sendable {
    enum Kind: Sendable {
        case search, filter
    }

    let kind: Kind
    var text: String
    /// Why the text is no condition.
    var error: String?
    /// What stood before, for Escape.
    let before: TopFilter?

    private static let limit = 400

    init(_ kind: Kind, text: String = "", before: TopFilter? = nil) {
        self.kind = kind
        self.text = text
        self.before = before
    }

    mutating func append(_ more: String) {
        for character in more where text.count < TopPrompt.limit && !character.isNewline {
            guard character.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else { continue }
            text.append(character)
        }
    }

    mutating func removeLast() { if !text.isEmpty { text.removeLast() } }
}
