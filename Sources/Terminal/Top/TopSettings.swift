import Report

/// What the live screen keeps from one start to the next: few things, as lines of text. A damaged file is harmless: what is not
/// understood is left as it was.
package struct TopSettings: Hashable, Sendable {
    /// Names of fields (`nusu ps --fields`).
    package var columns = TopSettings.defaultColumns
    package var sort = "pcpu"
    package var descending = true
    package var isTree = false
    /// Threads of the kernel are shown.
    package var kernelThreads = false
    /// Threads of processes that have several are rows of their own.
    package var threads = false
    /// The lines about the machine are shown, not only the first.
    package var meters = true
    /// Commands are shown with the folders of their programs.
    package var programPaths = false
    /// The line for who is here for the first time was seen.
    package var isFamiliar = false

    package static let defaultColumns = ["pid", "user", "s", "pcpu", "pmem", "rss", "time", "nlwp", "args"]

    package init() {}

    private static let version = "nusu.top/1"
    private static let sizeLimit = 16 * 1024
    private static let columnLimit = 40

    /// The file's text.
    package var text: String {
        """
        \(TopSettings.version)
        columns = \(columns.joined(separator: ","))
        sort = \(descending ? "-" : "")\(sort)
        tree = \(isTree ? "yes" : "no")
        kernel-threads = \(kernelThreads ? "yes" : "no")
        threads = \(threads ? "yes" : "no")
        meters = \(meters ? "yes" : "no")
        program-paths = \(programPaths ? "yes" : "no")
        familiar = \(isFamiliar ? "yes" : "no")

        """
    }

    /// The settings of a file, which may hold anything; a file of another version has none.
    package init(parsing bytes: [UInt8]) {
        self.init()
        guard bytes.count <= TopSettings.sizeLimit, let text = String(validating: bytes, as: UTF8.self) else { return }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.first.map(String.init) == TopSettings.version else { return }
        for line in lines.dropFirst() {
            let parts = line.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " } }
            if parts.count == 2 { set(parts[0], parts[1]) }
        }
    }

    private mutating func set(_ key: String, _ value: String) {
        switch key {
        case "columns": setColumns(value.split(separator: ",").map(String.init))
        case "sort":
            let name = value.hasPrefix("-") ? String(value.dropFirst()) : value
            guard ProcessField.named(name) != nil else { return }
            sort = name
            descending = value.hasPrefix("-")
        case "tree": TopSettings.set(&isTree, value)
        case "kernel-threads": TopSettings.set(&kernelThreads, value)
        case "threads": TopSettings.set(&threads, value)
        case "meters": TopSettings.set(&meters, value)
        case "program-paths": TopSettings.set(&programPaths, value)
        case "familiar": TopSettings.set(&isFamiliar, value)
        default: break
        }
    }

    private static func set(_ flag: inout Bool, _ value: String) {
        if value == "yes" { flag = true }
        if value == "no" { flag = false }
    }

    /// Takes the columns that there are, each once; none leaves things as they were.
    package mutating func setColumns(_ names: [String]) {
        var known: [String] = []
        for name in names.prefix(TopSettings.columnLimit * 2) {
            guard let field = ProcessField.named(name)?.field, !known.contains(field.key) else { continue }
            known.append(field.key)
        }
        if !known.isEmpty { columns = Array(known.prefix(TopSettings.columnLimit)) }
    }

    /// The fields of the columns, in their order; the command comes last, where it may be as long as it likes.
    var fields: [ProcessField] {
        let all = columns.compactMap { ProcessField.named($0)?.field }
        return all.filter { !$0.isOpen } + all.filter(\.isOpen)
    }

    var sortField: ProcessField? { ProcessField.named(sort)?.field }
}
