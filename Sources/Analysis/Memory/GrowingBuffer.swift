import Glibc

/// A growing run of plain numbers that grows in place (`realloc`, which moves page tables and not bytes once a buffer
/// is large): `Array` would copy into a second allocation, and the largest of these decide nusu's peak memory.
///
/// Filled by one thread; afterwards read by any.
final class GrowingBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
    // Unchecked: these are read for every word of a heap, and no access ever overlaps another (one thread fills).
    @exclusivity(unchecked) private(set) var base: UnsafeMutablePointer<Element>
    @exclusivity(unchecked) private(set) var count = 0
    @exclusivity(unchecked) private var capacity: Int

    init(capacity: Int = 64) {
        self.capacity = max(capacity, 1)
        base = GrowingBuffer.grown(nil, to: self.capacity)
    }

    deinit { free(base) }

    @inline(__always)
    func append(_ element: Element) {
        if count == capacity { reserve(capacity * 2) }
        (base + count).initialize(to: element)
        count += 1
    }

    func reserve(_ wanted: Int) {
        guard wanted > capacity else { return }
        capacity = wanted
        base = GrowingBuffer.grown(base, to: capacity)
    }

    /// Forgets everything from `count` elements on.
    func truncate(to newCount: Int) { count = min(count, max(newCount, 0)) }

    /// Gives back what was reserved and not used.
    func shrink() {
        guard capacity > max(count, 1) else { return }
        capacity = max(count, 1)
        base = GrowingBuffer.grown(base, to: capacity)
    }

    @inline(__always)
    subscript(index: Int) -> Element {
        get {
            assert(index >= 0 && index < count)
            return base[index]
        }
        set {
            assert(index >= 0 && index < count)
            base[index] = newValue
        }
    }

    var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: base, count: count) }

    /// Running out of memory ends the program, as it does everywhere in Swift: there is nothing to go on with.
    private static func grown(_ old: UnsafeMutablePointer<Element>?, to count: Int) -> UnsafeMutablePointer<Element> {
        guard let new = realloc(old, count * MemoryLayout<Element>.stride) else {
            preconditionFailure("out of memory for \(count) elements")
        }
        return new.bindMemory(to: Element.self, capacity: count)
    }
}
