import Model
import Testing

@testable import Analysis

/// The heaps of glibc's releases, laid out by hand as their sources have them. `make glibc` looks at real ones.
struct HeapReleaseTests {
    /// What changed between releases, each under the first that has it.
    enum Release: CaseIterable {
        /// 2.27: `char counts[]`, no key, plain links.
        case byteCounts
        /// 2.29: a key, the cache's address.
        case ownKey
        /// 2.30: `uint16_t counts[]`.
        case counts
        /// 2.32: protected links.
        case protectedLinks
        /// 2.34: a random key.
        case randomKey
        /// 2.42: free places in place of counts, bins of larger chunks.
        case slots
        /// 2.43: no fastbins.
        case noFastbins

        var layout: MallocLayout { self == .noFastbins ? .withoutFastbins : .withFastbins }
        var cacheLayout: ThreadCacheLayout {
            switch self {
            case .byteCounts, .ownKey: .byteCounts
            case .counts, .protectedLinks, .randomKey: .counts
            case .slots, .noFastbins: .slots
            }
        }
        var protectsLinks: Bool { Release.allCases.drop { $0 != .protectedLinks }.contains(self) }

        func key(_ cache: UInt64) -> UInt64? {
            switch self {
            case .byteCounts: nil
            case .ownKey, .counts, .protectedLinks: cache
            default: 0x5eed_f00d_1234_5678
            }
        }
    }

    /// Writes a cache of these lists, each (bin, blocks).
    private func fill(_ cache: UInt64, _ lists: [(Int, [UInt64])], _ memory: FixtureMemory, _ release: Release) {
        let layout = release.cacheLayout
        let width = layout == .byteCounts ? 1 : 2
        for bin in 0..<layout.bins {
            let blocks = lists.first { $0.0 == bin }?.1 ?? []
            let counter = layout == .slots ? 16 - blocks.count : blocks.count
            memory.write([UInt8(counter), 0].prefix(width).map { $0 }, at: cache + UInt64(bin * width))
            memory.write(blocks.first ?? 0, at: cache + layout.entries + UInt64(bin) * 8)
            link(blocks, memory, release)
            for (number, block) in blocks.enumerated() {
                memory.write(release.key(cache) ?? 0x7700 + UInt64(number), at: block + 8)
            }
        }
    }

    /// Makes each block lead to the next.
    private func link(_ blocks: [UInt64], toHeader header: UInt64 = 0, _ memory: FixtureMemory, _ release: Release) {
        for (number, block) in blocks.enumerated() {
            let next = number + 1 < blocks.count ? blocks[number + 1] - header : 0
            memory.write(release.protectsLinks ? next ^ (block >> 12) : next, at: block)
        }
    }

    @Test("What caches and fastbins hold is free, and nothing else", arguments: Release.allCases)
    func caches(of release: Release) throws {
        var heap = FixtureHeap(layout: release.layout)
        var lost: [UInt64] = []
        // As much as malloc may hand out for a cache, each with its lists.
        for usable in release.cacheLayout.usable {
            let cache = heap.block(usable)
            heap.root(cache)
            var lists = [(2, [heap.block(56), heap.block(56), heap.block(56)]), (63, [heap.block(1032)])]
            if release.cacheLayout == .slots {
                lists += [(64, [heap.block(1048), heap.block(2024)]), (66, [heap.block(4088)])]
            }
            lost.append(heap.block(56))
            fill(cache, lists, heap.memory, release)
            // What was there before the cache was.
            if usable > release.cacheLayout.bytes {
                heap.memory.write(lost[lost.count - 1], at: cache + release.cacheLayout.bytes)
            }
        }
        if release != .noFastbins {
            let fast = [heap.block(24), heap.block(24)]
            link(fast, toHeader: 16, heap.memory, release)
            heap.memory.write(fast[0] - 16, at: FixtureHeap.arena + MallocLayout.fastbins)
        }
        let findings = try #require(heap.findings())
        #expect(findings.groups.flatMap(\.addresses).sorted() == lost)
        #expect(findings.heap.live.blocks == release.cacheLayout.usable.count * 2)
        #expect(findings.gaps.isEmpty, "\(findings.gaps)")
    }

