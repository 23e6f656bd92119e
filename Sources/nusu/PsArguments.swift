import Model
import Report

/// What the arguments of `nusu ps` mean: ps(1)'s daily forms, by hand, since `aux` and `-eLf` are no options that a parser
/// of commands knows, and nusu's own long options beside them.
struct PsArguments {
    var selection = ProcessSelection()
    /// `-o` and its like, in their order; empty for a form of ps's own.
    var columns: [ProcessColumn] = []
    var form = PsForm()
    var threads = false
    var hasTitles = true
    var sort: [(field: ProcessField, descending: Bool)] = []
    var condition: String?
    var interval: Seconds?
    var listsFields = false
    var json = false
    var color = ColorChoice.auto
    var asksForHelp = false
    var asksForVersion = false

    private let facts: MachineFacts
    private var rest: [String]

    /// - Parameter facts: for users, groups and terminals by name.
    init(_ arguments: [String], _ facts: MachineFacts) throws(Failure) {
        self.facts = facts
        rest = arguments
        while let word = next() {
            if word == "--" { continue }
            if word.hasPrefix("--") {
                try takeLong(String(word.dropFirst(2)))
            } else if word.hasPrefix("-"), word.count > 1 {
                try takeCluster(Array(word.dropFirst()), isUnix: true, word)
            } else if word.utf8.allSatisfy({ $0.isDigit || $0 == UInt8(ascii: ",") }) {
                selection.pids += try numbers(word, "-p")
            } else {
                try takeCluster(Array(word), isUnix: false, word)
            }
        }
    }

    private mutating func next() -> String? { rest.isEmpty ? nil : rest.removeFirst() }

    private mutating func takeLong(_ word: String) throws(Failure) {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let name = parts[0]
        if try takeFlag(name) {
            guard parts.count == 1 else { throw PsArguments.usage("--\(name) takes no value", "--\(word)") }
            return
        }
        guard PsArguments.longWithValue.contains(name) else {
            throw PsArguments.usage("there is no option --\(name)", "--\(word)")
        }
        guard let value = parts.count == 2 ? parts[1] : next() else {
            throw PsArguments.usage("--\(name) needs a value", "--\(word)")
        }
        try take(name, value)
    }

    private static let longWithValue = [
        "where", "interval", "color", "sort", "format", "pid", "ppid", "user", "User", "tty", "sid", "group-leader",
    ]

    /// Options without a value; false for others.
    private mutating func takeFlag(_ name: String) throws(Failure) -> Bool {
        switch name {
        case "json": json = true
        case "fields": listsFields = true
        case "help": asksForHelp = true
        case "version": asksForVersion = true
        case "deselect": selection.inverted = true
        case "no-headers", "no-heading", "noheaders", "noheading": hasTitles = false
        case "headers", "heading": break
        case "forest": throw PsArguments.treeless("--forest")
        default: return false
        }
        return true
    }

    private mutating func take(_ name: String, _ value: String) throws(Failure) {
        switch name {
        case "where": condition = condition.map { "(\($0)) && (\(value))" } ?? value
        case "interval":
            guard let seconds = Seconds(argument: value), seconds.value > 0 else {
                throw PsArguments.usage("\(value) is no time above 0", "--interval", remedy: "nusu ps --interval 1s")
            }
            interval = seconds
        case "color":
            guard let choice = ColorChoice(rawValue: value) else {
                throw PsArguments.usage("--color takes auto, always or never", value)
            }
            color = choice
        case "sort": try takeSort(value)
        case "format": columns += try ProcessColumn.list(value)
        case "pid": selection.pids += try numbers(value, "--pid")
        case "ppid": selection.parents += try numbers(value, "--ppid")
        case "sid": selection.sessions += try numbers(value, "--sid")
        case "user": selection.users += try users(value)
        case "User": selection.realUsers += try users(value)
        default: selection.terminals += try terminals(value)
        }
    }

