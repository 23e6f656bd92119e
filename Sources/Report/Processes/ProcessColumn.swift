package import Model

/// A field as a column: what `-o` asks for, with its title and width.
package struct ProcessColumn: Sendable {
    package var field: ProcessField
    /// Empty: without a title; where all columns are, there is no line of titles.
    package var title: String
    /// Columns at least; nil for the field's own.
    package var width: Int?
    private var hasOwnTitle = false

    init(field: ProcessField, title: String) {
        self.field = field
        self.title = title
    }

    /// `pid`, `pid=`, `pid=NUMBER`, `user:20`.
    /// - Throws: `.usage` where there is no such field.
    package static func parse(_ text: some StringProtocol) throws(Failure) -> ProcessColumn {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let named = parts[0].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let name = String(named[0])
        guard let found = ProcessField.named(name.lowercased()) else {
            throw Failure(
                .usage, what: "there is no field '\(name)'", subject: name, remedy: "list the fields: nusu ps --fields")
        }
        var column = ProcessColumn(field: found.field, title: found.title)
        if parts.count == 2 {
            column.title = String(parts[1])
            column.hasOwnTitle = true
        }
        if named.count == 2 {
            guard let width = Int(named[1]), (1...1000).contains(width) else {
                throw Failure(
                    .usage, what: "\(named[1]) is no width", subject: String(text), remedy: "for example: -o user:20")
            }
            column.width = width
        }
        return column
    }

    /// Several of them with commas or blanks between.
    package static func list(_ text: some StringProtocol) throws(Failure) -> [ProcessColumn] {
        var columns: [ProcessColumn] = []
        for part in text.split(whereSeparator: { $0 == "," || $0 == " " }) { columns.append(try parse(part)) }
        guard !columns.isEmpty else {
            throw Failure(
                .usage, what: "a list of fields is empty", subject: "-o", remedy: "for example: nusu ps -e -o pid,args")
        }
        return columns
    }

    func width(_ context: ProcessContext) -> Int {
        if let width { return width }
        let own = field.isProcessNumber ? max(field.width, context.numberWidth) : field.width
        // ps keeps its columns as narrow as they are even where their own titles are wider.
        return hasOwnTitle ? max(own, TerminalText.width(title)) : own
    }
}

/// What is read to show columns.
package func sources(of columns: [ProcessColumn]) -> ProcessSources {
    columns.reduce(into: []) { $0.formUnion($1.field.sources) }
}
