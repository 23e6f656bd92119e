/// From the bytes that a terminal sends to what they mean. Bytes come in pieces; what is no known sequence is left out whole.
struct InputDecoder: Sendable {
    enum Decoded: Hashable, Sendable {
        case event(InputEvent)
        /// The terminal's answer to the question for its background.
        case background(isLight: Bool)
    }

    private var pending: [UInt8] = []
    private var pasted: [UInt8]?
    /// What this terminal's keys send, besides what most send.
    private let keys: [[UInt8]: Key]

    /// Longer than any sequence that is understood, and any answer of a terminal.
    private static let sequenceLimit = 64
    /// A paste is for one line.
    private static let pasteLimit = 4096
    private static let pasteEnd = Array("\u{1b}[201~".utf8)

    init(keys: [[UInt8]: Key] = [:]) { self.keys = keys }

    /// Something was begun: if nothing follows within some milliseconds it was the escape key, and `flush` says so.
    var isWaiting: Bool { !pending.isEmpty && pasted == nil }

    mutating func feed(_ bytes: some Sequence<UInt8>) -> [Decoded] {
        pending += bytes
        return decode(isLast: false)
    }

    mutating func flush() -> [Decoded] { decode(isLast: true) }

    private mutating func decode(isLast: Bool) -> [Decoded] {
        var result: [Decoded] = []
        var rest = pending[...]
        while !rest.isEmpty {
            if pasted != nil {
                guard let decoded = paste(&rest) else { break }
                result.append(decoded)
                continue
            }
            guard let (length, decoded) = next(rest, isLast: isLast) else { break }
            rest = rest.dropFirst(length)
            if let decoded { result.append(decoded) }
        }
        pending = Array(rest)
        return result
    }

    /// Collects up to the end of the paste; nil where that has not come.
    private mutating func paste(_ rest: inout ArraySlice<UInt8>) -> Decoded? {
        let end = InputDecoder.pasteEnd
        if let range = rest.firstRange(of: end) {
            let text = (pasted ?? []) + rest[..<range.lowerBound]
            pasted = nil
            rest = rest[range.upperBound...]
            return .event(.paste(String(decoding: text.prefix(InputDecoder.pasteLimit), as: UTF8.self)))
        }
        // The end may be cut in two.
        let kept = rest.count - min(rest.count, end.count - 1)
        let room = max(0, InputDecoder.pasteLimit - (pasted?.count ?? 0))
        pasted?.append(contentsOf: rest.prefix(min(kept, room)))
        rest = rest.dropFirst(kept)
        return nil
    }

    /// How many bytes the next thing takes, and what it is; nil where more must come.
    private mutating func next(_ bytes: ArraySlice<UInt8>, isLast: Bool) -> (Int, Decoded?)? {
        guard let first = bytes.first else { return nil }
        guard first == 0x1b else { return character(bytes, isLast: isLast) }
        if let (sequence, key) = keys.filter({ bytes.starts(with: $0.key) }).max(by: { $0.key.count < $1.key.count }) {
            return (sequence.count, .event(.key(key)))
        }
        let body = bytes.dropFirst()
        switch body.first {
        case nil: return isLast ? (1, .event(.key(.escape))) : nil
        case UInt8(ascii: "["): return controlSequence(bytes, isLast: isLast)
        case UInt8(ascii: "O"):
            guard let final = body.dropFirst().first else { return isLast ? (1, .event(.key(.escape))) : nil }
            return (3, InputDecoder.finals[final].map { .event(.key($0)) })
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"): return answer(bytes, isLast: isLast)
        // Two keys in one piece, or one with Alt held, which has no meaning here.
        default: return (1, .event(.key(.escape)))
        }
    }

    // MARK: Characters

    private func character(_ bytes: ArraySlice<UInt8>, isLast: Bool) -> (Int, Decoded?)? {
        guard let first = bytes.first else { return nil }
        switch first {
        case 0x0d, 0x0a: return (1, .event(.key(.enter)))
        case 0x09: return (1, .event(.key(.tab)))
        case 0x08, 0x7f: return (1, .event(.key(.backspace)))
        case 0: return (1, nil)
        case 0x01...0x1a: return (1, .event(.key(.control(Character(Unicode.Scalar(first + 0x60))))))
        case 0x1c...0x1f: return (1, nil)
        case 0x20..<0x7f: return (1, .event(.key(.character(Character(Unicode.Scalar(first))))))
        default:
            let length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1
            if bytes.count < length, !isLast { return nil }
            guard let text = String(validating: bytes.prefix(length), as: UTF8.self), let character = text.first else {
                return (1, nil)
            }
            return (length, .event(.key(.character(character))))
        }
    }

    // MARK: Sequences

