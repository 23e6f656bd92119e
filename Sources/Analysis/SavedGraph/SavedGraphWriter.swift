import Dispatch
package import Model
import Synchronization

/// Writes a graph section by section, from the first to the last byte: the destination may be a pipe.
///
/// Contents of memory are not written: of a block its place, size, type, verdict and pointers to other blocks; of roots the
/// words that lead to blocks (README.md in this folder says exactly what).
package struct SavedGraphWriter {
    /// Takes the next bytes of the file.
    package typealias Sink = ([UInt8]) throws(Failure) -> Void

    private let sink: Sink
    private var sections = 0

    /// Segments that are coded together: enough for all cores, few enough to need little memory.
    private static let batch = 8

    package init(to sink: @escaping Sink) throws(Failure) {
        self.sink = sink
        try sink(SavedFormat.magic + [SavedFormat.version])
    }

    package mutating func write(_ graph: SavableGraph) throws(Failure) {
        let process = graph.process
        try add(.head, head(process))
        try add(.maps, maps(process.image.mappings))
        try add(.threads, threads(process.image.threads))
        try add(.types, types(process.types))
        try add(.large, large(process.index))
        try addBlocks(process)
        if let swift = process.ownership.swift, let trial = process.trial {
            try add(.swift, SwiftCoding.encode(swift, trial))
        }
        try add(.roots, roots(process.rootEdges))
        if !process.streams.isEmpty { try add(.streams, StreamCoding.encode(process.streams)) }
        try add(.words, words(graph.words))
    }

    /// Writes what is known when the look is over, and the end.
    package mutating func finish(_ facts: SavedFacts) throws(Failure) {
        try add(.facts, SavedGraphWriter.facts(facts))
        var end = ByteWriter()
        end.number(sections)
        try add(.end, end)
    }

    private mutating func add(_ section: SavedFormat.Section, _ content: ByteWriter) throws(Failure) {
        try add(Coded(section, content, .patterned))
    }

    private mutating func add(_ coded: Coded) throws(Failure) {
        sections += 1
        try sink(
            SavedFormat.sectionHeader(
                coded.section, length: coded.length, compressedLength: coded.compressed.count))
        try sink(coded.compressed)
    }

    /// A section that is ready to be written.
    private struct Coded {
        let section: SavedFormat.Section
        let length: Int
        let compressed: [UInt8]

        init(_ section: SavedFormat.Section, _ content: ByteWriter, _ expected: Deflate.Content) {
            self.section = section
            length = content.bytes.count
            compressed = Deflate.compressed(content.bytes, expected)
        }
    }

    private mutating func addBlocks(_ process: ProcessGraph) throws(Failure) {
        let segments = process.graph.segments.count
        for first in stride(from: 0, to: segments, by: SavedGraphWriter.batch) {
            let count = min(SavedGraphWriter.batch, segments - first)
            let coded = Mutex([[Coded]](repeating: [], count: count))
            DispatchQueue.concurrentPerform(iterations: count) { number in
                let segment = SegmentCoding(segment: first + number, of: process.index)
                let result = [
                    Coded(.blocks, segment.encodeBlocks(of: process), .patterned),
                    Coded(.pointers, segment.encodePointers(of: process.graph), .scattered),
                ]
                coded.withLock { $0[number] = result }
            }
            for section in coded.withLock({ $0 }).joined() { try add(section) }
        }
    }
}

extension SegmentCoding {
    init(segment: Int, of index: BlockIndex) {
        self.init(segment: segment, smallCount: index.smallCount, count: index.count)
    }

    /// Segment number `segment` of a graph of `count` blocks.
    init(segment: Int, smallCount: Int, count: Int) {
        firstBlock = segment << ObjectGraph.segmentShift
        self.count = min(ObjectGraph.segmentBlocks, count - firstBlock)
        self.smallCount = min(max(smallCount - firstBlock, 0), self.count)
    }
}

// MARK: - Sections

