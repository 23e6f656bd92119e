/// Reads Protocol Buffers without a schema: the fields of a message in their order. What is cut short is nil.
struct ProtobufFields {
    enum Value: Equatable {
        case number(UInt64)
        case bytes([UInt8])
    }

    private(set) var fields: [(number: UInt64, value: Value)] = []

    init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let tag = Self.varint(&rest), let value = Self.varint(&rest) else { return nil }
            switch tag & 7 {
            case 0: fields.append((tag >> 3, .number(value)))
            case 2:
                guard value <= UInt64(rest.count) else { return nil }
                fields.append((tag >> 3, .bytes(Array(rest.prefix(Int(value))))))
                rest = rest.dropFirst(Int(value))
            default: return nil
            }
        }
    }

    func numbers(_ field: UInt64) -> [UInt64] {
        fields.compactMap { if $0.number == field, case .number(let value) = $0.value { value } else { nil } }
    }

    func bytes(_ field: UInt64) -> [[UInt8]] {
        fields.compactMap { if $0.number == field, case .bytes(let value) = $0.value { value } else { nil } }
    }

    func texts(_ field: UInt64) -> [String] { bytes(field).map { String(decoding: $0, as: UTF8.self) } }
    func messages(_ field: UInt64) -> [ProtobufFields] { bytes(field).compactMap { ProtobufFields($0) } }

    /// The values of a packed field.
    func packed(_ field: UInt64) -> [UInt64] {
        var values: [UInt64] = []
        for bytes in bytes(field) {
            var rest = bytes[...]
            while let value = Self.varint(&rest) { values.append(value) }
        }
        return values
    }

    private static func varint(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: 0 as UInt64, to: 70, by: 7) {
            guard let byte = rest.popFirst() else { return nil }
            value |= UInt64(byte & 0x7f) << shift
            if byte < 0x80 { return value }
        }
        return nil
    }
}
