import Model

@testable import Analysis

/// Graphs to be saved, and saved graphs to be damaged.
enum SavedFixture {
    static let facts = SavedFacts(
        secondsSince1970: 1_795_000_000, snapshot: SnapshotFacts(method: .fork, pauseSeconds: 0.0092, threads: 3),
        attempts: 2, residentBytes: 784_334_848,
        symbols: [0x5554_0000_0010: Symbol(name: "cache", module: "fixture", offset: 8, isFunction: false)],
        fields: FieldNames(["app::Node": [.init(offset: 16, size: 8, name: "next")]]))

    // MARK: - Graphs

    static func graph(_ image: MemoryImage) -> ProcessGraph? {
        guard case .done(let graph) = ProcessGraph.build(image: image, acceptTorn: true, keepsPositions: true) else {
            return nil
        }
        return graph
    }

    /// A held list, a lost tree, a ring, a block held in its middle, lost blocks that point to a module.
    static func plain() -> ProcessGraph {
        var heap = FixtureHeap()
        let list = (0..<5).map { _ in heap.block(40) }
        for (block, next) in zip(list, list.dropFirst()) { heap.memory.write(next, at: block + 8) }
        heap.root(list[0])
        let (tree, left, right) = (heap.block(100), heap.block(24), heap.block(56))
        heap.memory.write(left, at: tree + 16)
        heap.memory.write(right, at: tree + 72)
        heap.memory.write(FixtureHeap.libcData.lower + 8, at: tree)
        let (ring, other) = (heap.block(32), heap.block(48))
        heap.memory.write(other, at: ring + 24)
        heap.memory.write(ring, at: other)
        let held = heap.block(4000)
        heap.root(held + 1992)
        heap.memory.write(heap.block(72), at: held + 3000)
        return graph(heap.image())!
    }

    /// Rings, weak references, a side table, a count without a reference.
    static func swift() -> ProcessGraph {
        var fixture = SwiftFixture()
        let owner = fixture.type("Owner", [.init(name: "pet", type: "yXl"), .init(name: "spare", type: "yXl")])
        let pet = fixture.type("Pet", [.init(name: "owner", type: "yXl"), .init(name: "friend", type: "yXlXw")])
        for _ in 0..<4 {
            let (first, second) = (fixture.object(owner), fixture.object(pet))
            fixture.heap.memory.write(second, at: first + 16)
            fixture.heap.memory.write(first, at: second + 16)
        }
        let kept = fixture.object(owner)
        fixture.heap.root(kept)
        _ = fixture.object(pet, strong: 3)
        let table = fixture.heap.block(48)
        fixture.heap.memory.write(kept, at: table)
        fixture.heap.memory.write(3, at: table + 16)
        fixture.heap.memory.write(3 << 62 | table >> 3, at: kept + 8)
        return graph(fixture.image())!
    }

    static func random(seed: UInt64, blocks count: Int) -> ProcessGraph {
        var random = Seeded(seed)
        var heap = FixtureHeap(heapBytes: UInt64(max(count * 512 + 4096, 1 << 20) & ~4095))
        var blocks: [(start: UInt64, usable: UInt64)] = []
        for _ in 0..<count {
            let usable = UInt64.random(in: 1...30, using: &random) * 16 + 8
            blocks.append((heap.block(usable), usable))
        }
        for (start, usable) in blocks {
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                guard let target = blocks.randomElement(using: &random) else { continue }
                let place = start + UInt64.random(in: 0..<usable / 8, using: &random) * 8
                let isInterior = Int.random(in: 0..<5, using: &random) == 0
                heap.memory.write(target.start + (isInterior ? 16 : 0), at: place)
            }
        }
        for _ in 0..<min(count / 20, 1_000) {
            if let block = blocks.randomElement(using: &random) { heap.root(block.start) }
        }
        return graph(heap.image())!
    }

    // MARK: - Files

    static func saved(_ process: ProcessGraph) -> [UInt8] {
        final class Collector { var bytes: [UInt8] = [] }
        let collector = Collector()
        do throws(Failure) {
            var writer = try SavedGraphWriter { collector.bytes += $0 }
            try writer.write(SavableGraph(process))
            try writer.finish(facts)
        } catch {
            preconditionFailure("collecting bytes cannot fail: \(error)")
        }
        return collector.bytes
    }

    struct Section {
        var tag: String
        var content: [UInt8]
    }

    static func sections(of file: [UInt8]) -> [Section] {
        var result: [Section] = []
        var at = SavedFormat.headerBytes
        while at + SavedFormat.sectionHeaderBytes <= file.count {
            let tag = String(decoding: file[at..<at + 4], as: UTF8.self)
            let length = Int(SavedFormat.littleEndian(file[at + 4..<at + 12]))
            let compressed = Int(SavedFormat.littleEndian(file[at + 12..<at + 20]))
            at += SavedFormat.sectionHeaderBytes
            result.append(
                .init(tag: tag, content: Deflate.expanded(Array(file[at..<at + compressed]), count: length) ?? []))
            at += compressed
        }
        return result
    }

    static func file(_ sections: [Section]) -> [UInt8] {
        var file = SavedFormat.magic + [SavedFormat.version]
        for section in sections {
            guard let known = SavedFormat.Section(rawValue: section.tag) else { continue }
            let compressed = Deflate.compressed(section.content)
            file += SavedFormat.sectionHeader(
                known, length: section.content.count, compressedLength: compressed.count)
            file += compressed
        }
        return file
    }

    /// A few bytes changed, taken away or put in.
    static func damaged(_ bytes: [UInt8], _ random: inout Seeded) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let place = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
            case 1 where place < bytes.count: bytes.remove(at: place)
            case 2 where place < bytes.count:
                bytes[place] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &random) ?? 0
            default: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
            }
        }
        return bytes
    }

    static func contains(_ bytes: [UInt8], _ pattern: [UInt8]) -> Bool {
        guard bytes.count >= pattern.count else { return false }
        return (0...bytes.count - pattern.count).contains { bytes[$0..<$0 + pattern.count].elementsEqual(pattern) }
    }
}
