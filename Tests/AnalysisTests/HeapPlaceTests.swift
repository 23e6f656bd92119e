import Model
import Testing

@testable import Analysis

/// Which block an address lies in, and what became of it.
@Suite struct HeapPlaceTests {
    private func graph(_ fixture: FixtureHeap, keepsLayout: Bool = true) throws -> ProcessGraph {
        let outcome = ProcessGraph.build(image: fixture.image(), acceptTorn: false, keepsLayout: keepsLayout)
        guard case .done(let graph) = outcome else { throw Torn() }
        return graph
    }

    private struct Torn: Error {}

    @Test func knownAnswers() throws {
        var fixture = FixtureHeap()
        let used = fixture.block(56)
        fixture.root(used)
        let lost = fixture.block(104)
        let inside = fixture.block(40)
        fixture.root(inside + 16)
        let hole = fixture.next
        fixture.hole(0x3000)
        fixture.root(fixture.blockAfterHole(24))
        let top = fixture.next
        let end = FixtureHeap.heapStart + (1 << 20)
        let graph = try graph(fixture)
        let wanted: [(address: UInt64, place: HeapPlace?)] = [
            (used, HeapPlace(start: used, bytes: 56, type: nil, fate: .reachable)),
            (used + 55, HeapPlace(start: used, bytes: 56, type: nil, fate: .reachable)),
            // The size of the next chunk.
            (used + 56, nil), (used - 8, nil),
            (lost + 1, HeapPlace(start: lost, bytes: 104, type: nil, fate: .lost)),
            (inside, HeapPlace(start: inside, bytes: 40, type: nil, fate: .possible)),
            (hole + 8, nil),
            (hole + 16, HeapPlace(start: hole + 16, bytes: 0x2ff8, type: nil, fate: .free, freeList: .bin)),
            (hole + 0x3007, HeapPlace(start: hole + 16, bytes: 0x2ff8, type: nil, fate: .free, freeList: .bin)),
            (hole + 0x3008, nil),
            (top + 16, HeapPlace(start: top + 16, bytes: end - top - 16, type: nil, fate: .free, freeList: .top)),
            (end - 1, HeapPlace(start: top + 16, bytes: end - top - 16, type: nil, fate: .free, freeList: .top)),
            (end, nil), (0, nil), (.max, nil), (FixtureHeap.heapStart, nil),
        ]
        for (address, place) in wanted {
            #expect(graph.place(at: address) == place, "\(String(address, radix: 16))")
        }
        // Without the layout nothing is said of what is free, and nothing else changes.
        let plain = try self.graph(fixture, keepsLayout: false)
        #expect(plain.place(at: hole + 16) == nil && plain.place(at: lost)?.fate == .lost)
    }

    @Test("Every word of a heap is a block's, free, or one of malloc's own") func property() throws {
        var fixture = FixtureHeap(heapBytes: 1 << 16)
        for size in [24, 40, 1000, 24, 56, 4072, 88] as [UInt64] {
            fixture.root(fixture.block(size))
            fixture.hole(0x20 + size / 8 * 16)
            fixture.root(fixture.blockAfterHole(24))
        }
        let graph = try graph(fixture)
        var places: [UInt64: UInt64] = [:]
        var own: UInt64 = 0
        let end = FixtureHeap.heapStart + (1 << 16)
        for address in stride(from: FixtureHeap.heapStart, to: end, by: 8) {
            guard let place = graph.place(at: address) else {
                own += 8
                continue
            }
            #expect(place.start <= address && address < place.start + place.bytes)
            places[place.start] = place.bytes
        }
        #expect(places.count == 7 * 3 + 1)
        #expect(places.values.reduce(own, +) == 1 << 16)
        // A word for each chunk, and one at the heap's start.
        #expect(own == UInt64(places.count + 1) * 8)
    }
}
