import Model

/// Puts the events of all cores into one order of time.
struct EventMerge {
    var cores: [CoreRecords]
    /// The time of the last that was handed on: what comes late is put behind it.
    private var lastTime: UInt64 = 0

    init(_ cores: [CoreRecords]) { self.cores = cores }

    /// Hands on all that is older than `limit`, oldest first. The rest may be preceded by what is not yet written.
    mutating func take(before limit: UInt64, _ body: (SwitchEvent) -> Void) {
        var next = [Int](repeating: 0, count: cores.count)
        // Cores with something to hand on, the one whose next is the latest first.
        var order: [(time: UInt64, core: Int)] = []
        for (index, core) in cores.enumerated() {
            if let first = core.events.first, first.time < limit { order.append((first.time, index)) }
        }
        order.sort { ($0.time, $0.core) > ($1.time, $1.core) }
        while let (_, index) = order.popLast() {
            // Up to where the next core comes in.
            let end = min(order.last.map { $0.time &+ 1 } ?? .max, limit)
            var at = next[index]
            cores[index].events.withUnsafeBufferPointer { events in
                while at < events.count, events[at].time < end {
                    var event = events[at]
                    lastTime = max(lastTime, event.time)
                    event.time = lastTime
                    body(event)
                    at += 1
                }
                if at < events.count, events[at].time < limit {
                    let time = events[at].time
                    let place = order.firstIndex { ($0.time, $0.core) < (time, index) } ?? order.count
                    order.insert((time, index), at: place)
                }
            }
            next[index] = at
        }
        for index in cores.indices where next[index] > 0 {
            if next[index] == cores[index].events.count {
                cores[index].events.removeAll(keepingCapacity: true)
            } else {
                cores[index].events.removeSubrange(..<next[index])
            }
        }
    }
}
