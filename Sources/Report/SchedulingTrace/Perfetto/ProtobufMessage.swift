/// A message of Protocol Buffers as it is written (protobuf.dev/programming-guides/encoding): fields behind each other, each a number
/// with how it is written, then its value.
struct ProtobufMessage: Sendable {
    private enum Wire: UInt64 {
        case number = 0
        case bytes = 2
    }

    private(set) var bytes: [UInt8] = []

    var isEmpty: Bool { bytes.isEmpty }

    /// A field of type uint32, uint64 or bool.
    mutating func add(_ field: UInt64, _ value: UInt64) {
        addVarint(field << 3 | Wire.number.rawValue)
        addVarint(value)
    }

    /// A field of type int32 or int64: those below 0 take ten bytes.
    mutating func add(_ field: UInt64, _ value: Int32) { add(field, UInt64(bitPattern: Int64(value))) }

    mutating func add(_ field: UInt64, _ text: String) { add(field, bytes: Array(text.utf8)) }

    mutating func add(_ field: UInt64, _ message: ProtobufMessage) { add(field, bytes: message.bytes) }

    /// A repeated field of numbers, packed.
    mutating func add(_ field: UInt64, packed values: ProtobufNumbers) {
        guard !values.bytes.isEmpty else { return }
        add(field, bytes: values.bytes)
    }

    private mutating func add(_ field: UInt64, bytes added: [UInt8]) {
        addVarint(field << 3 | Wire.bytes.rawValue)
        addVarint(UInt64(added.count))
        bytes += added
    }

    private mutating func addVarint(_ value: UInt64) { ProtobufNumbers.append(value, to: &bytes) }
}

/// The values of a packed field.
struct ProtobufNumbers: Sendable {
    private(set) var bytes: [UInt8] = []

    mutating func append(_ value: UInt64) { ProtobufNumbers.append(value, to: &bytes) }
    mutating func append(_ value: Int32) { append(UInt64(bitPattern: Int64(value))) }

    /// Seven bits a byte, the lowest first; the highest bit says whether more follow.
    static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
