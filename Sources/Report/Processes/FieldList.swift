/// What `nusu ps --fields` prints: the table of fields, in words.
package enum FieldList {
    package static func text(_ style: TextStyle) -> String {
        var lines = [
            "\(ProcessField.all.count) fields, for -o, --sort and --where; sizes are KiB in columns, bytes elsewhere.",
            "",
        ]
        lines.append(line("name", "also", "unit", "from", "readable for", "meaning"))
        for field in ProcessField.all {
            let also = field.spellings.map(\.key).joined(separator: " ")
            lines.append(line(field.key, also, field.unit.rawValue, field.file, field.right.rawValue, field.meaning))
        }
        return lines.map(style.fit).joined(separator: "\n") + "\n"
    }

    /// The document of schema nusu.fields/1.
    package static func json() -> String {
        let fields = ProcessField.all.map { field in
            JSONValue.object([
                "name": .string(field.key), "title": .string(field.title), "json": .string(field.json),
                "also": .array(field.spellings.map { .string($0.key) }), "meaning": .string(field.meaning),
                "unit": .string(field.unit.rawValue), "source": .string(field.file),
                "right": .string(field.right.rawValue), "needsInterval": JSONValue(field.isRate),
            ])
        }
        return JSONValue.object(["schema": "nusu.fields/1", "fields": .array(fields)]).document()
    }

    private static func line(
        _ name: String, _ also: String, _ unit: String, _ file: String, _ right: String, _ meaning: String
    ) -> String {
        TerminalText.padded(name, to: 11) + TerminalText.padded(also, to: 26) + " " + TerminalText.padded(unit, to: 8)
            + TerminalText.padded(file, to: 22) + TerminalText.padded(right, to: 29) + meaning
    }
}