extension SavedGraphWriter {
    private func head(_ process: ProcessGraph) -> ByteWriter {
        var out = ByteWriter()
        out.number(UInt64(UInt32(bitPattern: process.process.pid)))
        out.number(process.process.startTicks)
        out.blob(process.process.commandBytes)
        let heap = process.summary
        out.text(heap.allocator)
        out.text(heap.version)
        out.number(heap.arenas)
        out.number(heap.live.blocks)
        out.number(heap.live.bytes)
        out.number(heap.freeBytes)
        out.number(heap.populatedBytes)
        out.flag(heap.isSwiftOnly)
        out.flag(process.exact)
        out.number(process.unconfirmed)
        out.number(process.gaps.count)
        for gap in process.gaps {
            out.text(gap.what)
            out.text(gap.reason)
            out.text(gap.remedy)
        }
        out.number(process.index.count)
        return out
    }

    private func maps(_ mappings: [Mapping]) -> ByteWriter {
        var out = ByteWriter()
        out.number(mappings.count)
        var last: UInt64 = 0
        for mapping in mappings {
            out.number(mapping.range.lower - last)
            out.number(mapping.range.count)
            last = mapping.range.upper
            out.byte(mapping.permissions.rawValue)
            out.number(mapping.fileOffset)
            out.number(UInt64(mapping.deviceMajor))
            out.number(UInt64(mapping.deviceMinor))
            out.number(mapping.inode)
            out.blob(mapping.nameBytes)
        }
        return out
    }

    private func threads(_ threads: [ThreadState]) -> ByteWriter {
        var out = ByteWriter()
        out.number(threads.count)
        for thread in threads {
            out.number(UInt64(UInt32(bitPattern: thread.tid)))
            out.blob(thread.nameBytes)
            out.number(thread.stackPointer)
            out.number(thread.instructionPointer)
            out.number(thread.threadPointer)
        }
        return out
    }

    private func types(_ types: TypeTable) -> ByteWriter {
        var out = ByteWriter()
        // The first is "no type".
        out.number(types.entries.count - 1)
        for entry in types.entries.dropFirst() {
            out.text(entry.name)
            out.byte(entry.kind.rawValue)
            out.number(entry.head)
            out.number(entry.instanceSize)
        }
        return out
    }

    private func large(_ index: BlockIndex) -> ByteWriter {
        var out = ByteWriter()
        out.number(index.large.count)
        for block in index.large {
            out.number(block.extent.lower)
            out.number(block.extent.count)
            out.number(block.start)
            out.number(block.usable)
        }
        return out
    }

    private func roots(_ edges: [RootEdge]) -> ByteWriter {
        var out = ByteWriter()
        out.number(edges.count)
        var last: Int64 = 0
        for edge in edges {
            out.number(UInt64(edge.target))
            out.number(UInt64(edge.offset))
            out.byte(edge.kind.code)
            let address = Int64(bitPattern: edge.address)
            out.signed(address &- last)
            last = address
        }
        return out
    }

    private func words(_ words: [SavedWords.Word]) -> ByteWriter {
        var out = ByteWriter()
        out.number(words.count)
        var last: UInt64 = 0
        for word in words {
            out.number(word.address - last)
            out.number(word.value)
            last = word.address
        }
        return out
    }

    private static func facts(_ facts: SavedFacts) -> ByteWriter {
        var out = ByteWriter()
        out.signed(facts.secondsSince1970)
        out.text(facts.snapshot.method.rawValue)
        out.number(UInt64(max(facts.snapshot.pauseSeconds, 0) * 1e9))
        out.number(facts.snapshot.threads)
        out.number(facts.attempts)
        out.flag(facts.residentBytes != nil)
        out.number(facts.residentBytes ?? 0)
        out.number(facts.symbols.count)
        for (address, symbol) in facts.symbols.sorted(by: { $0.key < $1.key }) {
            out.number(address)
            out.text(symbol.name)
            out.text(symbol.module)
            out.number(symbol.offset)
            out.flag(symbol.isFunction)
        }
        out.number(facts.fields.classes.count)
        for (name, fields) in facts.fields.classes.sorted(by: { $0.key < $1.key }) {
            out.text(name)
            out.number(fields.count)
            for field in fields {
                out.number(field.offset)
                out.number(field.size)
                out.text(field.name)
            }
        }
        return out
    }
}

extension RootKind {
    private static let order: [RootKind] = [
        .register, .stack, .data, .anonymous, .shared, .kernel, .threadVector, .torn,
    ]

    /// The number that stands for it in a saved graph.
    var code: UInt8 { UInt8(RootKind.order.firstIndex(of: self) ?? 0) }

    init?(code: UInt8) {
        guard code < RootKind.order.count else { return nil }
        self = RootKind.order[Int(code)]
    }
}
