/// Names of types as people write them.
package enum TypeText {
    private static let buffers: [(prefix: String, open: String, close: String, separator: String)] = [
        ("Swift._ContiguousArrayStorage<", "[", "]", ", "), ("Swift._DictionaryStorage<", "[", "]", ": "),
        ("Swift._SetStorage<", "Set<", ">", ", "),
    ]

    /// The standard library's buffers become what they are the buffer of: `[String: Node]`.
    package static func plain(_ name: String) -> String {
        guard let buffer = buffers.first(where: { name.hasPrefix($0.prefix) }), name.hasSuffix(">") else { return name }
        let arguments = split(name.dropFirst(buffer.prefix.count).dropLast()).map {
            dropping(module: "Swift", from: plain($0))
        }
        return buffer.open + arguments.joined(separator: buffer.separator) + buffer.close
    }

    /// A Swift type's plain name without its own module, which stands at every name of a program.
    package static func short(_ name: String) -> String {
        let name = plain(name)
        guard !name.contains("::"), let dot = name.firstIndex(of: ".") else { return name }
        return dropping(module: String(name[..<dot]), from: name)
    }

    /// Whether a "type" only says a block's size: "104 bytes".
    package static func isSize(_ name: String) -> Bool {
        name.hasSuffix(" bytes") && name.dropLast(" bytes".count).allSatisfy(\.isNumber)
    }

    /// The way back: a name as `plain` writes it becomes the name that the run-time has; any other stays as it is.
    package static func stored(_ name: String) -> String {
        for buffer in buffers where name.hasPrefix(buffer.open) && name.hasSuffix(buffer.close) {
            let inner = name.dropFirst(buffer.open.count).dropLast(buffer.close.count)
            let arguments = split(inner, at: ":")
            // A dictionary's brackets are an array's too.
            guard arguments.count == (buffer.separator == ": " ? 2 : 1) else { continue }
            return buffer.prefix + arguments.map(qualified).joined(separator: ", ") + ">"
        }
        return name
    }

    /// With `Swift.` before every name that stands without a module.
    private static func qualified(_ text: String) -> String {
        var result = ""
        var word = ""
        func end(before next: Character?) {
            if !word.isEmpty, next != ".", result.last != "." { result += "Swift." }
            result += word
            word = ""
        }
        for character in text {
            if character.isLetter || character.isNumber || character == "_" {
                word.append(character)
            } else {
                end(before: character)
                result.append(character)
            }
        }
        end(before: nil)
        return result
    }

    /// Without `module.` wherever a name begins with it.
    package static func dropping(module: String, from text: String) -> String {
        var result = ""
        var rest = Substring(text)
        while let range = rest.firstRange(of: module + ".") {
            let before = range.lowerBound == text.startIndex ? nil : text[text.index(before: range.lowerBound)]
            let isStart = before.map { !($0.isLetter || $0.isNumber || $0 == "_" || $0 == ".") } ?? true
            result += rest[..<(isStart ? range.lowerBound : range.upperBound)]
            rest = rest[range.upperBound...]
        }
        return result + rest
    }

    /// Splits generic arguments at commas (or colons) that stand outside of brackets.
    private static func split(_ text: Substring, at separator: Character = ",") -> [String] {
        var parts: [String] = [""]
        var depth = 0
        for character in text {
            if character == "<" || character == "(" || character == "[" { depth += 1 }
            if character == ">" || character == ")" || character == "]" { depth -= 1 }
            if character == separator, depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
        }
        return parts.map { $0.first == " " ? String($0.dropFirst()) : $0 }
    }
}