    /// A structure of the program that has the shape, and lists that are none of malloc's.
    @Test("What only looks like a cache takes nothing away", arguments: Release.allCases)
    func lookalike(of release: Release) throws {
        var heap = FixtureHeap(layout: release.layout)
        let real = heap.block(release.cacheLayout.usable[0])
        heap.root(real)
        fill(real, [(2, [heap.block(56), heap.block(56)])], heap.memory, release)
        let false1 = heap.block(release.cacheLayout.usable[0])
        let used = [heap.block(72), heap.block(72)]
        heap.root(false1)
        heap.root(used[1])
        fill(false1, [(3, used)], heap.memory, release)
        // A count that is wrong where nothing else tells; another's key where there is one.
        if release == .byteCounts {
            heap.memory.write([5], at: false1 + 3)
            heap.memory.write([1], at: false1 + 4)
        } else {
            for block in used { heap.memory.write(real + 0x123, at: block + 8) }
        }
        let findings = try #require(heap.findings())
        #expect(findings.heap.live.blocks == 4)
    }

    @Test("A chunk of own mapping", arguments: [MallocLayout.withFastbins, .withoutFastbins], [false, true])
    func mapping(layout: MallocLayout, isCached: Bool) throws {
        var heap = FixtureHeap(layout: layout)
        heap.root(heap.block(24))
        let pages = AddressRange(0x7f00_0020_0000, 0x7f00_0022_4000)
        heap.memory.map(pages)
        let size = (pages.count - layout.uncountedMapping) | MallocLayout.isMapped
        heap.memory.write(layout == .withoutFastbins ? MallocLayout.hugeMapping : 0, at: pages.lower)
        heap.memory.write(size, at: pages.lower + 8)
        if isCached, layout == .withoutFastbins {
            // A tunable lets the cache have such large ones.
            let cache = heap.block(ThreadCacheLayout.slots.usable[0])
            heap.root(cache)
            let bin = try #require((64..<76).first { ThreadCacheLayout.slots.holds(pages.count - 24, in: $0) })
            fill(cache, [(bin, [pages.lower + 16])], heap.memory, .noFastbins)
        }
        let image = heap.image(adding: [pages])
        let result = LeakAnalysis.run(image: image, .init(addressLimit: .max))
        let findings = try #require(result).findings
        let isFree = isCached && layout == .withoutFastbins
        #expect(findings.groups.flatMap(\.addresses) == (isFree ? [] : [pages.lower + 16]))
    }

    @Test(
        "An allocator in the program, and the one that CPython carries and does not use",
        arguments: [
            ("mimalloc: warning", ["mimalloc"]), ("mimalloc: warning PYTHONMALLOC", []),
            ("mimalloc: warning PYTHONMALLOC %s free-threading build (%s)", ["mimalloc"]), ("PYTHONMALLOC", []),
        ] as [(String, [String])])
    func foreign(text: String, names: [String]) {
        let heap = FixtureHeap()
        heap.memory.map(FixtureHeap.code)
        heap.memory.write(Array(text.utf8), at: FixtureHeap.code.lower + 0x100)
        #expect(AllocatorSurvey(image: heap.image()).foreign().map(\.name) == names)
    }

    @Test("Bins of larger chunks") func largeBins() {
        let slots = ThreadCacheLayout.slots
        #expect([ThreadCacheLayout.byteCounts, .counts, .slots].map { $0.usable[0] } == [584, 648, 760])
        for (size, bin) in [(1056, 64), (2032, 64), (2048, 65), (4080, 65), (4096, 66), (4 << 20 - 16, 75)]
            as [(UInt64, Int)]
        {
            #expect((0..<76).filter { slots.holds(size - 8, in: $0) } == [bin])
        }
        #expect((0..<76).filter { slots.holds(1032, in: $0) } == [63])
        #expect((0..<76).filter { slots.holds(0, in: $0) || slots.holds(.max, in: $0) }.isEmpty)
    }
}
