package import Model

/// Finding processes by a pattern in their names, their programs' paths or their arguments.
package struct ProcessSearch: Sendable {
    /// What the pattern was found in.
    package enum Place: String, Hashable, Sendable {
        case name, path, arguments
    }

    /// Where it is looked for.
    package enum Scope: Sendable {
        case everywhere
        /// In names and paths.
        case names
        /// In the whole command line only.
        case arguments
    }

    private let expression: RegularExpression?
    private let scope: Scope

    /// - Parameters:
    ///   - pattern: a POSIX extended expression; nil fits every process.
    ///   - isExact: it must fit a whole name, path or command line.
    package init(
        _ pattern: String?, scope: Scope, isExact: Bool, ignoresCase: Bool
    ) throws(RegularExpression.PatternError) {
        self.scope = scope
        guard let pattern else {
            expression = nil
            return
        }
        expression = try RegularExpression(isExact ? "^(\(pattern))$" : pattern, ignoresCase: ignoresCase)
    }

    /// The first place where the pattern was found; nil where it was not.
    /// - Parameter commandLine: of the process, with blanks between its arguments.
    package func place(in record: ProcessRecord, commandLine: [UInt8]) -> Place? {
        guard let expression else { return .name }
        if scope != .arguments {
            if expression.matches(record.stat.commandBytes) { return .name }
            if let path = record.executable, expression.matches(path) || expression.matches(ProcessSearch.file(path)) {
                return .path
            }
        }
        return scope != .names && expression.matches(commandLine) ? .arguments : nil
    }

    /// The process itself and its ancestors: whoever runs a search has its pattern among the arguments.
    package static func ancestry(of process: Int32, parent: (Int32) -> Int32?) -> Set<Int32> {
        var result: Set<Int32> = [process]
        var next = parent(process)
        while let ancestor = next, ancestor > 0, result.insert(ancestor).inserted { next = parent(ancestor) }
        return result
    }

    private static func file(_ path: [UInt8]) -> [UInt8] {
        path.lastIndex(of: UInt8(ascii: "/")).map { Array(path[($0 + 1)...]) } ?? path
    }
}
