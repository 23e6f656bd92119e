import Model
import Testing

@testable import Analysis

/// The parts of a resident set add up to the kernel's figure, whatever the pages say.
@Suite struct ResidentSetTests {
    private func facts(_ fixture: FixtureHeap, _ resident: [UInt64], _ pages: [AddressRange]) -> AddressSpaceFacts {
        let image = fixture.image()
        var facts = AddressSpaceFacts(
            process: image.process,
            mappings: zip(image.mappings, resident).map { mapping, bytes in
                var use = MemoryUse()
                use.resident = bytes
                return MappingUse(mapping: mapping, use: use)
            })
        facts.pages = pages.map { PageRun(range: $0, state: .present) }
        return facts
    }

    private func findings(_ fixture: FixtureHeap, _ facts: AddressSpaceFacts) throws -> MemoryFindings {
        guard case .done(let graph) = ProcessGraph.build(image: fixture.image(), acceptTorn: false, keepsLayout: true)
        else { throw Torn() }
        return MemoryAnalysis.run(AddressSpace(facts), graph: graph)
    }

    private struct Torn: Error {}

    @Test func knownAnswer() throws {
        var fixture = FixtureHeap()
        fixture.root(fixture.block(100_000))
        _ = fixture.block(50_000)
        let heap = AddressRange(FixtureHeap.heapStart, FixtureHeap.heapStart + (1 << 20))
        // Code, data, heap, libc's data, stack; the kernel counted one page of the heap less than was there later.
        let pages = [FixtureHeap.data, heap, FixtureHeap.libcData, FixtureHeap.stack]
        let findings = try findings(
            fixture, facts(fixture, [0, 0x4000, 1 << 20 - 4096, 0x4000, 0x2_0000], pages))
        #expect(findings.kernelBytes == 0x4000 + 1 << 20 - 4096 + 0x4000 + 0x2_0000)
        #expect(findings.bytes(.heapInUse) == 100_008)
        #expect(findings.bytes(.heapLost) == 50_008)
        #expect(findings.bytes(.stacks) == 0x2_0000)
        #expect(findings.parts.last == ResidentPart(kind: .changed, bytes: -4096))
        #expect(findings.parts.reduce(0) { $0 + $1.bytes } == Int64(findings.kernelBytes))
    }

    @Test(arguments: 0..<40) func addsUpProperty(_ seed: UInt64) throws {
        var random = Seeded(seed)
        var fixture = FixtureHeap()
        for _ in 0..<100 { fixture.root(fixture.block(UInt64.random(in: 0...5000, using: &random))) }
        var pages: [AddressRange] = []
        var resident: [UInt64] = []
        for mapping in fixture.image().mappings {
            var sum: UInt64 = 0
            var page = mapping.range.lower
            while page < mapping.range.upper {
                let end = min(page + UInt64.random(in: 1...20, using: &random) << 12, mapping.range.upper)
                if Bool.random(using: &random) {
                    pages.append(AddressRange(page, end))
                    sum += end - page
                }
                page = end
            }
            // A process at work: the kernel's figures are of another moment.
            resident.append(
                seed % 2 == 0 ? sum : UInt64.random(in: 0...mapping.range.count >> 12, using: &random) << 12)
        }
        let findings = try findings(fixture, facts(fixture, resident, pages.merged()))
        #expect(findings.kernelBytes == resident.reduce(0, +))
        #expect(findings.parts.reduce(0) { $0 + $1.bytes } == Int64(findings.kernelBytes))
        #expect(findings.parts.allSatisfy { $0.bytes > 0 || $0.kind == .changed })
        if seed % 2 == 0 { #expect(!findings.parts.contains { $0.kind == .changed }) }
    }
}
