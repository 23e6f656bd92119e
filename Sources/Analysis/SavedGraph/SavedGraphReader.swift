import Dispatch
package import Model
import Synchronization

/// Reads a saved graph back. The file is hostile: every count is checked before anything is allocated for it, every number
/// of a block or a type against how many there are.
package struct SavedGraphReader {
    /// How every saved graph begins.
    package static let magic = SavedFormat.magic

    /// Of the file, for messages.
    private let name: String
    private var bytes: [UInt8]
    private var sections: [SavedFormat.Section: [Part]] = [:]

    /// One section as it lies in the file.
    private struct Part {
        let length: Int
        let compressed: Range<Int>
    }

    /// - Throws: `.unsupported` for what is no saved graph, one of a newer format, one that is cut short or damaged.
    package static func read(_ bytes: [UInt8], name: String) throws(Failure) -> SavedGraph {
        var reader = SavedGraphReader(name: name, bytes: bytes)
        try reader.findSections()
        do {
            return try reader.graph()
        } catch {
            throw reader.failure("\(name) is damaged: \(error.part) cannot be read")
        }
    }

    private init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    private func failure(_ what: String, remedy: String = "save it again: nusu leaks PID --save FILE.nusu") -> Failure {
        Failure(.unsupported, what: what, subject: name, remedy: remedy)
    }

    // MARK: - Sections

    private mutating func findSections() throws(Failure) {
        guard bytes.starts(with: SavedFormat.magic) else {
            throw failure("\(name) is no snapshot that nusu saved", remedy: "make one: nusu leaks PID --save FILE.nusu")
        }
        guard bytes.count >= SavedFormat.headerBytes else { throw failure("\(name) is cut short") }
        let version = bytes[SavedFormat.magic.count]
        guard version == SavedFormat.version else {
            throw failure(
                "\(name) has format \(version), and this nusu reads format \(SavedFormat.version)",
                remedy: "read it with the version of nusu that wrote it, or a newer one")
        }
        var at = SavedFormat.headerBytes
        var count = 0
        while sections[.end] == nil {
            guard bytes.count - at >= SavedFormat.sectionHeaderBytes else { throw failure("\(name) is cut short") }
            let length = SavedFormat.littleEndian(bytes[at + 4..<at + 12])
            let compressed = SavedFormat.littleEndian(bytes[at + 12..<at + 20])
            let section = SavedFormat.Section(tag: bytes[at..<at + 4])
            at += SavedFormat.sectionHeaderBytes
            guard compressed <= UInt64(bytes.count - at) else { throw failure("\(name) is cut short") }
            guard let section, length <= UInt64(SavedFormat.sectionLimitBytes) else {
                throw failure("\(name) is damaged: section \(count + 1) is none that nusu writes")
            }
            let part = Part(length: Int(length), compressed: at..<at + Int(compressed))
            at = part.compressed.upperBound
            guard section == .blocks || section == .pointers || sections[section] == nil else {
                throw failure("\(name) is damaged: it has two sections '\(section.rawValue)'")
            }
            sections[section, default: []].append(part)
            count += 1
        }
        let stated = try? number(of: .end)
        guard stated == count - 1, at == bytes.count else { throw failure("\(name) is damaged: its end does not fit") }
    }

    private func number(of section: SavedFormat.Section) throws(DamagedBytes) -> Int {
        var cursor = try cursor(section)
        return try cursor.number(below: .max)
    }

    private func expanded(_ part: Part, _ what: String) throws(DamagedBytes) -> [UInt8] {
        guard let content = Deflate.expanded(Array(bytes[part.compressed]), count: part.length) else {
            throw DamagedBytes(part: what)
        }
        return content
    }

    private func content(_ section: SavedFormat.Section) throws(DamagedBytes) -> [UInt8] {
        guard let part = sections[section]?.first else { throw DamagedBytes(part: "section '\(section.rawValue)'") }
        return try expanded(part, "section '\(section.rawValue)'")
    }

    private func cursor(_ section: SavedFormat.Section) throws(DamagedBytes) -> ByteCursor {
        ByteCursor(try content(section))
    }

    /// Reads one section whole; an error names it.
    private func decode<Value>(
        _ section: SavedFormat.Section, _ body: (inout ByteCursor) throws(DamagedBytes) -> Value
    ) throws(DamagedBytes) -> Value {
        var cursor = try cursor(section)
        do {
            let value = try body(&cursor)
            guard cursor.isAtEnd else { throw DamagedBytes() }
            return value
        } catch {
            throw DamagedBytes(part: "section '\(section.rawValue)'")
        }
    }

    // MARK: - The graph

    private mutating func graph() throws(DamagedBytes) -> SavedGraph {
        let head = try decode(.head, SavedGraphReader.head)
        let mappings = try decode(.maps, SavedGraphReader.maps)
        let threads = try decode(.threads, SavedGraphReader.threads)
        let entries = try decode(.types, SavedGraphReader.types)
        let large = try decode(.large) { (cursor) throws(DamagedBytes) in
            try SavedGraphReader.large(&cursor, blocks: head.blocks)
        }
        let segments = try segments(head.blocks, large.count, entries.count)
        let index = try SavedGraphReader.index(segments, large)
        let graph = ObjectGraph(index: index, segments: segments.map(\.segment))
        let types = TypeTable(entries: entries, ofBlock: segments.flatMap(\.types))
        var swift: (SwiftReferences, TrialDeletion)?
        if sections[.swift] != nil {
            let objects = segments.flatMap(\.objects)
            var isObject = [Bool](repeating: false, count: head.blocks)
            for id in objects { isObject[Int(id)] = true }
            do {
                swift = try SwiftCoding.decode(
                    try content(.swift), objects: BlockSet(count: head.blocks) { isObject[$0] }, blocks: head.blocks)
            } catch {
                throw DamagedBytes(part: "section '\(SavedFormat.Section.swift.rawValue)'")
            }
        }
        let rootEdges = try decode(.roots) { (cursor) throws(DamagedBytes) in
            try SavedGraphReader.roots(&cursor, blocks: head.blocks)
        }
        var streams = OpenStreams.none
        if sections[.streams] != nil {
            streams = try decode(.streams) { (cursor) throws(DamagedBytes) in
                try StreamCoding.decode(&cursor, index)
            }
        }
        let words = try decode(.words, SavedGraphReader.words)
        let facts = try decode(.facts, SavedGraphReader.facts)
        let roots = SavedGraphReader.roots(rootEdges, index)
        let image = MemoryImage(
            process: head.process, mappings: mappings, threads: threads,
            reader: SavedWords(graph: graph, words: words + roots.words))
        let states = segments.flatMap(\.states)
        let shared = SharedOwnership(image: image, graph: graph, types: types) {
            states[Int($0)] == Verdict.lost.rawValue
        }
        let process = ProcessGraph(
            process: head.process, summary: head.summary, gaps: head.gaps, exact: head.exact, image: image,
            roots: roots.roots, rootEdges: rootEdges,
            ownership: Ownership(graph: graph, types: types, swift: swift?.0, trial: swift?.1, shared: shared),
            streams: streams, states: states, unconfirmed: head.unconfirmed)
        return SavedGraph(graph: process, facts: facts)
    }

    private func segments(
        _ blocks: Int, _ large: Int, _ types: Int
    ) throws(DamagedBytes) -> [SegmentCoding.Decoded] {
        let parts = sections[.blocks] ?? []
        let expected = (blocks + ObjectGraph.segmentBlocks - 1) >> ObjectGraph.segmentShift
        let pointers = sections[.pointers] ?? []
        guard parts.count == expected, pointers.count == expected else {
            throw DamagedBytes(part: "the number of blocks")
        }
        let results = Mutex([SegmentCoding.Decoded?](repeating: nil, count: parts.count))
        DispatchQueue.concurrentPerform(iterations: parts.count) { number in
            let coding = SegmentCoding(segment: number, smallCount: blocks - large, count: blocks)
            // What failed is nil, and named below.
            let decoded = try? coding.decode(
                blocks: expanded(parts[number], ""), pointers: expanded(pointers[number], ""), blocks: blocks,
                types: types)
            results.withLock { $0[number] = decoded }
        }
        let decoded = results.withLock { $0.compactMap { $0 } }
        guard decoded.count == parts.count else { throw DamagedBytes(part: "a part of the blocks") }
        return decoded
    }

    /// The index of these blocks: their pages are where blocks can be.
    private static func index(
        _ segments: [SegmentCoding.Decoded], _ large: [BlockIndex.Large]
    ) throws(DamagedBytes) -> BlockIndex {
        let damaged = DamagedBytes(part: "the places of blocks")
        var ranges: [AddressRange] = []
        var last: UInt64 = 0
        var bytes: UInt64 = 0
        for segment in segments {
            for (start, usable) in zip(segment.starts, segment.usables) {
                guard start > last, usable > 0 else { throw damaged }
                last = start
                bytes += usable
                let lower = start & ~4095
                let upper = (start + usable + 4095) & ~4095
                if let before = ranges.last, lower <= before.upper {
                    ranges[ranges.count - 1] = AddressRange(before.lower, max(before.upper, upper))
                } else {
                    ranges.append(AddressRange(lower, upper))
                }
            }
        }
        let total = ranges.reduce(0) { $0 + $1.count }
        let places = (ranges + large.map(\.extent)).sorted { $0.lower < $1.lower }
        var regions = 0
        var lastRegion = UInt64.max
        for (number, place) in places.enumerated() {
            guard place.upper <= SavedGraphReader.addressLimit,
                number == 0 || places[number - 1].upper <= place.lower
            else { throw damaged }
            for border in [place.lower, place.upper - 1] where border >> BlockIndex.regionShift != lastRegion {
                lastRegion = border >> BlockIndex.regionShift
                regions += 1
            }
        }
        guard regions <= SavedFormat.regionLimit, bytes < addressLimit, total <= BlockIndexBuilder.denseLimitBytes
        else { throw damaged }
        let builder = BlockIndexBuilder(ranges: ranges)
        for segment in segments {
            for (start, usable) in zip(segment.starts, segment.usables) { builder.add(start: start, usable: usable) }
        }
        builder.seal()
        for block in large { builder.addLarge(start: block.start, usable: block.usable, extent: block.extent) }
        let index = builder.finish()
        guard index.count == segments.reduce(large.count, { $0 + $1.starts.count }) else { throw damaged }
        return index
    }

    /// Addresses of programs are below.
    static let addressLimit = BlockIndex.regionLimit << BlockIndex.regionShift

    /// The roots as far as they were saved: the words that lead to blocks.
    private static func roots(_ edges: [RootEdge], _ index: BlockIndex) -> (roots: Roots, words: [SavedWords.Word]) {
        var roots = Roots(regions: [], words: [], chunkWords: [], gaps: [])
        var words: [SavedWords.Word] = []
        for edge in edges.sorted(by: { $0.address < $1.address }) {
            let value = index.start(edge.target) &+ UInt64(edge.offset)
            guard edge.address != 0 else {
                roots.words.append((value, edge.kind))
                continue
            }
            // Pointers in machine code may overlap; one that stands in another's bytes is left out.
            guard edge.address >= roots.regions.last?.range.upper ?? 0, edge.address < .max - 8 else { continue }
            words.append(.init(address: edge.address, value: value))
            roots.regions.append(
                RootRegion(
                    range: AddressRange(edge.address, edge.address + 8), kind: edge.kind,
                    stride: edge.address & 7 == 0 ? 8 : 1))
        }
        return (roots, words)
    }
}
