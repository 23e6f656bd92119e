import Model

/// The names of threads by small numbers.
struct NameTable: Sendable {
    /// Beyond, all new names are one: `unknown`.
    static let limit = 65_536
    static let unknown: Int32 = 0
    static let idle: Int32 = 1

    private var numbers: [CommandName: Int32] = [:]
    private(set) var names = [CommandName([]), CommandName("idle".utf8)]

    mutating func number(_ name: CommandName) -> Int32 {
        if let number = numbers[name] { return number }
        guard names.count < Self.limit else { return Self.unknown }
        let number = Int32(names.count)
        names.append(name)
        numbers[name] = number
        return number
    }
}

/// The greatest of many, in a bounded space. Each entry is a lower bound, and all with `rest` add up exactly.
struct RankedNames: Sendable {
    struct Entry: Sendable {
        /// A number of `NameTable`, or whatever is ranked.
        let item: Int32
        /// -1 once there were several of that name.
        var pid: Int32
        var weight: Int
        var count: Int
    }

    private static let capacity = 16
    private(set) var entries: [Entry] = []
    /// What those had that had to make room.
    private(set) var rest = 0

    mutating func add(_ item: Int32, pid: Int32 = 0, weight: Int, count: Int = 1) {
        for index in entries.indices where entries[index].item == item {
            entries[index].weight += weight
            entries[index].count += count
            if entries[index].pid != pid { entries[index].pid = -1 }
            return
        }
        let entry = Entry(item: item, pid: pid, weight: weight, count: count)
        guard entries.count == Self.capacity else {
            entries.append(entry)
            return
        }
        var least = 0
        for index in 1..<entries.count where entries[index].weight < entries[least].weight { least = index }
        rest += entries[least].weight
        entries[least] = entry
    }

    mutating func add(_ other: RankedNames) {
        for entry in other.entries { add(entry.item, pid: entry.pid, weight: entry.weight, count: entry.count) }
        rest += other.rest
    }

    /// Time of nobody in particular.
    mutating func addRest(_ weight: Int) { rest += weight }

    var sorted: [Entry] {
        entries.sorted { ($0.weight, $1.item) > ($1.weight, $0.item) }
    }
}

/// What lately ran on a core, to tell who ran while somebody waited.
struct RecentSpans: Sendable {
    struct Span: Sendable {
        /// A number of `NameTable`.
        var name: Int32
        var pid: Int32
        var start: Int
        var end: Int
    }

    /// A wait that reaches back over more is credited as far as they go.
    private static let capacity = 128
    private var ring: [Span] = []
    private var next = 0

    mutating func append(_ span: Span) {
        guard span.end > span.start else { return }
        if ring.count < Self.capacity {
            ring.append(span)
        } else {
            ring[next] = span
            next = (next + 1) % Self.capacity
        }
    }

    /// Adds what each had of the time from `start` on to `ranked`.
    /// - Parameter present: who is there now, and has not been put away yet.
    func credit(from start: Int, to end: Int, present: Span?, _ ranked: inout RankedNames) {
        var left = end - start
        func credit(_ span: Span) {
            let time = min(span.end, end) - max(span.start, start)
            guard time > 0 else { return }
            ranked.add(span.name, pid: span.pid, weight: time)
            left -= time
        }
        if let present { credit(present) }
        // The latest first.
        var index = next
        for _ in ring.indices {
            index = (index == 0 ? ring.count : index) - 1
            guard ring[index].end > start else { break }
            credit(ring[index])
        }
        ranked.addRest(max(left, 0))
    }
}
