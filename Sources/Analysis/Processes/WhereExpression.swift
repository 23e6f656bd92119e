/// A condition on the fields of a process: `cpu>5 && rss>100M && name~"redis"`.
///
/// Comparisons are `== = != < <= > >=` and, with POSIX extended expressions, `~ !~`; `! && ||` and parentheses join them.
/// K, M and G after a number are 1024, 1024² and 1024³. A value that is not known makes a comparison neither true nor
/// false, and so does not match, also below `!`.
package struct WhereExpression<Field: Sendable>: Sendable {
    enum Comparison: Sendable {
        case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
    }

    /// What stands behind a comparison: for fields that are text its bytes, for others its number, if it is one.
    struct Constant: Sendable {
        var text: [UInt8]
        var number: ProcessValue?
    }

    indirect enum Node: Sendable {
        case compare(Field, Comparison, Constant)
        case matches(Field, RegularExpression, isWanted: Bool)
        case not(Node)
        case and(Node, Node)
        case or(Node, Node)
    }

    let root: Node
    /// Every field that is asked about, in the order of the text.
    package let fields: [Field]

    /// Whether a process fits.
    package func matches(_ value: (Field) -> ProcessValue) -> Bool {
        WhereExpression.evaluate(root, value) == true
    }

    /// nil: neither true nor false, since something is not known (Kleene's three values).
    private static func evaluate(_ node: Node, _ value: (Field) -> ProcessValue) -> Bool? {
        switch node {
        case .compare(let field, let comparison, let constant):
            return compare(value(field), comparison, constant)
        case .matches(let field, let expression, let isWanted):
            return text(value(field)).map { expression.matches($0) == isWanted }
        case .not(let node): return evaluate(node, value).map { !$0 }
        case .and(let left, let right):
            let first = evaluate(left, value)
            if first == false { return false }
            let second = evaluate(right, value)
            return second == false ? false : first == nil ? nil : second
        case .or(let left, let right):
            let first = evaluate(left, value)
            if first == true { return true }
            let second = evaluate(right, value)
            return second == true ? true : first == nil ? nil : second
        }
    }

    private static func compare(_ value: ProcessValue, _ comparison: Comparison, _ constant: Constant) -> Bool? {
        let constant = if case .bytes = value { ProcessValue.bytes(constant.text) } else { constant.number ?? .unknown }
        guard let less = value.isLess(than: constant), let greater = constant.isLess(than: value) else { return nil }
        return switch comparison {
        case .equal: !less && !greater
        case .notEqual: less || greater
        case .less: less
        case .lessOrEqual: !greater
        case .greater: greater
        case .greaterOrEqual: !less
        }
    }

    private static func text(_ value: ProcessValue) -> [UInt8]? {
        switch value {
        case .unknown: nil
        case .integer(let value): Array("\(value)".utf8)
        case .number(let value): Array("\(value)".utf8)
        case .bytes(let bytes): bytes
        }
    }
}

/// Why a text is no condition.
package struct WhereError: Error, Hashable, Sendable {
    /// One line without a full stop.
    package let what: String
    /// Where in the text, in bytes from its start.
    package let offset: Int
}
