import Model
import Report

/// Where the columns of the table stand.
struct TopColumns {
    struct Place {
        var field: ProcessField
        var column: Int
        var width: Int
    }

    private(set) var places: [Place] = []

    /// What the command has at least, if other columns can be left out for it.
    private static let commandLeast = 16

    /// - Parameter start: the first cell of the table; what is left of it is something else's.
    init(_ state: TopState, from start: Int = 0) {
        guard let context = state.sample?.context else { return }
        let all = state.fields
        // Of several that may be as long as they like only the last is.
        let open = all.last { $0.isOpen }?.key
        var fixed = all.filter { $0.key != open }.map { ($0, $0.liveWidth(context)) }
        let least = open == nil ? 0 : TopColumns.commandLeast
        let sort = state.settings.sort
        // A narrow terminal shows who, what one sorts by and the command: the columns on the right go first.
        while fixed.reduce(0, { $0 + $1.1 + 1 }) + least > state.columns - start,
            let place = fixed.lastIndex(where: { $0.0.key != "pid" && $0.0.key != sort })
        {
            fixed.remove(at: place)
        }
        var column = start
        for (field, width) in fixed {
            places.append(Place(field: field, column: column, width: width))
            column += width + 1
        }
        if let last = all.last(where: { $0.key == open }), column < state.columns {
            places.append(Place(field: last, column: column, width: state.columns - column))
        }
    }

    func field(at column: Int) -> ProcessField? {
        places.last { $0.column <= column }?.field
    }
}
