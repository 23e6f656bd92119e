import Model
import Testing

@testable import Analysis

@Suite("Hostile Swift metadata: no trap, bounded work")
struct SwiftHostileTests {
    /// A class with one field and an object of it that holds itself.
    private static func loop(_ type: String = "yXlSg") -> (swift: SwiftFixture, metadata: UInt64, object: UInt64) {
        var swift = SwiftFixture(heapBytes: 1 << 14)
        let metadata = swift.type("Loop", [.init(name: "next", type: type)])
        let object = swift.object(metadata)
        swift.heap.memory.write(object, at: object + 16)
        return (swift, metadata, object)
    }

    @Test("Every word of the metadata and of its descriptors replaced by every kind of garbage")
    func garbage() throws {
        let values: [UInt64] = [
            0, 1, 8, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x7fff_ffff_ffff, 0x8000_0000_0000_0000, .max - 7, .max,
            SwiftFixture.module.lower, SwiftFixture.module.upper - 4, FixtureHeap.heapStart,
        ]
        let (swift, _, _) = Self.loop()
        let image = swift.image()
        let graph = try #require(swift.graph()).graph
        for address in stride(from: SwiftFixture.module.lower, to: SwiftFixture.module.lower + 320, by: 4) {
            let before = swift.heap.memory.word(at: address) ?? 0
            for value in values {
                swift.heap.memory.write(value, at: address)
                // Everything that reads metadata; the rest of the analysis does not depend on it.
                let types = TypeTable(image: image, graph: graph)
                let references = SwiftReferences.find(image: image, graph: graph, types: types)
                #expect(TrialDeletion(references).isGarbage.count <= 1)
            }
            swift.heap.memory.write(before, at: address)
        }
    }

    @Test("Chains of superclasses and of contexts that lead back to themselves")
    func chains() throws {
        let (swift, metadata, _) = Self.loop()
        swift.heap.memory.write(metadata, at: metadata + 8)
        #expect(try #require(swift.findings()).heap.live.blocks == 1)
        let descriptor = try #require(swift.heap.memory.word(at: metadata + 40))
        swift.writeRelative(descriptor, at: descriptor + 4)
        let findings = try #require(swift.findings())
        #expect((findings.groups.first?.type ?? "").utf8.count < 4096)
    }

    @Test("Counts of 2^31 and more: of fields, of references, of captures, of elements")
    func counts() throws {
        for count: UInt32 in [1025, 1 << 16, 1 << 30, 0x7fff_ffff, 1 << 31, .max] {
            let (swift, metadata, object) = Self.loop()
            let descriptor = try #require(swift.heap.memory.word(at: metadata + 40))
            for offset: UInt64 in [28, 32, 36, 40] {
                let before = swift.heap.memory.word32(at: descriptor + offset) ?? 0
                swift.write32(count, at: descriptor + offset)
                #expect(swift.findings() != nil)
                swift.write32(before, at: descriptor + offset)
            }
            for word in [UInt64(count) << 32 | 3, UInt64(count), UInt64(count) << 31 | 3, 3 << 62 | UInt64(count)] {
                swift.heap.memory.write(word, at: object + 8)
                #expect(swift.findings() != nil)
            }
        }
    }

    @Test("An instance size larger than the block makes it no instance")
    func instanceSize() throws {
        let (swift, metadata, _) = Self.loop()
        swift.write32(1 << 20, at: metadata + 24)
        let findings = try #require(swift.findings())
        #expect(findings.groups.first?.type == nil)
    }

    /// Two structures of many fields, each of the other's type: taken apart, they would have more fields than there are
    /// words in the world.
    @Test("Structures that hold each other", .timeLimit(.minutes(1)))
    func structures() throws {
        var swift = SwiftFixture()
        let place = SwiftFixture.module.lower + 0x10000
        let metadata = swift.type("Holder", [.init(name: "value", type: "??????")])
        for number in 0..<2 as Range<UInt64> {
            let descriptor = place + number * 0x4000
            let records = descriptor + 0x100
            swift.write32(17, at: descriptor)
            swift.writeRelative(records, at: descriptor + 16)
            swift.write32(64, at: descriptor + 20)
            swift.write32(1024, at: records + 12)
            for field in 0..<1024 as Range<UInt64> {
                let record = records + 16 + field * 12
                let type = place + 0x8000 + field * 8
                // A reference by relative offset to the other structure's descriptor.
                swift.heap.memory.write([1], at: type)
                swift.writeRelative(place + (1 - number) * 0x4000, at: type + 1)
                swift.writeRelative(type, at: record + 4)
                swift.writeRelative(place + 0x8000 - 8, at: record + 8)
            }
        }
        let descriptor = try #require(swift.heap.memory.word(at: metadata + 40))
        let records = descriptor + 16 + UInt64(swift.heap.memory.word32(at: descriptor + 16) ?? 0) &- (1 << 32)
        swift.writeRelative(place + 0x8000, at: records + 16 + 4)
        _ = swift.object(metadata)
        #expect(swift.findings() != nil)
    }

    @Test("Random damage in metadata and objects", arguments: Rounds.of(60, fuzz: 1_000))
    func damaged(seed: UInt64) {
        var random = Seeded(seed)
        var swift = SwiftFixture(heapBytes: 1 << 16)
        let kinds = ["yXlSg", "yXlXw", "yXlXo", "yXlXu", "Si", "yp", "yyc", "SaySiG"]
        let types = (0..<6).map { number in
            swift.type("T\(number)", kinds.shuffled(using: &random).prefix(4).map { .init(name: $0, type: $0) })
        }
        let objects = (0..<300).map { _ in swift.object(types.randomElement(using: &random) ?? 0) }
        for object in objects {
            for slot in 0..<4 as Range<UInt64> {
                swift.heap.memory.write(objects.randomElement(using: &random) ?? 0, at: object + 16 + slot * 8)
            }
        }
        for _ in 0..<200 {
            let address = SwiftFixture.module.lower + UInt64.random(in: 0..<2048, using: &random) * 4
            swift.write32(UInt32.random(in: 0 ... .max, using: &random), at: address)
        }
        swift.heap.memory.flip(Int.random(in: 1...2000, using: &random), using: &random)
        if let findings = swift.findings() { #expect(findings.heap.live.bytes <= 1 << 16) }
    }
}
