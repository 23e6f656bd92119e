/// Numbers ordered by a key; among equal keys the one that came first.
struct KeyedHeap {
    struct Entry {
        let key: Int
        let order: Int
        let item: Int

        static func < (a: Entry, b: Entry) -> Bool { a.key != b.key ? a.key < b.key : a.order < b.order }
    }

    private var entries: [Entry] = []
    private var added = 0

    var first: Entry? { entries.first }
    var isEmpty: Bool { entries.isEmpty }

    mutating func push(_ item: Int, key: Int) {
        let entry = Entry(key: key, order: added, item: item)
        added += 1
        entries.append(entry)
        var hole = entries.count - 1
        while hole > 0, entry < entries[(hole - 1) / 2] {
            entries[hole] = entries[(hole - 1) / 2]
            hole = (hole - 1) / 2
        }
        entries[hole] = entry
    }

    mutating func pop() -> Entry? {
        guard let last = entries.popLast() else { return nil }
        guard let result = entries.first else { return last }
        var hole = 0
        while true {
            var child = 2 * hole + 1
            guard child < entries.count else { break }
            if child + 1 < entries.count, entries[child + 1] < entries[child] { child += 1 }
            guard entries[child] < last else { break }
            entries[hole] = entries[child]
            hole = child
        }
        entries[hole] = last
        return result
    }
}
