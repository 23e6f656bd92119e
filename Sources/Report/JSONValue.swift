import FoundationEssentials

/// A JSON document before it is written. Unknown values are written as null, never left out and never 0.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case unsigned(UInt64)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    package init(_ value: Bool) { self = .bool(value) }
    package init(_ value: Int?) { self = value.map { .integer(Int64($0)) } ?? .null }
    package init(_ value: Int32?) { self = value.map { .integer(Int64($0)) } ?? .null }
    package init(_ value: UInt64?) { self = value.map { .unsigned($0) } ?? .null }
    package init(_ value: String?) { self = value.map { .string($0) } ?? .null }

    /// Seconds to the microsecond: what is below is noise.
    package init(seconds: Double?) {
        guard let seconds, seconds.isFinite, abs(seconds) < 1e9 else {
            self = .null
            return
        }
        self = .number((seconds * 1e6).rounded() / 1e6)
    }

    /// The document on one line, with sorted keys and a newline at its end.
    package func document() -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Encoding fails for no case above: numbers are finite, and keys are strings.
        guard let data = try? encoder.encode(self) else { return "null\n" }
        return JSONValue.harmless(String(decoding: data, as: UTF8.self)) + "\n"
    }

    /// The document with what a terminal would take as an order, U+009B or a change of direction, as `\u009b`: outside of
    /// strings there is nothing of that, and inside it means the same. The encoder itself does so below U+0020 only.
    private static func harmless(_ document: String) -> String {
        guard document.utf8.contains(where: { $0 >= 0x7f }) else { return document }
        var result = String.UnicodeScalarView()
        for scalar in document.unicodeScalars {
            guard scalar.value >= 0x7f, TerminalText.isUnsafe(scalar) else {
                result.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                result.append(
                    contentsOf: ("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).unicodeScalars)
            }
        }
        return String(result)
    }
}

extension Dictionary where Key == String, Value == JSONValue {
    /// Sets `key` to a text that is bytes: invalid UTF-8 becomes U+FFFD, and `keyBase64` then holds the bytes.
    mutating func set(_ key: String, bytes: [UInt8]) {
        self[key] = .string(String(decoding: bytes, as: UTF8.self))
        if String(validating: bytes, as: UTF8.self) == nil {
            self[key + "Base64"] = .string(Data(bytes).base64EncodedString())
        }
    }

    /// The same for a list of texts: `keyBase64` is a list too, of all of them.
    mutating func set(_ key: String, list: [[UInt8]]?) {
        self[key] = list.map { .array($0.map { .string(String(decoding: $0, as: UTF8.self)) }) } ?? .null
        if let list, list.contains(where: { String(validating: $0, as: UTF8.self) == nil }) {
            self[key + "Base64"] = .array(list.map { .string(Data($0).base64EncodedString()) })
        }
    }
}

extension JSONValue: Encodable {
    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .array(let values):
            var container = encoder.unkeyedContainer()
            for value in values { try container.encode(value) }
        case .object(let fields):
            var container = encoder.container(keyedBy: Key.self)
            for (key, value) in fields { try container.encode(value, forKey: Key(stringValue: key)) }
        default:
            var container = encoder.singleValueContainer()
            switch self {
            case .bool(let value): try container.encode(value)
            case .integer(let value): try container.encode(value)
            case .unsigned(let value): try container.encode(value)
            case .number(let value): try container.encode(value)
            case .string(let value): try container.encode(value)
            case .null, .array, .object: try container.encodeNil()
            }
        }
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
