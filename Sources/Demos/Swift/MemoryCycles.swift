// Rings through memory that objects allocate themselves: what a field leads to is no object, and has no type.

import DemoTruth

/// Generic: what it consists of is not told by the type of a field alone.
struct Storage<Element> {
    var count = 8
    var base: UnsafeMutablePointer<Element>?
}

final class Queue {
    var head = 0
    var storage = Storage<Queue>()
}

final class Span {
    var number = 1
    var bounds: (lower: Int, words: UnsafeMutablePointer<Span>?) = (1, nil)
}

final class Tape {
    var marks = 1
    var cells: UnsafeMutablePointer<Tape>?
}

/// Memory with references to one object.
@inline(never)
private func cells<Object: AnyObject>(_ object: Object) -> UnsafeMutablePointer<Object> {
    let cells = UnsafeMutablePointer<Object>.allocate(capacity: 8)
    cells.initialize(repeating: object, count: 8)
    return cells
}

/// What containers do that lay out their memory themselves.
func memoryCycles(_ argument: UnsafePointer<CChar>?) {
    expect(
        "Queue.storage.base -> 72 bytes.+0 -> Queue", breakAt: "clear Queue.storage.base when done",
        isCertain: false)
    repeatedly {
        let queue = Queue()
        queue.storage.base = cells(queue)
        loseRing(queue)
    }
    expect("Span.bounds.1 -> 72 bytes.+0 -> Span", isCertain: false)
    repeatedly {
        let span = Span()
        span.bounds.words = cells(span)
        loseRing(span)
    }
    expect("Tape.cells -> 72 bytes.+0 -> Tape", isCertain: false)
    repeatedly {
        let tape = Tape()
        tape.cells = cells(tape)
        loseRing(tape)
    }
}
