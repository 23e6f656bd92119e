import Analysis
import Model

/// What live tasks are at.
extension HeapReport {
    private static let tasksFitting = 3

    /// Tasks by function, most first; nil where they are not known. The name is nil where no file knows one.
    var tasks: [(function: String?, count: Int)]? {
        guard let uses = findings.tasks else { return nil }
        var counts: [String?: Int] = [:]
        for use in uses { counts[function(of: use), default: 0] += use.count }
        return counts.map { (function: $0.key, count: $0.value) }
            .sorted { ($0.count, $1.function ?? "") > ($1.count, $0.function ?? "") }
    }

    /// The innermost function that is the program's own: every task that sleeps is in the library's function for that.
    private func function(of use: HeapFindings.TaskUse) -> String? {
        let symbols = use.functions.compactMap { look.symbols[$0] }.filter(\.isFunction)
        let own = symbols.first {
            !$0.module.hasPrefix("libswift") && !SymbolText.function($0.name).hasPrefix("Swift.")
        }
        return (own ?? symbols.first).map { SymbolText.function($0.name) }
    }

    func taskLines(_ options: Options) -> [String] {
        guard let tasks, !tasks.isEmpty else { return [] }
        let shown = options.shown(of: tasks.count, fitting: HeapReport.tasksFitting)
        var lines = tasks.prefix(shown).enumerated().map { number, task in
            let place = TerminalText.padded("\(number + 1)", to: 3, right: true)
            let count = TerminalText.padded("\(Units.grouped(task.count)) x", to: 23, right: true)
            return "\(place)\(count)  \(TerminalText.escaped(task.function ?? "a function without a name"))"
        }
        let left = tasks.count - shown
        if left > 0 { lines.append("     and \(Units.counted(left, "more function")) (--limit 0 shows all)") }
        return lines
    }

    var tasksJSON: JSONValue {
        guard let tasks else { return .null }
        return .array(
            tasks.map { task in
                .object(["function": JSONValue(task.function), "count": JSONValue(task.count)])
            })
    }
}
