/// Which field of a class lies at an offset, by class: from debug information or metadata, where a program has it.
package struct FieldNames: Hashable, Sendable {
    package struct Field: Hashable, Sendable {
        /// Bytes from the start of an object.
        package let offset: UInt64
        package let size: UInt64
        /// "next", "peer.address" for a field of a field, "slots[i]" in an array. Not escaped.
        package let name: String

        package init(offset: UInt64, size: UInt64, name: String) {
            self.offset = offset
            self.size = size
            self.name = name
        }
    }

    /// By class, as findings name its type: "app::Peer", "main.Peer". Ascending by offset.
    package let classes: [String: [Field]]

    package static let none = FieldNames([:])

    package init(_ classes: [String: [Field]]) {
        self.classes = classes.mapValues { $0.sorted { ($0.offset, $0.size) < ($1.offset, $1.size) } }
    }

    /// From what `nusu-symbols` wrote: "=CLASS", then "OFFSET SIZE FIELD" a line. Only what has this form counts, and only of
    /// the classes that were asked for: the helper reads what others wrote.
    package init(answer: [UInt8], asked: Set<String>) {
        var classes: [String: [Field]] = [:]
        var current: String?
        for line in String(decoding: answer, as: UTF8.self).split(separator: "\n") {
            if line.hasPrefix("=") {
                let name = String(line.dropFirst())
                // A class may be described in several units: the first counts.
                current = asked.contains(name) && classes[name] == nil ? name : nil
                if let current { classes[current] = [] }
                continue
            }
            let words = line.split(separator: " ", maxSplits: 2)
            guard let current, words.count == 3, let offset = UInt64(words[0]), let size = UInt64(words[1]),
                words[2].utf8.count <= FieldNames.nameLimit
            else { continue }
            classes[current]?.append(Field(offset: offset, size: size, name: String(words[2])))
        }
        self.init(classes)
    }

    private static let nameLimit = 512

    package var isEmpty: Bool { classes.isEmpty }

    /// What either knows.
    package func merging(_ other: FieldNames) -> FieldNames {
        FieldNames(classes.merging(other.classes) { $0 + $1 })
    }

    /// The name of the field at a place as paths write it where they know no better, "+16"; nil where none is known.
    package func name(_ place: String, of type: String) -> String? {
        guard let offset = FieldNames.offset(place), let fields = classes[type] else { return nil }
        // The smallest: a field of a field says more than the field.
        return fields.filter { offset >= $0.offset && offset - $0.offset < max($0.size, 1) }.min { $0.size < $1.size }?
            .name
    }

    /// 16 for "+16"; nil for every other text.
    package static func offset(_ place: String) -> UInt64? {
        place.hasPrefix("+") ? UInt64(place.dropFirst()) : nil
    }
}
