import Model
import Testing

@testable import Analysis

/// Saved graphs: what is read back gives the same findings, and damage of any kind ends in words.
struct SavedGraphTests {
    // MARK: - Round trips

    @Test func plainBlocks() throws { try expectSameFindings(SavedFixture.plain()) }

    @Test func swiftObjects() throws { try expectSameFindings(SavedFixture.swift()) }

    @Test(arguments: 0..<20) func randomGraphs(_ seed: UInt64) throws {
        try expectSameFindings(SavedFixture.random(seed: seed, blocks: 400))
    }

    private func expectSameFindings(_ process: ProcessGraph) throws {
        let saved = try SavedGraphReader.read(SavedFixture.saved(process), name: "x.nusu")
        #expect(saved.facts == SavedFixture.facts)
        let options = LeakAnalysis.Options(addressLimit: .max)
        let before = LeakAnalysis.result(of: process, options).findings
        let after = LeakAnalysis.result(of: saved.graph, options).findings
        #expect(before.groups == after.groups)
        #expect(before.heap == after.heap)
        #expect(before.byType == after.byType)
        #expect(
            [before.definite, before.indirect, before.possible, before.reachable, before.cycles]
                == [after.definite, after.indirect, after.possible, after.reachable, after.cycles])
        #expect(before.gaps == after.gaps && before.exact == after.exact)

