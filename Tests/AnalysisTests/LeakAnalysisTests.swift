import Model
import Testing

@testable import Analysis

@Suite("What is lost in a heap of known truth")
struct LeakAnalysisTests {
    @Test("A block that nothing points to is definitely lost, and only that one")
    func lostBlock() throws {
        var heap = FixtureHeap()
        let kept = heap.block(100)
        let lost = heap.block(40)
        heap.root(kept)
        let findings = try #require(heap.findings())
        #expect(findings.definite == Tally(blocks: 1, bytes: 40))
        #expect(findings.reachable == Tally(blocks: 1, bytes: 104))
        #expect(findings.groups.map(\.addresses) == [[lost]])
        #expect(findings.groups.first?.kind == .definite)
        #expect(findings.exact)
    }

    @Test("A number in a part of a program that was never written holds nothing")
    func unwrittenData() throws {
        var heap = FixtureHeap()
        let block = heap.block(40)
        let page = AddressRange(FixtureHeap.data.lower + 0x1000, FixtureHeap.data.lower + 0x2000)
        heap.memory.write(block, at: page.lower + 8)
        #expect(try #require(heap.findings()).reachable.blocks == 1)
        heap.memory.leaveUnwritten(page)
        #expect(try #require(heap.findings()).definite.blocks == 1)
    }

    @Test("What a lost block holds is lost indirectly, once, however many hold it")
    func heldBlocks() throws {
        var heap = FixtureHeap()
        let head = heap.block(24)
        let left = heap.block(24)
        let right = heap.block(24)
        let shared = heap.block(56)
        heap.memory.write(left, at: head)
        heap.memory.write(right, at: head + 8)
        heap.memory.write(shared, at: left)
        heap.memory.write(shared, at: right)
        let findings = try #require(heap.findings())
        #expect(findings.definite.blocks == 1)
        #expect(findings.indirect == Tally(blocks: 3, bytes: 24 + 24 + 56))
        #expect(findings.groups.first?.held == Tally(blocks: 3, bytes: 104))
        #expect(findings.groups.first?.addresses == [head])
    }

    @Test("A ring has one leader and is a cycle; what hangs below it is no part of the ring")
    func ring() throws {
        var heap = FixtureHeap()
        let first = heap.block(40)
        let second = heap.block(40)
        let below = heap.block(24)
        heap.memory.write(second, at: first)
        heap.memory.write(first, at: second + 16)
        heap.memory.write(below, at: second)
        let findings = try #require(heap.findings())
        #expect(findings.definite.blocks == 1)
        #expect(findings.indirect.blocks == 2)
        #expect(findings.cycleCount == 1)
        #expect(findings.cycles == Tally(blocks: 2, bytes: 80))
        #expect(findings.groups.map(\.kind) == [.cycle])
    }

    @Test("A block with a pointer to itself is no ring")
    func selfPointer() throws {
        var heap = FixtureHeap()
        let block = heap.block(40)
        heap.memory.write(block, at: block + 8)
        let findings = try #require(heap.findings())
        #expect(findings.cycleCount == 0)
        #expect(findings.definite.blocks == 1)
    }

    @Test("Interior pointers and what hangs below them are possibly lost")
    func interior() throws {
        var heap = FixtureHeap()
        let block = heap.block(100)
        let below = heap.block(100)
        heap.memory.write(UInt64.max, at: block)
        heap.memory.write(below, at: block + 48)
        heap.root(block + 40)
        let findings = try #require(heap.findings())
        #expect(findings.possible.blocks == 2)
        #expect(findings.definite.blocks == 0)
        #expect(Set(findings.groups.flatMap(\.addresses)) == [block, below])
    }

    @Test("Registers, the live stack and the red zone hold blocks; the dead stack does not")
    func stackAndRegisters() throws {
        var heap = FixtureHeap()
        let inRegister = heap.block(24)
        let onStack = heap.block(24)
        let inRedZone = heap.block(24)
        let belowStack = heap.block(24)
        heap.memory.write(onStack, at: FixtureHeap.stackPointer + 64)
        heap.memory.write(inRedZone, at: FixtureHeap.stackPointer - 128)
        heap.memory.write(belowStack, at: FixtureHeap.stackPointer - 136)
        let findings = try #require(heap.findings(registers: [inRegister]))
        #expect(findings.groups.map(\.addresses) == [[belowStack]])
    }

