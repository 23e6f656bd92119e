/// One field of one process, in the field's own unit: bytes, seconds, per cent, a number, or text.
package enum ProcessValue: Hashable, Sendable {
    /// Not known: not permitted, gone, or there is no such thing for this process.
    case unknown
    case integer(Int64)
    case number(Double)
    /// Raw bytes of whoever wrote them.
    case bytes([UInt8])

    package static func text(_ text: String) -> ProcessValue { .bytes(Array(text.utf8)) }

    package init(_ value: UInt64?) { self = value.map { .integer(Int64(clamping: $0)) } ?? .unknown }
    package init(_ value: Int64?) { self = value.map { .integer($0) } ?? .unknown }
    package init(_ value: Int32?) { self = value.map { .integer(Int64($0)) } ?? .unknown }
    package init(_ value: UInt32?) { self = value.map { .integer(Int64($0)) } ?? .unknown }
    package init(_ value: Int?) { self = value.map { .integer(Int64($0)) } ?? .unknown }
    package init(_ value: Double?) { self = value.map { .number($0) } ?? .unknown }
    package init(_ value: [UInt8]?) { self = value.map { .bytes($0) } ?? .unknown }

    /// The value as a number; nil where it is text or not known.
    package var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .bytes, .unknown: nil
        }
    }

    /// Numbers by size, text by its bytes. nil where the two cannot be compared: one is not known, or they differ in kind.
    package func isLess(than other: ProcessValue) -> Bool? {
        switch (self, other) {
        case (.integer(let left), .integer(let right)): return left < right
        case (.bytes(let left), .bytes(let right)): return left.lexicographicallyPrecedes(right)
        default:
            guard let left = double, let right = other.double else { return nil }
            return left < right
        }
    }
}

/// What rows are sorted by.
package struct ProcessSortKey<Field: Sendable>: Sendable {
    package var field: Field
    package var descending: Bool

    package init(field: Field, descending: Bool) {
        self.field = field
        self.descending = descending
    }
}

package enum ProcessOrder {
    /// The places of values in their order. Equal ones keep theirs, and unknown ones come last whichever way it goes.
    package static func places(of values: [ProcessValue], descending: Bool) -> [Int] {
        values.indices.sorted { left, right in
            let (first, second) = (values[left], values[right])
            if first == second { return left < right }
            if first == .unknown || second == .unknown { return second == .unknown }
            if first.isLess(than: second) == true { return !descending }
            if second.isLess(than: first) == true { return descending }
            return left < right
        }
    }

    /// The rows in the order of the keys, the first one first. Rows that the keys do not tell apart keep their order, and
    /// unknown values come last whichever way it goes.
    package static func sorted<Row, Field>(
        _ rows: [Row], by keys: [ProcessSortKey<Field>], value: (Row, Field) -> ProcessValue
    ) -> [Row] {
        guard !keys.isEmpty else { return rows }
        let values = rows.map { row in keys.map { value(row, $0.field) } }
        let order = rows.indices.sorted { left, right in
            for (number, key) in keys.enumerated() {
                let (first, second) = (values[left][number], values[right][number])
                if first == second { continue }
                if first == .unknown || second == .unknown { return second == .unknown }
                if first.isLess(than: second) == true { return !key.descending }
                if second.isLess(than: first) == true { return key.descending }
            }
            return left < right
        }
        return order.map { rows[$0] }
    }
}
