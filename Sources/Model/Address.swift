/// An address in the address space of one process: 64 bits, no claim that anything lies there.
package struct Address: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package init(_ rawValue: UInt64) { self.rawValue = rawValue }

    /// `0x` and at least one hexadecimal digit, as the kernel and every debugger write it.
    package var description: String { "0x" + String(rawValue, radix: 16) }

    package static func < (left: Address, right: Address) -> Bool { left.rawValue < right.rawValue }

    /// Wraps around at the ends of the address space: addresses that a target wrote may be anything, and arithmetic on
    /// them must not trap.
    package static func + (left: Address, bytes: UInt64) -> Address { Address(left.rawValue &+ bytes) }
    package static func - (left: Address, bytes: UInt64) -> Address { Address(left.rawValue &- bytes) }
}

/// A half-open range of addresses, `lower ..< upper`. An inverted pair of bounds gives an empty range.
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    package let lower: UInt64
    package let upper: UInt64

    package init(_ lower: UInt64, _ upper: UInt64) {
        self.lower = lower
        self.upper = max(lower, upper)
    }

    /// Number of bytes.
    package var count: UInt64 { upper - lower }
    package var isEmpty: Bool { upper == lower }

    package func contains(_ address: UInt64) -> Bool { address >= lower && address < upper }
    package func contains(_ other: AddressRange) -> Bool { other.lower >= lower && other.upper <= upper }
    package func overlaps(_ other: AddressRange) -> Bool { lower < other.upper && other.lower < upper }

    package func intersection(_ other: AddressRange) -> AddressRange {
        AddressRange(max(lower, other.lower), min(upper, other.upper))
    }

    package var description: String { "\(Address(lower))-\(Address(upper))" }
}

extension Array where Element == AddressRange {
    /// Sorted, with overlapping and adjacent ranges joined and empty ones dropped.
    package func merged() -> [AddressRange] {
        var result: [AddressRange] = []
        for range in sorted(by: { $0.lower < $1.lower }) where !range.isEmpty {
            if let last = result.last, range.lower <= last.upper {
                result[result.count - 1] = AddressRange(last.lower, Swift.max(last.upper, range.upper))
            } else {
                result.append(range)
            }
        }
        return result
    }

    /// What is in `self` and not in `others`. Both must be sorted and free of overlaps (`merged()`).
    package func subtracting(_ others: [AddressRange]) -> [AddressRange] {
        var result: [AddressRange] = []
        var next = 0
        for range in self {
            var lower = range.lower
            while next < others.count, others[next].upper <= lower { next += 1 }
            var index = next
            while index < others.count, others[index].lower < range.upper {
                if others[index].lower > lower { result.append(AddressRange(lower, others[index].lower)) }
                lower = Swift.max(lower, others[index].upper)
                index += 1
            }
            if lower < range.upper { result.append(AddressRange(lower, range.upper)) }
        }
        return result
    }
}
