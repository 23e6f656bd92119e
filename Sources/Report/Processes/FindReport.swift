package import Analysis
import Model

/// What `nusu find` found.
package struct FindReport: Sendable {
    package enum Form: Hashable, Sendable {
        /// A table where people read, numbers alone where a program does.
        case automatic
        /// `-a`: number and command line.
        case commandLines
        /// `-l`: number and name.
        case names
        /// `-c`
        case count
    }

    package struct Match: Sendable {
        package var row: ProcessRow
        package var place: ProcessSearch.Place

        package init(row: ProcessRow, place: ProcessSearch.Place) {
            self.row = row
            self.place = place
        }
    }

    /// nil: by user, terminal or parent only.
    let pattern: String?
    package let matches: [Match]
    /// Ancestors of nusu that the pattern fits too.
    let leftOut: [Int32]
    private let context: ProcessContext

    package init(pattern: String?, matches: [Match], leftOut: [Int32], _ context: ProcessContext) {
        self.pattern = pattern
        self.matches = matches
        self.leftOut = leftOut
        self.context = context
    }

    package func text(_ form: Form, _ style: TextStyle) -> String {
        switch form {
        case .count: return "\(matches.count)\n"
        case .commandLines: return lines { TerminalText.escaped($0.row.commandLine) }
        case .names: return lines { TerminalText.escaped($0.row.stat.commandBytes) }
        case .automatic: break
        }
        guard style.isTerminal else { return matches.map { "\($0.row.record.processID)\n" }.joined() }
        return table(style)
    }

    /// The document of schema nusu.find/1.
    package func json() -> String {
        let processes = matches.map { match in
            var object = match.row.object(FindReport.fields)
            object["matched"] = .string(match.place.rawValue)
            return JSONValue.object(object)
        }
        return JSONValue.object([
            "schema": "nusu.find/1", "pattern": JSONValue(pattern), "processes": .array(processes),
            "ancestorsLeftOut": .array(leftOut.map { JSONValue($0) }),
        ]).document()
    }

    /// Where the pattern cannot fit a name, since the kernel keeps 15 bytes of those; nil where it can.
    /// - Parameter namesOnly: nothing else was looked at.
    package static func hint(pattern: String, namesOnly: Bool) -> String? {
        guard let length = fixedLength(pattern), length > 15 else { return nil }
        return "names of commands have at most 15 characters, this pattern \(length): it can only match "
            + (namesOnly ? "arguments; add -f" : "paths and arguments")
    }

    /// Bytes that a pattern matches where it is text, with `.` for any byte, a backslash before a byte that is meant as such,
    /// and anchors; nil for any other expression.
    private static func fixedLength(_ pattern: String) -> Int? {
        var length = 0
        var bytes = pattern.utf8[...]
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "^"), UInt8(ascii: "$"): break
            case UInt8(ascii: "\\"):
                guard bytes.popFirst() != nil else { return nil }
                length += 1
            case _ where "[]|()*+?{}".utf8.contains(byte): return nil
            default: length += 1
            }
        }
        return length
    }

    private static let fields = ["pid", "ppid", "user", "s", "comm", "args", "exe", "started"].compactMap {
        ProcessField.named($0)?.field
    }

    private func lines(_ text: (Match) -> String) -> String {
        matches.map { "\($0.row.record.processID) \(text($0))\n" }.joined()
    }

    private func table(_ style: TextStyle) -> String {
        let what = pattern.map { " match \(TerminalText.escaped($0))" } ?? " match"
        let count = Units.counted(matches.count, "process", plural: "processes")
        var lines = [style.strong(style.fit("\(count)\(what)."))]
        if let columns = try? ProcessColumn.list("pid,user,etime,args"), !matches.isEmpty {
            lines += ["", ProcessTable(columns, context).text(matches.map(\.row), hasTitles: true, style)]
        }
        if !leftOut.isEmpty {
            lines.append(
                style.fit(
                    "  left out: what started this search (\(leftOut.map { "\($0)" }.joined(separator: ", "))); --ancestors"
                ))
        }
        if let first = matches.first {
            lines.append(
                style.fit("next: nusu tree \(first.row.record.processID)      who started it, and what it started"))
        }
        return lines.map { $0.hasSuffix("\n") ? $0 : $0 + "\n" }.joined()
    }
}
