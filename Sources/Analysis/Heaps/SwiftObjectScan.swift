import Model

/// Finds Swift objects without an allocator: by valid metadata in the first word and a plausible count in the second.
///
/// For programs on an allocator that nusu cannot read (the usual Swift server image runs jemalloc, the static SDK mimalloc).
/// Rings of objects can be told from their own counts alone, so neither the other blocks nor roots are needed; the result is
/// a lower bound. Memory that was freed keeps its bytes there, but an object that was freed has its deinit bit set.
struct SwiftObjectScan {
    let image: MemoryImage

    /// Objects and where they may lie.
    struct Found {
        let index: BlockIndex
        let bytes: UInt64
    }

    /// Words that were found to be no metadata are remembered up to here.
    private static let cacheLimit = 1 << 20
    /// A closure's context does not say how large it is: its captures are looked at up to here.
    private static let contextBytes: UInt64 = 128
    /// Buffers are as large as the space up to the next object, at most this.
    private static let bufferBytes: UInt64 = 64 << 20
    private static let windowBytes = 1 << 20

    /// nil when there is no object at all.
    func scan() -> Found? {
        let areas = image.mappings
            .filter { $0.isAnonymous && $0.permissions.contains([.read, .write]) && !$0.isMainStack }
            .map(\.range).merged()
            .flatMap { image.reader.populated(in: $0) }
            .map { AddressRange($0.lower & ~4095, ($0.upper + 4095) & ~4095) }
            .merged()
        guard areas.reduce(0, { $0 + $1.count }) <= BlockIndexBuilder.denseLimitBytes else { return nil }
        var objects: [(start: UInt64, size: UInt64)] = []
        var resolver = Resolver(image: image)
        let scanner = WordScanner(reader: image.reader, windowBytes: SwiftObjectScan.windowBytes)
        for area in areas {
            scanner.runs(area, gapsMatter: false) { words, count, address in
                // malloc aligns to 16 bytes, whoever supplies it.
                var number = address & 8 == 0 ? 0 : 1
                while number + 1 < count {
                    let first = UInt64(littleEndian: words[number])
                    if first > 1 << 16, first & 7 == 0, first < 1 << 47 {
                        let counts = UInt64(littleEndian: words[number + 1])
                        if SwiftObjectScan.isLiveCount(counts), let size = resolver.size(of: first) {
                            objects.append((address + UInt64(number) * 8, size))
                        }
                    }
                    number += 2
                }
            }
        }
        guard !objects.isEmpty else { return nil }
        let builder = BlockIndexBuilder(ranges: areas)
        var bytes: UInt64 = 0
        for (number, object) in objects.enumerated() {
            let next = number + 1 < objects.count ? objects[number + 1].start : UInt64.max
            let area = areas.first { $0.contains(object.start) }?.upper ?? object.start
            let usable = min(object.size, next - object.start, area - object.start) & ~7
            builder.add(start: object.start, usable: usable)
            bytes += usable
        }
        builder.seal()
        return Found(index: builder.finish(), bytes: bytes)
    }

    /// Counts of an object in use: marked as pure Swift (bit 0), an unowned count of at least one, no deinit, or moved to a
    /// side table. Stricter than for blocks that are known to be blocks.
    private static func isLiveCount(_ word: UInt64) -> Bool {
        if word >> 62 == 3 { return (word << 3) >> 3 != 0 }
        let unowned = (word & 0xffff_ffff) >> 1
        return word & 1 == 1 && unowned >= 1 && unowned < 1 << 20 && word >> 32 & 1 == 0 && word >> 33 < 1 << 24
    }

    /// Which words are metadata, and how large their objects are.
    private struct Resolver {
        private let image: MemoryImage
        private let types: LeadingTypes
        private var known: [UInt64: UInt64?] = [:]

        init(image: MemoryImage) {
            self.image = image
            types = LeadingTypes(image: image)
        }

        /// nil for a word that is no metadata of a heap object.
        mutating func size(of word: UInt64) -> UInt64? {
            if let size = known[word] { return size }
            if known.count >= SwiftObjectScan.cacheLimit { known.removeAll() }
            let size = resolve(word)
            known[word] = .some(size)
            return size
        }

        private func resolve(_ word: UInt64) -> UInt64? {
            guard let entry = types.resolve(BlockHead(first: word, isCounted: true)), entry.kind.isCounted else {
                return nil
            }
            if entry.name.hasPrefix("Swift._") { return SwiftObjectScan.bufferBytes }
            // Allocators give whole words, whatever the last field leaves of one.
            return entry.kind == .swiftClass ? (entry.instanceSize + 7) & ~7 : SwiftObjectScan.contextBytes
        }
    }
}
