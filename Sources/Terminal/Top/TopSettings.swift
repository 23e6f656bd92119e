import Report

/// What the live screen keeps from one start to the next: few things, as lines of text. A damaged file is harmless: what is not
/// understood is left as it was.
package struct TopSettings: Hashable, Sendable {
    /// What the table shows of each row, and in which order; Tab turns from one to the other.
    package enum Screen: String, Hashable, Sendable, CaseIterable {
        case main
        /// Who reads and writes, and who has to wait for it.
        case io

        var title: String {
            switch self {
            case .main: "Main"
            case .io: "I/O"
            }
        }
    }

    private struct View: Hashable, Sendable {
        var columns: [String]
        var sort: String
        var descending = true
        var isTree = false
    }

    /// The one that is shown; each start begins with the first.
    package var screen = Screen.main
    private var main = View(columns: TopSettings.defaultColumns, sort: "pcpu")
    private var io = View(
        columns: ["pid", "user", "ioprio", "iorate", "readrate", "writerate", "swapdelay", "iodelay", "args"],
        sort: "iorate")

    private var view: View {
        get { screen == .main ? main : io }
        set { if screen == .main { main = newValue } else { io = newValue } }
    }

    /// Names of fields (`nusu ps --fields`). Like the order, of the screen that is shown.
    package var columns: [String] {
        get { view.columns }
        set { view.columns = newValue }
    }
    package var sort: String {
        get { view.sort }
        set { view.sort = newValue }
    }
    package var descending: Bool {
        get { view.descending }
        set { view.descending = newValue }
    }
    package var isTree: Bool {
        get { view.isTree }
        set { view.isTree = newValue }
    }
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
        columns = \(main.columns.joined(separator: ","))
        sort = \(main.descending ? "-" : "")\(main.sort)
        tree = \(main.isTree ? "yes" : "no")
        io-columns = \(io.columns.joined(separator: ","))
        io-sort = \(io.descending ? "-" : "")\(io.sort)
        io-tree = \(io.isTree ? "yes" : "no")
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
        case "columns": TopSettings.setColumns(&main, value)
        case "sort": TopSettings.setSort(&main, value)
        case "tree": TopSettings.set(&main.isTree, value)
        case "io-columns": TopSettings.setColumns(&io, value)
        case "io-sort": TopSettings.setSort(&io, value)
        case "io-tree": TopSettings.set(&io.isTree, value)
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

    private static func setColumns(_ view: inout View, _ value: String) {
        view.columns = known(value.split(separator: ",").map(String.init)) ?? view.columns
    }

    private static func setSort(_ view: inout View, _ value: String) {
        let name = value.hasPrefix("-") ? String(value.dropFirst()) : value
        guard ProcessField.named(name) != nil else { return }
        view.sort = name
        view.descending = value.hasPrefix("-")
    }

    /// Takes the columns that there are, each once; none leaves things as they were.
    package mutating func setColumns(_ names: [String]) { columns = TopSettings.known(names) ?? columns }

    /// nil where none of them is known.
    private static func known(_ names: [String]) -> [String]? {
        var known: [String] = []
        for name in names.prefix(TopSettings.columnLimit * 2) {
            guard let field = ProcessField.named(name)?.field, !known.contains(field.key) else { continue }
            known.append(field.key)
        }
        return known.isEmpty ? nil : Array(known.prefix(TopSettings.columnLimit))
    }

    /// The fields of the columns, in their order; the command comes last, where it may be as long as it likes.
    var fields: [ProcessField] {
        let all = columns.compactMap { ProcessField.named($0)?.field }
        return all.filter { !$0.isOpen } + all.filter(\.isOpen)
    }

    var sortField: ProcessField? { ProcessField.named(sort)?.field }
}
