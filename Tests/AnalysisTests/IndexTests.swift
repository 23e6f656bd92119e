import Model
import Testing

@testable import Analysis

@Suite("Finding the block that a word points to")
struct IndexTests {
    @Test("Agrees with a search through all blocks", arguments: 0..<20 as Range<UInt64>)
    func lookups(seed: UInt64) {
        var random = Seeded(seed)
        var ranges: [AddressRange] = []
        var lower: UInt64 = 0x5555_5000_0000
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            lower += UInt64.random(in: 0...3, using: &random) * 4096 + UInt64.random(in: 0...1, using: &random) << 31
            let range = AddressRange(lower, lower + UInt64.random(in: 1...20, using: &random) * 4096)
            ranges.append(range)
            lower = range.upper
        }
        let builder = BlockIndexBuilder(ranges: ranges)
        var blocks: [(start: UInt64, usable: UInt64)] = []
        for range in ranges {
            var at = range.lower + 16
            while true {
                let size = UInt64.random(in: 2...60, using: &random) * 16
                guard at + size <= range.upper else { break }
                if Bool.random(using: &random) {
                    builder.add(start: at, usable: size - 8)
                    blocks.append((at, size - 8))
                }
                at += size
            }
        }
        builder.seal()
        var kept: [(start: UInt64, usable: UInt64)] = []
        for block in blocks {
            guard Int.random(in: 0..<4, using: &random) == 0, let found = builder.block(at: block.start) else {
                kept.append(block)
                continue
            }
            #expect(builder.remove(found.number))
            #expect(!builder.remove(found.number))
        }
        let big = AddressRange(0x7f00_0000_0000, 0x7f00_0000_0000 + 5 << 30)
        builder.addLarge(start: big.lower + 16, usable: big.count - 16, extent: big)
        kept.append((big.lower + 16, big.count - 16))
        let index = builder.finish()
        #expect(index.count == kept.count)
        for (id, block) in kept.enumerated() {
            #expect(index.start(BlockID(id)) == block.start)
            #expect(index.usable(BlockID(id)) == block.usable)
        }
        func naive(_ word: UInt64) -> BlockIndex.Hit {
            for (id, block) in kept.enumerated() {
                if word == block.start { return .start(BlockID(id)) }
                if word > block.start, word < block.start + block.usable { return .interior(BlockID(id)) }
            }
            return .none
        }
        for _ in 0..<3000 {
            let range = (ranges + [big]).randomElement(using: &random)!
            var word = UInt64.random(in: range.lower - 64...range.upper + 64, using: &random)
            if Bool.random(using: &random) { word &= ~15 }
            #expect(index.hit(word) == naive(word))
        }
        for word: UInt64 in [0, 1, .max, 1 << 47, 1 << 63, 0x5555_5000_0000] { #expect(index.hit(word) == naive(word)) }
    }

    @Test(
        "Blocks far apart, of more than 512 KiB, and blocks that were taken back", arguments: 0..<8 as Range<UInt64>)
    func sparse(seed: UInt64) {
        var random = Seeded(seed)
        let range = AddressRange(0x5555_5000_0000, 0x5555_5000_0000 + 256 << 20)
        let builder = BlockIndexBuilder(ranges: [range])
        var blocks: [(start: UInt64, usable: UInt64)] = []
        func fill(from lower: UInt64, to upper: UInt64) {
            var at = lower
            while true {
                let limit: UInt64 = [2, 4, 16, 1 << 10, 1 << 16].randomElement(using: &random)!
                let size = UInt64.random(in: 2...(limit + 2), using: &random) * 16
                guard at + size <= upper else { return }
                // Mostly runs of small blocks, and now and then nothing for a while.
                for _ in 0..<(limit <= 16 ? 50 : 1) where at + size <= upper {
                    builder.add(start: at, usable: size - 8)
                    blocks.append((at, size - 8))
                    at += size
                }
                at += UInt64.random(in: 0...limit, using: &random) * 16
            }
        }
        let middle = range.lower + 128 << 20
        fill(from: range.lower, to: middle)
        let kept = blocks
        fill(from: middle, to: range.upper)
        builder.truncate(to: kept.count)
        blocks = kept
        fill(from: middle + 4096, to: range.upper)
        builder.seal()
        var remaining: [(start: UInt64, usable: UInt64)] = []
        for block in blocks {
            guard let found = builder.block(at: block.start), Int.random(in: 0..<3, using: &random) == 0 else {
                remaining.append(block)
                continue
            }
            #expect(found.usable == block.usable)
            builder.remove(found.number)
        }
        let index = builder.finish()
        #expect(remaining.contains { $0.usable > 512 << 10 })
        #expect(index.count == remaining.count)
        let areAllFound = remaining.enumerated().allSatisfy { id, block in
            let id = BlockID(id)
            let inside = block.start + UInt64.random(in: 1..<block.usable, using: &random)
            return index.start(id) == block.start && index.usable(id) == block.usable
                && index.hit(block.start) == .start(id) && index.hit(inside) == .interior(id)
                && index.hit(block.start + block.usable) == .none
        }
        #expect(areAllFound)
        let first = Int.random(in: 0..<index.count, using: &random)
        var passed: [UInt64] = []
        index.forEach(in: first..<index.count) { id, start, usable in
            if Int(id) == first + passed.count, usable == remaining[Int(id)].usable { passed.append(start) }
        }
        #expect(passed == remaining[first...].map(\.start))
    }

    @Test("Edges are where they were put, however many a block has", arguments: [0, 3, 2000, 70_000])
    func offsets(most: UInt32) {
        var random = Seeded(UInt64(most))
        let offsets = GrowingBuffer<UInt32>()
        offsets.append(0)
        for _ in 0..<1000 { offsets.append(offsets[offsets.count - 1] + UInt32.random(in: 0...most, using: &random)) }
        let short = EdgeOffsets(offsets)
        for block in 0..<1000 {
            #expect(short.edges(of: block) == Int(offsets[block])..<Int(offsets[block + 1]))
        }
    }

    @Test("Rings agree with mutual reachability", arguments: 0..<60 as Range<UInt64>)
    func components(seed: UInt64) {
        var random = Seeded(seed)
        let count = Int.random(in: 1...40, using: &random)
        let edges = (0..<count).map { _ in
            (0..<Int.random(in: 0...3, using: &random)).map { _ in Int.random(in: 0..<count, using: &random) }
        }
        let components = Components(count: count) { number, body in edges[number].forEach(body) }
        var reach = (0..<count).map { start in
            var seen: Set<Int> = [start]
            var work = [start]
            while let node = work.popLast() {
                for next in edges[node] where seen.insert(next).inserted { work.append(next) }
            }
            return seen
        }
        for left in 0..<count {
            for right in 0..<count {
                let together = reach[left].contains(right) && reach[right].contains(left)
                #expect((components.component[left] == components.component[right]) == together)
            }
        }
        #expect(components.sizes.reduce(0, +) == UInt32(count))
        for number in 0..<count {
            let own = components.component[number]
            let entered = (0..<count).contains {
                components.component[$0] != own && edges[$0].contains { components.component[$0] == own }
            }
            #expect(components.isEntered[Int(own)] == entered)
        }
        reach.removeAll()
    }

    @Test("A list of a million blocks does not exhaust the stack")
    func longList() {
        let count = 1_000_000
        let components = Components(count: count) { number, body in body((number + 1) % count) }
        #expect(components.sizes == [UInt32(count)])
        #expect(components.isEntered == [false])
    }
}
