import Analysis
import Model
import Report

/// Which rows are shown: a condition as `ps --where` has them, or a text that stands in the command line.
struct TopFilter: Sendable {
    let text: String
    /// nil: `text` is looked for as it stands.
    let expression: WhereExpression<ProcessField>?
    /// Rows are shown that do not fit.
    var isInverted = false

    /// - Throws: why it is neither.
    init(_ text: String) throws(WhereError) {
        self.text = text
        do throws(WhereError) {
            expression = try WhereExpression.parse(text) { name in
                ProcessField.named(name.lowercased()).map { (field: $0.field, isText: $0.field.isText) }
            }
        } catch {
            // A word alone is no condition, and meant as a part of the command line.
            guard !text.contains(where: { "=<>~!&|()".contains($0) }) else { throw error }
            expression = nil
        }
    }

    func matches(_ row: ProcessRow) -> Bool {
        let fits = expression?.matches { $0.liveValue(row) } ?? TopFilter.contains(text, row)
        return fits != isInverted
    }

    /// Without regard to the case of ASCII letters.
    static func contains(_ text: String, _ row: ProcessRow) -> Bool {
        guard !text.isEmpty else { return true }
        let pattern = text.utf8.map(lowered)
        return [row.commandLine, row.record.stat.commandBytes].contains { line in
            let line = line.map(lowered)
            return line.count >= pattern.count
                && (0...(line.count - pattern.count)).contains { line[$0...].starts(with: pattern) }
        }
    }

    private static func lowered(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }
}
