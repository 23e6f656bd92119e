extension WhereExpression {
    /// - Parameter lookup: the field that a name stands for, and whether it is text; nil where there is none.
    package static func parse(
        _ text: String, lookup: (String) -> (field: Field, isText: Bool)?
    ) throws(WhereError) -> WhereExpression {
        try withoutActuallyEscaping(lookup) { lookup throws(WhereError) in
            var parser = WhereParser(text, lookup: lookup)
            let root = try parser.disjunction(depth: 0)
            try parser.expectEnd()
            return WhereExpression(root: root, fields: parser.fields)
        }
    }
}

/// A recursive descent: `or` over `and` over `!`, parentheses and comparisons.
struct WhereParser<Field: Sendable> {
    private let bytes: [UInt8]
    private var position = 0
    private let lookup: (String) -> (field: Field, isText: Bool)?
    private(set) var fields: [Field] = []

    private typealias Node = WhereExpression<Field>.Node

    /// How deep parentheses and negations may be nested.
    private static var depthLimit: Int { 100 }
    private static var comparisonLimit: Int { 1000 }

    init(_ text: String, lookup: @escaping (String) -> (field: Field, isText: Bool)?) {
        bytes = Array(text.utf8)
        self.lookup = lookup
    }

    mutating func disjunction(depth: Int) throws(WhereError) -> WhereExpression<Field>.Node {
        var node = try conjunction(depth: depth)
        while skip("||") { node = .or(node, try conjunction(depth: depth)) }
        return node
    }

    mutating func expectEnd() throws(WhereError) {
        skipBlanks()
        guard position == bytes.count else { throw error("expected && or || or the end") }
    }

    private mutating func conjunction(depth: Int) throws(WhereError) -> Node {
        var node = try unary(depth: depth)
        while skip("&&") { node = .and(node, try unary(depth: depth)) }
        return node
    }

    private mutating func unary(depth: Int) throws(WhereError) -> Node {
        guard depth < WhereParser.depthLimit else { throw error("too deeply nested") }
        if skip("!") { return .not(try unary(depth: depth + 1)) }
        guard skip("(") else { return try comparison() }
        let node = try disjunction(depth: depth + 1)
        guard skip(")") else { throw error("expected )") }
        return node
    }

    private mutating func comparison() throws(WhereError) -> Node {
        skipBlanks()
        let start = position
        let name = word { $0.isNameByte }
        guard !name.isEmpty else { throw error("expected the name of a field") }
        guard let (field, isText) = lookup(name) else {
            throw WhereError(what: "there is no field '\(name)'", offset: start)
        }
        guard fields.count < WhereParser.comparisonLimit else { throw error("too many comparisons") }
        fields.append(field)
        if skip("!~") { return .matches(field, try expression(), isWanted: false) }
        if skip("~") { return .matches(field, try expression(), isWanted: true) }
        // The longer ones first: `<=` begins like `<`.
        let comparisons: [(StaticString, WhereExpression<Field>.Comparison)] = [
            ("==", .equal), ("!=", .notEqual), ("<=", .lessOrEqual), (">=", .greaterOrEqual), ("=", .equal),
            ("<", .less), (">", .greater),
        ]
        for (sign, comparison) in comparisons where skip(sign) {
            return .compare(field, comparison, try constant(isText: isText))
        }
        throw error("expected one of == != < <= > >= ~ !~")
    }

    private mutating func expression() throws(WhereError) -> RegularExpression {
        skipBlanks()
        let start = position
        let pattern = try quoted() ?? word { !$0.isBlank && !"()&|".utf8.contains($0) }
        guard !pattern.isEmpty else { throw error("expected an expression, such as \"redis\"") }
        do {
            return try RegularExpression(pattern)
        } catch {
            throw WhereError(what: "\"\(pattern)\" is no POSIX extended expression: \(error.what)", offset: start)
        }
    }

    /// A number, or text with or without quotation marks.
    private mutating func constant(isText: Bool) throws(WhereError) -> WhereExpression<Field>.Constant {
        skipBlanks()
        let start = position
        let text: String
        if let quoted = try quoted() {
            text = quoted
        } else {
            text = word { !$0.isBlank && !"()&|!=<>~\"'".utf8.contains($0) }
            guard !text.isEmpty else { throw error("expected a number or a text") }
        }
        let number = WhereParser.number(text)
        guard isText || number != nil else {
            throw WhereError(what: "'\(text)' is no number (100, 0.5, 64K, 100M and 2G are)", offset: start)
        }
        return WhereExpression<Field>.Constant(text: Array(text.utf8), number: number)
    }

    private static func number(_ text: String) -> ProcessValue? {
        let factors: [Character: Int64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        let factor = text.last.flatMap { factors[$0] }
        let digits = factor == nil ? text : String(text.dropLast())
        guard digits.utf8.allSatisfy({ $0.isDigit || "+-.".utf8.contains($0) }) else { return nil }
        if let value = Int64(digits) {
            let (product, overflow) = value.multipliedReportingOverflow(by: factor ?? 1)
            return overflow ? .number(Double(value) * Double(factor ?? 1)) : .integer(product)
        }
        return Double(digits).map { .number($0 * Double(factor ?? 1)) }
    }

    /// What stands between two quotation marks of either kind; a backslash takes the mark's or its own meaning away. nil
    /// where no quotation mark comes next.
    private mutating func quoted() throws(WhereError) -> String? {
        guard position < bytes.count, "\"'".utf8.contains(bytes[position]) else { return nil }
        let start = position
        let mark = bytes[position]
        var result: [UInt8] = []
        position += 1
        while position < bytes.count, bytes[position] != mark {
            if bytes[position] == UInt8(ascii: "\\"), position + 1 < bytes.count, bytes[position + 1] == mark {
                position += 1
            }
            result.append(bytes[position])
            position += 1
        }
        guard position < bytes.count else { throw WhereError(what: "a quotation mark is not closed", offset: start) }
        position += 1
        return String(decoding: result, as: UTF8.self)
    }

    private mutating func word(_ isPart: (UInt8) -> Bool) -> String {
        let start = position
        while position < bytes.count, isPart(bytes[position]) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func skip(_ sign: StaticString) -> Bool {
        skipBlanks()
        let count = sign.utf8CodeUnitCount
        guard bytes.count - position >= count,
            bytes[position..<(position + count)].elementsEqual(
                UnsafeBufferPointer(start: sign.utf8Start, count: count))
        else { return false }
        position += count
        return true
    }

    private mutating func skipBlanks() {
        while position < bytes.count, bytes[position].isBlank { position += 1 }
    }

    private func error(_ what: String) -> WhereError { WhereError(what: what, offset: position) }
}

extension UInt8 {
    fileprivate var isBlank: Bool { self == 0x20 || (0x09...0x0d).contains(self) }
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
    /// Letters, digits, `_` and `%` ("%cpu").
    fileprivate var isNameByte: Bool {
        isDigit || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) || self == UInt8(ascii: "_")
            || self == UInt8(ascii: "%")
    }
}