    /// Letters after one dash, or BSD's without one. A letter that takes a value takes what is left of the word, or the
    /// next word.
    private mutating func takeCluster(_ letters: [Character], isUnix: Bool, _ word: String) throws(Failure) {
        for (index, letter) in letters.enumerated() {
            let left = String(letters[(index + 1)...])
            if (isUnix ? "opuUCtsgq" : "opUtkq").contains(letter) {
                // `-aux` is what many write for `aux`.
                if isUnix, letter == "u", left == "x", index > 0 {
                    selection.ofEverybody = true
                    selection.withoutTerminal = true
                    selection.withTerminalExceptLeaders = false
                    form.dialect = .bsd
                    form.user = true
                    return
                }
                guard let value = left.isEmpty ? next() : left else {
                    throw PsArguments.usage("-\(letter) needs a value", word)
                }
                try take(letter, value, isUnix: isUnix)
                return
            }
            if letter == (isUnix ? "H" : "f") { throw PsArguments.treeless(word) }
            guard isUnix ? takeUnix(letter) : takeBSD(letter) else {
                throw PsArguments.usage("nusu ps does not know '\(letter)' of '\(word)'", word)
            }
        }
    }

    private mutating func take(_ letter: Character, _ value: String, isUnix: Bool) throws(Failure) {
        switch letter {
        case "o": columns += try ProcessColumn.list(value)
        case "p", "q": selection.pids += try numbers(value, "-\(letter)")
        case "u": selection.users += try users(value)
        case "U": if isUnix { selection.realUsers += try users(value) } else { selection.users += try users(value) }
        case "C":
            selection.names += value.split(whereSeparator: { $0 == "," || $0 == " " }).map { Array($0.utf8) }
        case "t": selection.terminals += try terminals(value)
        case "s", "g": selection.sessions += try numbers(value, "-\(letter)")
        default: try takeSort(value)
        }
    }

    private mutating func takeUnix(_ letter: Character) -> Bool {
        switch letter {
        case "e", "A": selection.all = true
        case "a": selection.withTerminalExceptLeaders = true
        case "d": selection.exceptLeaders = true
        case "N": selection.inverted = true
        case "f": form.full = true
        case "F":
            form.full = true
            form.extraFull = true
        case "l": form.long = true
        case "j": form.jobs = true
        case "L", "T":
            threads = true
            form.threads = true
        case "w", "y", "c", "M", "Z": return letter == "w"
        case "h": hasTitles = false
        default: return false
        }
        return true
    }

    private mutating func takeBSD(_ letter: Character) -> Bool {
        form.dialect = .bsd
        switch letter {
        case "a": selection.ofEverybody = true
        case "x": selection.withoutTerminal = true
        case "u": form.user = true
        case "l": form.long = true
        case "j": form.jobs = true
        case "w": break
        case "h": hasTitles = false
        case "H", "L":
            threads = true
            form.threads = true
        default: return false
        }
        return true
    }
}

extension PsArguments {
    private mutating func takeSort(_ value: String) throws(Failure) {
        for part in value.split(whereSeparator: { $0 == "," || $0 == " " }) {
            let isDescending = part.hasPrefix("-")
            let name = isDescending || part.hasPrefix("+") ? part.dropFirst() : part
            guard let found = ProcessField.named(name.lowercased()) else {
                throw Failure(
                    .usage, what: "there is no field '\(name)' to sort by", subject: String(part),
                    remedy: "list the fields: nusu ps --fields")
            }
            sort.append((found.field, isDescending))
        }
    }

    private func numbers(_ text: String, _ option: String) throws(Failure) -> [Int32] {
        var result: [Int32] = []
        for part in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
            guard let number = Int32(part), number >= 0 else {
                throw PsArguments.usage("'\(part)' is no number of a process", option)
            }
            result.append(number)
        }
        guard !result.isEmpty else { throw PsArguments.usage("\(option) needs a list of numbers", option) }
        return result
    }

    private func users(_ text: String) throws(Failure) -> [UInt32] {
        var result: [UInt32] = []
        for part in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
            guard let user = facts.user(named: String(part)) else {
                throw Failure(
                    .usage, what: "there is no user '\(part)'", subject: String(part),
                    remedy: "names stand in /etc/passwd; numbers work too")
            }
            result.append(user)
        }
        return result
    }

    private func terminals(_ text: String) throws(Failure) -> [UInt32] {
        var result: [UInt32] = []
        for part in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
            guard let device = TerminalDevice.number(String(part)) else {
                throw PsArguments.usage(
                    "there is no terminal '\(part)'", "-t", remedy: "for example: -t pts/0, or ? for none")
            }
            result.append(device)
        }
        return result
    }

    private static func treeless(_ word: String) -> Failure {
        usage("nusu ps draws no trees", word, remedy: "nusu tree --all")
    }

    static func usage(_ what: String, _ subject: String, remedy: String = "nusu ps --help") -> Failure {
        Failure(.usage, what: what, subject: subject, remedy: remedy)
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}
