/// The line of keys at the foot of the screen.
enum TopKeys {
    struct Label {
        var key: Key
        var name: String
        var meaning: String

        init(_ key: Key, _ name: String, _ meaning: String) {
            self.key = key
            self.name = name
            self.meaning = meaning
        }

        var width: Int { name.count + meaning.count + 1 }
    }

    /// In the order in which they are left out where there is no room, the last first.
    private static let labels: [(rank: Int, label: Label)] = [
        (0, Label(.function(1), "F1", "Help")), (1, Label(.enter, "Enter", "Look")),
        (8, Label(.function(2), "F2", "Columns")), (5, Label(.function(3), "F3", "Search")),
        (4, Label(.function(4), "F4", "Filter")), (6, Label(.function(5), "F5", "Tree")),
        (3, Label(.function(6), "F6", "Sort")), (9, Label(.function(7), "F7", "Nice-")),
        (10, Label(.function(8), "F8", "Nice+")), (7, Label(.function(9), "F9", "Signal")),
        (2, Label(.function(10), "F10", "Quit")),
    ]

    /// Those that fit, from left to right.
    static func shown(columns: Int) -> [Label] {
        var shown = labels
        while shown.reduce(-1, { $0 + $1.label.width }) > columns, let last = shown.map(\.rank).max() {
            shown.removeAll { $0.rank == last }
        }
        return shown.map(\.label)
    }

    static func key(at column: Int, columns: Int) -> Key? {
        var start = 0
        for label in shown(columns: columns) {
            if (start..<start + label.width).contains(column) { return label.key }
            start += label.width
        }
        return nil
    }

    static func draw(in frame: inout Frame, row: Int) {
        var column = 0
        for label in shown(columns: frame.columns) {
            let end = frame.write(label.name, row: row, column: column, style: .strong)
            frame.write(label.meaning, row: row, column: end, style: .header)
            column += label.width
        }
    }
}
