import Model
import Report

/// A command line in three parts: the program's folder, its name, and its arguments. Escaped, and no longer than is shown.
struct TopCommand {
    private(set) var path = ""
    private(set) var name = ""
    private(set) var rest = ""

    /// - Parameters:
    ///   - isWhole: the command line; else the name alone.
    ///   - hasPath: with the program's folder.
    ///   - shift: so many characters of it are left out.
    ///   - limit: cells that there can be at most.
    init(_ row: ProcessRow, isWhole: Bool, hasPath: Bool, shift: Int, limit: Int) {
        let isNameOnly = !isWhole || row.isThread || row.record.argumentBytes?.isEmpty != false
        let bytes = isNameOnly ? Self.name(row, isWhole) : row.commandLine
        // A character has at most a few bytes; what is cut off beyond is not seen.
        let text = TerminalText.escaped(Array(bytes.prefix((shift + limit) * 8)))
        var word = text.prefix { $0 != " " }
        // Titles that programs write themselves ("postgres: writer") and names in brackets have no folder.
        if isNameOnly || word.last == ":" { word = text[...].prefix(isNameOnly ? text.count : word.count) }
        let folder = isNameOnly ? nil : word.lastIndex(of: "/")
        let start = folder.map { text.index(after: $0) } ?? text.startIndex
        path = hasPath ? String(text[..<start]) : ""
        name = String(text[start..<word.endIndex])
        rest = String(text[word.endIndex...])
        if shift > 0 { drop(shift) }
    }

    private static func name(_ row: ProcessRow, _ isWhole: Bool) -> [UInt8] {
        // The remainder is no program: no brackets.
        isWhole && row.processID != 0 && !row.isThread ? row.commandLine : row.record.stat.commandBytes
    }

    private mutating func drop(_ count: Int) {
        var left = count
        for part in [\TopCommand.path, \TopCommand.name, \TopCommand.rest] {
            let cut = min(left, self[keyPath: part].count)
            self[keyPath: part].removeFirst(cut)
            left -= cut
        }
    }
}
