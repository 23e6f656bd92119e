import Model
import Testing

@testable import Analysis

/// The parts of a heap add up, and malloc_trim is foretold.
@Suite struct HeapAccountingTests {
    private static let heap = AddressRange(FixtureHeap.heapStart, FixtureHeap.heapStart + (1 << 20))

    private func account(_ fixture: FixtureHeap, _ pages: [AddressRange] = [HeapAccountingTests.heap]) throws
        -> HeapAccount
    {
        guard case .done(let graph) = ProcessGraph.build(image: fixture.image(), acceptTorn: false, keepsLayout: true)
        else { throw Torn() }
        return try #require(HeapAccounting.run(graph, resident: pages))
    }

    private struct Torn: Error {}

    @Test func knownAnswer() throws {
        var fixture = FixtureHeap()
        fixture.root(fixture.block(1000))
        fixture.hole(0x5000)
        fixture.root(fixture.blockAfterHole(24))
        _ = fixture.block(4072)
        let account = try account(fixture)
        let total = account.total
        #expect(total.live == 1000 + 24)
        #expect(total.lost == 4072)
        #expect(total.bins == 0x5000 - 8)
        // The first word of the heap, and the size word of each of the five chunks.
        #expect(total.bookkeeping == 8 + 5 * 8)
        #expect(total.total == 1 << 20)
        #expect(account.arenas.map(\.mappedBytes) == [1 << 20])
        #expect(account.covered == [HeapAccountingTests.heap])
        // Of the hole its whole pages, of the top all but its first page.
        let hole: UInt64 = 4 << 12
        let top = fixture.next - FixtureHeap.heapStart
        #expect(account.trimmableBytes == hole + (1 << 20) - ((top + 32 + 1 + 4095) & ~4095))
    }

    @Test func untouchedPagesCountForNothing() throws {
        var fixture = FixtureHeap()
        fixture.root(fixture.block(100_000))
        let first = AddressRange(FixtureHeap.heapStart, FixtureHeap.heapStart + 8192)
        let account = try account(fixture, [first])
        #expect(account.total.live == 8192 - 16)
        #expect(account.total.total == 8192)
        #expect(account.trimmableBytes == 0)
    }

    @Test func cachesAreToldApart() throws {
        var fixture = FixtureHeap()
        let memory = fixture.memory
        fixture.root(fixture.block(56))
        // One chunk in the fastbin of 32 bytes, beside a hole that it melts with.
        let fast = fixture.block(24)
        fixture.hole(0x3000)
        fixture.root(fixture.blockAfterHole(24))
        memory.write(fast - 16, at: FixtureHeap.arena + MallocLayout.fastbins)
        memory.write(fast >> 12, at: fast)
        // A thread's cache that holds one block of 1,000 bytes.
        let cached = fixture.block(1000)
        fixture.root(fixture.block(24))
        let cache = fixture.block(0x288)
        fixture.root(cache)
        let bin = UInt64(1008 - 24) / 16
        memory.write(1 << (bin % 4 * 16), at: cache + bin / 4 * 8)
        memory.write(cached, at: cache + ThreadCacheLayout.counts.entries + bin * 8)
        memory.write(cached >> 12, at: cached)
        memory.write(0x5eed, at: cached + 8)
        let account = try account(fixture)
        #expect(account.total.fastbins == 24)
        #expect(account.total.threadCaches == 1000)
        #expect(account.total.bins == 0x3000 - 8)
        #expect(account.total.live == 56 + 24 + 24 + 0x288)
        #expect(account.total.total == 1 << 20)
    }

    @Test func smallBlocksPinPages() throws {
        var fixture = FixtureHeap()
        fixture.root(fixture.block(24))
        for _ in 0..<8 {
            fixture.hole(4096 - 32)
            fixture.root(fixture.blockAfterHole(24))
        }
        // A page that is in use for the most part pins as well, but not by its many blocks.
        for _ in 0..<60 { fixture.root(fixture.block(56)) }
        let account = try account(fixture)
        #expect(account.pinning.blocks >= 8 && account.pinning.blocks <= 10)
        #expect(account.smallPinning == account.pinning.blocks)
        #expect(account.pinnedBytes > 8 * 3900 && account.pinnedBytes < 9 * 4096)
        let top = (fixture.next - FixtureHeap.heapStart + 33 + 4095) & ~4095
        #expect(account.trimmableBytes == 1 << 20 - top)
    }

    /// Whatever the heap looks like and whatever of it is in memory: nothing is counted twice or left out.
    @Test(arguments: 0..<40) func addsUpProperty(_ seed: UInt64) throws {
        var random = Seeded(seed)
        var fixture = FixtureHeap()
        var afterHole = false
        for _ in 0..<Int.random(in: 1...400, using: &random) {
            let size = UInt64.random(in: 0...6000, using: &random)
            if afterHole {
                fixture.root(fixture.blockAfterHole(size / 8))
                afterHole = false
            } else if Bool.random(using: &random) {
                fixture.hole(max(32, size & ~15))
                afterHole = true
            } else {
                _ = fixture.block(size / 4)
            }
            if fixture.next > FixtureHeap.heapStart + (1 << 20) - 20000 { break }
        }
        if afterHole { fixture.root(fixture.blockAfterHole(24)) }
        var pages: [AddressRange] = []
        var page = FixtureHeap.heapStart
        while page < HeapAccountingTests.heap.upper {
            let end = page + UInt64.random(in: 1...9, using: &random) << 12
            if Bool.random(using: &random) {
                pages.append(AddressRange(page, min(end, HeapAccountingTests.heap.upper)))
            }
            page = end
        }
        pages = pages.merged()
        let account = try account(fixture, pages)
        #expect(account.total.total == pages.reduce(0) { $0 + $1.count })
        #expect(account.trimmableBytes <= account.total.free + account.total.bookkeeping)
        #expect(account.pinnedBytes <= account.total.free)
    }

    @Test("Damaged heaps: no trap, and never more than there is", arguments: Rounds.of(60, fuzz: 2_000))
    func damaged(_ seed: UInt64) {
        var random = Seeded(seed)
        var fixture = FixtureHeap(heapBytes: 1 << 16)
        while fixture.next < FixtureHeap.heapStart + 50_000 {
            if Bool.random(using: &random) {
                fixture.hole(UInt64.random(in: 2...200, using: &random) * 16)
                fixture.root(fixture.blockAfterHole(24))
            } else {
                _ = fixture.block(UInt64.random(in: 1...300, using: &random))
            }
        }
        fixture.memory.flip(Int.random(in: 1...60, using: &random), using: &random)
        if seed % 3 == 0 { fixture.memory.truncate(using: &random) }
        guard case .done(let graph) = ProcessGraph.build(image: fixture.image(), acceptTorn: true, keepsLayout: true)
        else { return }
        let whole = AddressRange(FixtureHeap.heapStart, FixtureHeap.heapStart + (1 << 16))
        let account = HeapAccounting.run(graph, resident: [whole])
        guard let account else { return }
        #expect(account.total.total <= 1 << 16)
        #expect(account.trimmableBytes <= 1 << 16)
        #expect(account.pinnedBytes <= account.total.free)
    }
}