    /// `ESC [ parameters final` (ECMA-48, 5.4).
    private mutating func controlSequence(_ bytes: ArraySlice<UInt8>, isLast: Bool) -> (Int, Decoded?)? {
        let body = bytes.dropFirst(2)
        // The Linux console's F1 to F5.
        if body.first == UInt8(ascii: "[") {
            guard let letter = body.dropFirst().first else { return isLast ? (bytes.count, nil) : nil }
            let number = Int(letter) - Int(UInt8(ascii: "A")) + 1
            return (4, (1...5).contains(number) ? .event(.key(.function(number))) : nil)
        }
        if body.first == UInt8(ascii: "M") { return oldMouse(bytes, isLast: isLast) }
        let parameters = body.prefix { (0x20...0x3f).contains($0) }
        guard parameters.count <= InputDecoder.sequenceLimit else { return (bytes.count, nil) }
        guard let final = body.dropFirst(parameters.count).first else {
            // Alone it was the key escape, and a bracket after it.
            return isLast
                ? (parameters.isEmpty ? 1 : bytes.count, parameters.isEmpty ? .event(.key(.escape)) : nil) : nil
        }
        let length = 2 + parameters.count + 1
        if parameters.first == UInt8(ascii: "<") { return (length, mouse(parameters.dropFirst(), final)) }
        let numbers = InputDecoder.numbers(parameters)
        if final == UInt8(ascii: "~") || final == UInt8(ascii: "$") || final == UInt8(ascii: "^") {
            if numbers.first == 200 { pasted = [] }
            return (length, numbers.first.flatMap { InputDecoder.tildes[$0] }.map { .event(.key($0)) })
        }
        return (length, InputDecoder.finals[final].map { .event(.key($0)) })
    }

    private static func numbers(_ parameters: some Collection<UInt8>) -> [Int] {
        parameters.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
            .map { Int(String(decoding: $0, as: UTF8.self)) ?? 0 }
    }

    /// `ESC [ < button ; column ; row M`, or `m` for a release (xterm's control sequences, "SGR (1006)").
    private func mouse(_ parameters: ArraySlice<UInt8>, _ final: UInt8) -> Decoded? {
        let numbers = InputDecoder.numbers(parameters)
        guard final == UInt8(ascii: "M"), numbers.count == 3 else { return nil }
        return mouse(button: numbers[0], column: numbers[1], row: numbers[2])
    }

    /// `ESC [ M button column row`, each in a byte above 32.
    private func oldMouse(_ bytes: ArraySlice<UInt8>, isLast: Bool) -> (Int, Decoded?)? {
        guard bytes.count >= 6 else { return isLast ? (bytes.count, nil) : nil }
        let values = bytes.dropFirst(3).prefix(3).map { Int($0) - 32 }
        return (6, mouse(button: values[0], column: values[1], row: values[2]))
    }

    private func mouse(button: Int, column: Int, row: Int) -> Decoded? {
        guard (1...Frame.columnLimit).contains(column), (1...Frame.rowLimit).contains(row) else { return nil }
        // 4, 8 and 16 are keys that are held, 32 a movement.
        let action: MouseAction? =
            switch button & ~0b11100 {
            case 0: .press
            case 1: .middle
            case 2: .right
            case 64: .wheelUp
            case 65: .wheelDown
            default: nil
            }
        return action.map { .event(.mouse(row: row - 1, column: column - 1, $0)) }
    }

    /// A string of the terminal's: `ESC ] … BEL` or `ESC ] … ESC \`.
    private func answer(_ bytes: ArraySlice<UInt8>, isLast: Bool) -> (Int, Decoded?)? {
        let body = bytes.dropFirst(2)
        guard let end = body.firstIndex(where: { $0 == 0x07 || $0 == 0x1b }) else {
            if body.count > InputDecoder.sequenceLimit { return (bytes.count, nil) }
            // A key that was typed after escape.
            return isLast ? (1, .event(.key(.escape))) : nil
        }
        var length = end - bytes.startIndex + 1
        if body[end] == 0x1b {
            guard end + 1 < bytes.endIndex else { return isLast ? (bytes.count, nil) : nil }
            if bytes[end + 1] == UInt8(ascii: "\\") { length += 1 } else { length -= 1 }
        }
        return (length, InputDecoder.isLight(String(decoding: body[..<end], as: UTF8.self)).map(Decoded.background))
    }

    /// "11;rgb:ffff/ffff/ffff", with one to four digits for each colour (xterm's control sequences, OSC 11).
    static func isLight(_ answer: String) -> Bool? {
        guard answer.hasPrefix("11;rgb") else { return nil }
        let parts = answer.drop { $0 != ":" }.dropFirst().split(separator: "/")
        let values = parts.prefix(3).compactMap { part -> Double? in
            guard (1...4).contains(part.count), let value = UInt32(part, radix: 16) else { return nil }
            return Double(value) / Double(1 << (4 * part.count) - 1)
        }
        guard values.count == 3 else { return nil }
        // What the eye makes of them (ITU-R BT.709).
        return values[0] * 0.2126 + values[1] * 0.7152 + values[2] * 0.0722 > 0.5
    }

    /// Behind `ESC [` or `ESC O`, whatever keys are held with them.
    private static let finals: [UInt8: Key] = [
        UInt8(ascii: "A"): .up, UInt8(ascii: "B"): .down, UInt8(ascii: "C"): .right, UInt8(ascii: "D"): .left,
        UInt8(ascii: "H"): .home, UInt8(ascii: "F"): .end, UInt8(ascii: "Z"): .backTab, UInt8(ascii: "M"): .enter,
        UInt8(ascii: "P"): .function(1), UInt8(ascii: "Q"): .function(2), UInt8(ascii: "R"): .function(3),
        UInt8(ascii: "S"): .function(4),
    ]
    /// Before `~`: DEC's VT220, with what xterm, rxvt and the Linux console made of it.
    private static let tildes: [Int: Key] = [
        1: .home, 2: .insert, 3: .delete, 4: .end, 5: .pageUp, 6: .pageDown, 7: .home, 8: .end, 11: .function(1),
        12: .function(2), 13: .function(3), 14: .function(4), 15: .function(5), 17: .function(6), 18: .function(7),
        19: .function(8), 20: .function(9), 21: .function(10), 23: .function(11), 24: .function(12),
    ]
}