        let (used, usedAfter) = (HeapAnalysis.run(process), HeapAnalysis.run(saved.graph))
        #expect(used.types == usedAfter.types)
        #expect(used.owners == usedAfter.owners)
        for id in stride(from: 0, to: process.index.count, by: max(process.index.count / 16, 1)) {
            let question = WhyQuestion.address(process.index.start(BlockID(id)))
            let (why, whyAfter) = (
                WhyAnalysis.run(process, question, limit: 5), WhyAnalysis.run(saved.graph, question, limit: 5)
            )
            #expect(why.paths == whyAfter.paths)
            #expect(why.holds == whyAfter.holds)
            #expect(why.hasWeakReferences == whyAfter.hasWeakReferences)
            let inBlocks = why.block?.holders.filter { $0.block != nil }
            #expect(inBlocks == whyAfter.block?.holders.filter { $0.block != nil })
        }
    }

    /// A file that was read and saved again is the same file.
    @Test func savedAgain() throws {
        let bytes = SavedFixture.saved(SavedFixture.random(seed: 7, blocks: 300))
        #expect(SavedFixture.saved(try SavedGraphReader.read(bytes, name: "x").graph) == bytes)
    }

    /// More blocks than one section holds, and blocks with a mapping of their own.
    @Test func severalSegments() throws {
        let process = SavedFixture.random(seed: 3, blocks: 140_000)
        let saved = try SavedGraphReader.read(SavedFixture.saved(process), name: "x").graph
        #expect(saved.index.count == process.index.count)
        for id in stride(from: 0, to: process.index.count, by: 997) {
            let block = BlockID(id)
            #expect(saved.index.start(block) == process.index.start(block))
            #expect(saved.index.usable(block) == process.index.usable(block))
            #expect(Array(saved.graph.targets(of: block)) == Array(process.graph.targets(of: block)))
            #expect(
                saved.index.hit(process.index.start(block) + 8) == process.index.hit(process.index.start(block) + 8))
        }
        #expect(saved.states == process.states)
    }

    // MARK: - What is in the file

    /// Bytes of blocks that are no pointers to blocks are not saved.
    @Test func noContents() throws {
        var heap = FixtureHeap()
        let block = heap.block(40)
        let secret: UInt64 = 0x7465_7263_6573_2061
        heap.memory.write(secret, at: block + 8)
        heap.root(block)
        let bytes = SavedFixture.saved(try #require(SavedFixture.graph(heap.image())))
        let sections = SavedFixture.sections(of: bytes)
        let pattern = withUnsafeBytes(of: secret.littleEndian) { Array($0) }
        for section in sections { #expect(!SavedFixture.contains(section.content, pattern), "\(section.tag)") }
        let saved = try SavedGraphReader.read(bytes, name: "x")
        #expect(saved.graph.image.reader.word(at: block + 8) == 0)
    }

    // MARK: - Damage

    @Test func otherFiles() {
        expectRefused([], "no snapshot")
        expectRefused(Array("core".utf8), "no snapshot")
        expectRefused([UInt8](repeating: 0, count: 10_000), "no snapshot")
    }

    @Test func newerFormat() {
        var bytes = SavedFixture.saved(SavedFixture.plain())
        bytes[SavedFormat.magic.count] = 2
        expectRefused(bytes, "format 2")
    }

    @Test func cutShort() {
        let bytes = SavedFixture.saved(SavedFixture.plain())
        for count in 0..<bytes.count { expectRefused(Array(bytes.prefix(count)), "") }
        expectRefused(bytes + [0], "end does not fit")
    }

    @Test func flippedBits() {
        let bytes = SavedFixture.saved(SavedFixture.plain())
        for seed in Rounds.of(300, fuzz: 10_000) {
            var random = Seeded(seed)
            var damaged = bytes
            for _ in 0..<1 + random.next() % 3 {
                damaged[Int(random.next() % UInt64(bytes.count))] ^= 1 << UInt8(random.next() % 8)
            }
            // Compressed data ends in the middle of a byte: what fills it up means nothing. All else is noticed.
            guard let saved = try? SavedGraphReader.read(damaged, name: "x") else { continue }
            #expect(SavedFixture.saved(saved.graph) == bytes)
        }
    }

    /// Behind zlib's checksum everything may be wrong: sections with changed contents and right checksums. What is read all
    /// the same can be asked everything.
    @Test func damagedSections() {
        let originals = [SavedFixture.plain(), SavedFixture.swift(), SavedFixture.random(seed: 5, blocks: 60)]
            .map { SavedFixture.sections(of: SavedFixture.saved($0)) }
        var read = 0
        for seed in Rounds.of(300, fuzz: 10_000) {
            var random = Seeded(seed)
            var sections = originals[Int(seed % 3)]
            let number = Int(random.next() % UInt64(sections.count))
            sections[number].content = SavedFixture.damaged(sections[number].content, &random)
            guard let saved = try? SavedGraphReader.read(SavedFixture.file(sections), name: "x") else { continue }
            read += 1
            _ = LeakAnalysis.result(
                of: saved.graph, .init(about: [saved.graph.index.count > 0 ? saved.graph.index.start(0) : 0]))
            let types = HeapAnalysis.run(saved.graph).types
            for type in types.prefix(3) { _ = WhyAnalysis.run(saved.graph, .type(type.name), limit: 3) }
            _ = SavedFixture.saved(saved.graph)
        }
        #expect(read > 0)
    }

    /// Counts far beyond what the bytes hold cost nothing.
    @Test func largeClaims() {
        for tag in ["head", "maps", "thrd", "type", "larg", "blks", "ptrs", "swft", "root", "word", "fact"] {
            var sections = SavedFixture.sections(of: SavedFixture.saved(SavedFixture.swift()))
            guard let number = sections.firstIndex(where: { $0.tag == tag }) else {
                Issue.record("no section \(tag)")
                continue
            }
            sections[number].content = [0xff, 0xff, 0xff, 0xff, 0x07] + sections[number].content
            expectRefused(SavedFixture.file(sections), "damaged")
        }
        // A section that says it expands to a gigabyte.
        var bytes = SavedFixture.saved(SavedFixture.plain())
        bytes[SavedFormat.headerBytes + 4 + 3] = 0x3f
        expectRefused(bytes, "damaged")
    }

    private func expectRefused(_ bytes: [UInt8], _ words: String, sourceLocation: SourceLocation = #_sourceLocation) {
        do throws(Failure) {
            _ = try SavedGraphReader.read(bytes, name: "x.nusu")
            Issue.record("read \(bytes.count) damaged bytes", sourceLocation: sourceLocation)
        } catch {
            #expect(error.kind == .unsupported, sourceLocation: sourceLocation)
            #expect(words.isEmpty || error.what.contains(words), "\(error.what)", sourceLocation: sourceLocation)
        }
    }
}
