package import Analysis
package import Model

/// One thing that is known of a process. The table of them (`ProcessField.all`) drives columns, JSON, sorting, conditions
/// and the list that `--fields` prints: a field is added there and nowhere else.
package struct ProcessField: Sendable {
    enum Unit: String, Sendable {
        case none = ""
        case text = "text"
        case bytes = "bytes"
        case seconds = "seconds"
        case percent = "%"
        case perSecond = "1/s"
        case bytesPerSecond = "bytes/s"
    }

    /// How a column is laid out.
    enum Alignment: Sendable {
        case left
        case right
        /// Left, and a text that is too long ends with `+`.
        case name
        /// Left, cut to its width, but as long as it likes in the last column.
        case open
    }

    /// Who may read it.
    enum Right: String, Sendable {
        case everybody = "everybody"
        case owner = "its user, or CAP_SYS_PTRACE"
        case administrator = "CAP_NET_ADMIN"
    }

    /// What it is called in `-o`, `--sort` and `--where`.
    package let key: String
    /// The title of its column.
    let title: String
    /// Other names, each with the title that its column then has.
    let spellings: [(key: String, title: String)]
    let meaning: String
    let unit: Unit
    /// What must be read for it besides `stat`.
    package let sources: ProcessSources
    /// The file it comes from, for people.
    let file: String
    let right: Right
    /// Columns at least; numbers of processes take more where the machine has more of them.
    let width: Int
    let isProcessNumber: Bool
    let alignment: Alignment
    /// Its key in JSON.
    package let json: String
    /// Only known after a second look.
    package let isRate: Bool
    /// In the field's unit: what is sorted, compared, and written to JSON.
    package let value: @Sendable (ProcessRow) -> ProcessValue
    /// What its column shows.
    let text: @Sendable (ProcessRow) -> String

    package var isText: Bool { unit == .text }

    init(
        _ key: String, _ title: String, also spellings: KeyValuePairs<String, String> = [:], json: String,
        _ meaning: String, unit: Unit = .none, sources: ProcessSources = [], file: String = "stat",
        right: Right = .everybody, width: Int, isProcessNumber: Bool = false, _ alignment: Alignment = .right,
        isRate: Bool = false, value: @escaping @Sendable (ProcessRow) -> ProcessValue,
        text: (@Sendable (ProcessRow) -> String)? = nil
    ) {
        self.key = key
        self.title = title
        self.spellings = spellings.map { ($0.key, $0.value) }
        self.json = json
        self.meaning = meaning
        self.unit = unit
        self.sources = sources
        self.file = file
        self.right = right
        self.width = width
        self.isProcessNumber = isProcessNumber
        self.alignment = alignment
        self.isRate = isRate
        self.value = value
        self.text = text ?? { ProcessField.plain(value($0)) }
    }

    /// A value that needs no form of its own; "-" where it is not known.
    static func plain(_ value: ProcessValue) -> String {
        switch value {
        case .unknown: "-"
        case .integer(let value): "\(value)"
        case .number(let value): tenths(value)
        case .bytes(let bytes): TerminalText.escaped(bytes)
        }
    }

    /// One decimal, cut and not rounded, as ps has it.
    static func tenths(_ value: Double) -> String {
        let tenths = Int(min(max(value * 10, -1e15), 1e15))
        return "\(tenths < 0 ? "-" : "")\(abs(tenths) / 10).\(abs(tenths) % 10)"
    }

    /// KiB, as ps has sizes.
    static func kibibytes(_ value: ProcessValue) -> String {
        if case .integer(let bytes) = value { "\(bytes / 1024)" } else { "-" }
    }
}

extension ProcessField {
    /// Every field, in the order in which `--fields` lists them.
    package static let all: [ProcessField] = identity + commands + state + times + memory + scheduling + signals + rates

    private static let byName: [String: (field: ProcessField, title: String)] = {
        var names: [String: (field: ProcessField, title: String)] = [:]
        for field in all {
            names[field.key] = (field, field.title)
            for spelling in field.spellings { names[spelling.key] = (field, spelling.title) }
        }
        return names
    }()

    /// The field of that name, and the title that its column has under it.
    package static func named(_ name: String) -> (field: ProcessField, title: String)? { byName[name] }
}
