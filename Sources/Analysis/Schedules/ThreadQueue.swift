/// A queue of threads, each at most once in it; both ends in constant time.
struct ThreadQueue {
    private var ring: [Int32]
    private var head = 0
    private(set) var count = 0

    /// - Parameter capacity: how many threads there are.
    init(capacity: Int) { ring = [Int32](repeating: 0, count: max(capacity, 1)) }

    var isEmpty: Bool { count == 0 }

    mutating func append(_ thread: Int) {
        ring[wrapped(head + count)] = Int32(thread)
        count += 1
    }

    mutating func prepend(_ thread: Int) {
        head = head == 0 ? ring.count - 1 : head - 1
        ring[head] = Int32(thread)
        count += 1
    }

    mutating func popFirst() -> Int? {
        guard count > 0 else { return nil }
        defer {
            head = wrapped(head + 1)
            count -= 1
        }
        return Int(ring[head])
    }

    private func wrapped(_ index: Int) -> Int { index >= ring.count ? index - ring.count : index }
}