    @Test("Free chunks are no blocks, and the words in them hold nothing")
    func freeChunks() throws {
        var heap = FixtureHeap()
        let first = heap.block(24)
        heap.root(first)
        let hole = heap.next
        heap.hole(128)
        let behind = heap.blockAfterHole(40)
        heap.memory.write(behind, at: hole + 64)
        let findings = try #require(heap.findings())
        #expect(findings.groups.map(\.addresses) == [[behind]])
        #expect(findings.heap.live.blocks == 2)
    }

    @Test("Chunks in a fastbin and in a thread's cache are free", arguments: [0x288, 0x298] as [UInt64])
    func caches(cacheBytes: UInt64) throws {
        var heap = FixtureHeap()
        let cache = heap.block(cacheBytes)
        let cached = [heap.block(56), heap.block(56)]
        let fast = heap.block(24)
        let lost = heap.block(56)
        heap.root(cache)
        let bin = 2 as UInt64  // chunks of 64 bytes
        heap.memory.write([2, 0], at: cache + bin * 2)
        heap.memory.write(cached[0], at: cache + ThreadCacheLayout.counts.entries + bin * 8)
        heap.memory.write(cached[1] ^ (cached[0] >> 12), at: cached[0])
        heap.memory.write(cached[1] >> 12, at: cached[1])
        for block in cached { heap.memory.write(0xfeed_f00d_1234_5678, at: block + 8) }
        heap.memory.write(fast - 16, at: FixtureHeap.arena + MallocLayout.fastbins)
        heap.memory.write((fast) >> 12, at: fast)
        let findings = try #require(heap.findings())
        #expect(findings.groups.map(\.addresses) == [[lost]])
        #expect(findings.heap.live.blocks == 2)
    }

    @Test("A heap that does not hang together is torn; taken as it is, its blocks are a gap and nothing is called lost")
    func torn() throws {
        var heap = FixtureHeap()
        for _ in 0..<100 { _ = heap.block(40) }
        heap.memory.write(0x1234_5678_9abc_def1, at: FixtureHeap.heapStart + 48 * 50 + 8)
        guard case .torn = ProcessGraph.build(image: heap.image(), acceptTorn: false) else {
            Issue.record("a broken chain of chunks was not noticed")
            return
        }
        let findings = try #require(LeakAnalysis.run(image: heap.image(), .init(), acceptTorn: true)).findings
        #expect(!findings.exact)
        #expect(findings.lost.blocks == 0)
        #expect(!findings.gaps.isEmpty)
    }

    @Test("Only what two snapshots call lost stays lost")
    func confirmation() throws {
        var heap = FixtureHeap()
        let old = heap.block(40)
        let first = try #require(LeakAnalysis.run(image: heap.image(), .init()))
        let new = heap.block(40)
        let options = LeakAnalysis.Options(addressLimit: .max)
        let findings = try #require(LeakAnalysis.run(image: heap.image(), options, confirming: first.lost)).findings
        #expect(findings.definite.blocks == 1)
        #expect(findings.possible.blocks == 1)
        #expect(findings.unconfirmed == 1)
        #expect(findings.groups.first { $0.kind == .definite }?.addresses == [old])
        #expect(findings.groups.first { $0.kind == .possible }?.addresses == [new])
    }

