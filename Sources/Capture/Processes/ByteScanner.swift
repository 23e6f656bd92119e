/// A bounds-checked cursor over bytes that some process may have had a hand in. Every method says nil or false instead
/// of trapping, and none of them moves past the end.
struct ByteScanner {
    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var position: Int
    let end: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.init(bytes, from: 0, to: bytes.count)
    }

    private init(_ bytes: UnsafeBufferPointer<UInt8>, from: Int, to end: Int) {
        self.bytes = bytes
        self.position = from
        self.end = end
    }

    var isAtEnd: Bool { position >= end }
    var peek: UInt8? { position < end ? bytes[position] : nil }
    var rest: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: bytes[position..<end]) }

    /// The next line without its newline; nil at the end.
    mutating func line() -> ByteScanner? {
        guard position < end else { return nil }
        var at = position
        while at < end, bytes[at] != UInt8(ascii: "\n") { at += 1 }
        let line = ByteScanner(bytes, from: position, to: at)
        position = min(at + 1, end)
        return line
    }

    mutating func skip(_ byte: UInt8) -> Bool {
        guard position < end, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    mutating func skip(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard end - position >= count else { return false }
        for index in 0..<count where bytes[position + index] != text.utf8Start[index] { return false }
        position += count
        return true
    }

    mutating func skipBlanks() {
        while position < end, bytes[position] == UInt8(ascii: " ") || bytes[position] == UInt8(ascii: "\t") {
            position += 1
        }
    }

    /// What lies before `byte`, which is skipped too; nil (and no move) when there is none.
    mutating func upTo(_ byte: UInt8) -> UnsafeBufferPointer<UInt8>? {
        var at = position
        while at < end, bytes[at] != byte { at += 1 }
        guard at < end else { return nil }
        defer { position = at + 1 }
        return UnsafeBufferPointer(rebasing: bytes[position..<at])
    }

    /// The next run of bytes that are no blanks; nil at the end of the line.
    mutating func word() -> UnsafeBufferPointer<UInt8>? {
        skipBlanks()
        let start = position
        while position < end, bytes[position] != UInt8(ascii: " "), bytes[position] != UInt8(ascii: "\t") {
            position += 1
        }
        return position > start ? UnsafeBufferPointer(rebasing: bytes[start..<position]) : nil
    }

    /// At least one digit and no overflow, or nil.
    mutating func decimal() -> UInt64? {
        var value: UInt64 = 0
        let start = position
        while position < end {
            let digit = bytes[position] &- UInt8(ascii: "0")
            guard digit < 10 else { break }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
            guard !overflow, !carry else { return nil }
            value = sum
            position += 1
        }
        return position > start ? value : nil
    }

    mutating func signedDecimal() -> Int64? {
        let negative = skip(UInt8(ascii: "-"))
        guard let magnitude = decimal(), magnitude <= UInt64(Int64.max) else { return nil }
        return negative ? -Int64(magnitude) : Int64(magnitude)
    }

    /// One to sixteen hexadecimal digits of either case, or nil.
    mutating func hexadecimal() -> UInt64? {
        var value: UInt64 = 0
        let start = position
        while position < end {
            let byte = bytes[position]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: return position > start ? value : nil
            }
            guard position - start < 16 else { return nil }
            value = value << 4 | UInt64(digit)
            position += 1
        }
        return position > start ? value : nil
    }

    /// A bit mask as `status` prints it; nil when there is none.
    mutating func blankThenHexadecimal() -> UInt64? {
        skipBlanks()
        return hexadecimal()
    }

    /// A decimal number after blanks, held to `Int32` (identifiers of processes and users).
    mutating func blankThenInt32() -> Int32? {
        skipBlanks()
        return signedDecimal().flatMap { Int32(exactly: $0) }
    }

    /// "  123 kB" in bytes; nil on anything else or on overflow.
    mutating func blankThenKilobytes() -> UInt64? {
        skipBlanks()
        guard let count = decimal() else { return nil }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: 1024)
        return overflow ? nil : bytes
    }
}

/// Undoes the kernel's `\ooo` (three octal digits) for newlines, blanks and backslashes in names. A backslash that no
/// three octal digits follow stands for itself.
func undoingOctalEscapes(_ bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    guard bytes.contains(UInt8(ascii: "\\")) else { return Array(bytes) }
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
        if bytes[index] == UInt8(ascii: "\\"), index + 3 < bytes.count,
            let code = octalCode(bytes[index + 1], bytes[index + 2], bytes[index + 3])
        {
            result.append(code)
            index += 4
        } else {
            result.append(bytes[index])
            index += 1
        }
    }
    return result
}

private func octalCode(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> UInt8? {
    let digits = [first, second, third].map { $0 &- UInt8(ascii: "0") }
    guard digits[0] < 4, digits[1] < 8, digits[2] < 8 else { return nil }
    return digits[0] << 6 | digits[1] << 3 | digits[2]
}