    @Test("The verdicts add up to all live blocks, and agree with a naive walk", arguments: 0..<40 as Range<UInt64>)
    func randomGraph(seed: UInt64) throws {
        var random = Seeded(seed)
        var heap = FixtureHeap()
        var blocks: [UInt64] = []
        var sizes: [UInt64: UInt64] = [:]
        for _ in 0..<Int.random(in: 1...300, using: &random) {
            let usable = UInt64.random(in: 3...40, using: &random) * 16 + 8
            let block = heap.block(usable)
            blocks.append(block)
            sizes[block] = usable
        }
        // Pointers, to starts and into the middle; the first word stays odd so that no base class is recognised.
        var exact: [UInt64: Set<UInt64>] = [:]
        var interior: [UInt64: Set<UInt64>] = [:]
        for block in blocks {
            heap.memory.write(.max, at: block)
            heap.memory.write(.max, at: block + 8)
            for slot in stride(from: 16, to: sizes[block]! - 8, by: 8) where Int.random(in: 0..<24, using: &random) == 0
            {
                let target = blocks.randomElement(using: &random)!
                if target != block, Int.random(in: 0..<3, using: &random) == 0 {
                    heap.memory.write(target + 40, at: block + slot)
                    interior[block, default: []].insert(target)
                } else {
                    heap.memory.write(target, at: block + slot)
                    exact[block, default: []].insert(target)
                }
            }
        }
        var reachable: Set<UInt64> = []
        for block in blocks where Int.random(in: 0..<12, using: &random) == 0 {
            heap.root(block)
            reachable.insert(block)
        }
        func spread(_ set: inout Set<UInt64>, _ edges: [[UInt64: Set<UInt64>]], except: Set<UInt64> = []) {
            var work = Array(set)
            while let block = work.popLast() {
                for edge in edges {
                    for target in edge[block] ?? [] where !except.contains(target) && set.insert(target).inserted {
                        work.append(target)
                    }
                }
            }
        }
        spread(&reachable, [exact])
        var possible = Set(reachable.flatMap { interior[$0] ?? [] }).subtracting(reachable)
        spread(&possible, [exact, interior], except: reachable)
        let lost = Set(blocks).subtracting(reachable).subtracting(possible)

        let findings = try #require(heap.findings())
        #expect(findings.reachable.blocks == reachable.count)
        #expect(findings.possible.blocks == possible.count)
        #expect(findings.lost.blocks == lost.count)
        #expect(Set(findings.groups.filter { $0.kind == .possible }.flatMap(\.addresses)) == possible)
        let leaders = findings.groups.filter { $0.kind != .possible }.flatMap(\.addresses)
        #expect(Set(leaders).count == leaders.count)
        #expect(Set(leaders).isSubset(of: lost))
        // Every lost block hangs below a leader, and no leader is needed less.
        var covered = Set(leaders)
        spread(&covered, [exact, interior], except: reachable.union(possible))
        #expect(covered == lost)
        for leader in leaders {
            var others = Set(leaders).subtracting([leader])
            spread(&others, [exact, interior], except: reachable.union(possible))
            #expect(!others.contains(leader))
        }
        // With the blocks of 104 bytes left out: what stays is what hangs below a leader without one of them in between.
        let named = lost.filter { sizes[$0] == 104 }
        let staying = leaders.filter { leader in
            var below: Set<UInt64> = [leader]
            spread(&below, [exact, interior], except: reachable.union(possible))
            return !below.intersection(named).contains { block in
                var back: Set<UInt64> = [block]
                spread(&back, [exact, interior], except: reachable.union(possible))
                return back.contains(leader)
            }
        }
        var kept = Set(staying)
        spread(&kept, [exact, interior], except: reachable.union(possible).union(named))
        var options = LeakAnalysis.Options(addressLimit: .max)
        options.exclude = [try ExcludePattern("104 bytes", source: "--exclude")]
        let rest = try #require(heap.findings(options))
        #expect(rest.lost.blocks == kept.count)
        #expect(Set(rest.groups.filter { $0.kind != .possible }.flatMap(\.addresses)) == Set(staying))
        #expect(rest.excluded.total.blocks == lost.count - kept.count)
        #expect(rest.excluded.total.bytes == findings.lost.bytes - rest.lost.bytes)
        #expect(rest.reachable == findings.reachable && rest.possible == findings.possible)

        let all = findings.definite.bytes + findings.indirect.bytes + findings.possible.bytes + findings.reachable.bytes
        #expect(all == findings.heap.live.bytes)
        #expect(
            findings.definite.blocks + findings.indirect.blocks + findings.possible.blocks + findings.reachable.blocks
                == blocks.count)
    }

    @Test(
        "Damaged memory never traps, never hangs and never gives a count beyond the heap",
        arguments: Rounds.of(60, fuzz: 2_000))
    func damaged(seed: UInt64) {
        var random = Seeded(seed)
        var heap = FixtureHeap(heapBytes: 1 << 16)
        var blocks: [UInt64] = []
        while heap.next < FixtureHeap.heapStart + 50_000 {
            blocks.append(heap.block(UInt64.random(in: 1...300, using: &random)))
        }
        for block in blocks { heap.memory.write(blocks.randomElement(using: &random)!, at: block) }
        heap.memory.flip(Int.random(in: 1...200, using: &random), using: &random)
        if seed % 3 == 0 { heap.memory.truncate(using: &random) }
        for acceptTorn in [false, true] {
            if let result = LeakAnalysis.run(image: heap.image(), .init(), acceptTorn: acceptTorn) {
                #expect(result.findings.heap.live.bytes <= 1 << 16)
            }
        }
    }
}
