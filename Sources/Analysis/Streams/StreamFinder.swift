import Model

/// Finds the FILEs of a process by the list in which the C library keeps them (glibc 2.36 and 2.44
/// libio/bits/types/struct_FILE.h, libioP.h; the layout is part of its interface and has not changed since 2.1, but for
/// `_prevchain`, new in 2.41):
///
///     struct _IO_FILE_plus    0x00 _flags, 0xfbad in the upper half   0x68 _chain, the next one   0x70 _fileno
///                             0x88 _lock            0xb8 _prevchain, to the word that leads here
///                             0xd8 vtable, in the library's read-only data
///     struct _IO_proc_file    0xe0 pid                                0xe8 next, of those that popen made
///
/// fopen puts the lock behind the FILE, at 0xe0, popen at 0xf0. The lists begin in variables of the library (`_IO_list_all`,
/// `proc_file_chain`). Only memory that hangs on these lists is read, however large the heap is.
struct StreamFinder {
    let image: MemoryImage
    let index: BlockIndex
    /// The mapping of the library's variables.
    let home: Mapping

    private enum Layout {
        static let magic: UInt64 = 0xfbad_0000
        static let chain: UInt64 = 0x68
        static let descriptor: UInt64 = 0x70
        static let lock: UInt64 = 0x88
        static let back: UInt64 = 0xb8
        static let table: UInt64 = 0xd8
        static let next: UInt64 = 0xe8
        static let size: UInt64 = 0xe0
        static let commandLock: UInt64 = 0xf0
    }

    /// Streams on one list.
    private static let limit = 1 << 20
    private static let dataLimit: UInt64 = 4 << 20

    func find() -> OpenStreams {
        let words = heapWords()
        var known: [UInt64: OpenStream?] = [:]
        for word in words {
            var at = word.value
            while known[at] == nil, known.count < StreamFinder.limit, let fields = stream(at: at) {
                known[at] = .some(fields.stream)
                at = fields.next
            }
        }
        let streams = known.values.compactMap { $0 }
        // Those in the library's own data, stderr above all, lead back into the last one.
        let chains = Set(streams.map { $0.address &+ Layout.chain })
        let backWords = known.filter { $0.value == nil }.map { $0.key &+ Layout.back }
            .filter { image.reader.word(at: $0).map(chains.contains) ?? false }
        let listWords = listWords(to: streams, words).union(backWords)
        return OpenStreams(streams, listWords: listWords, blocks: index.count)
    }

    /// The variables where the lists begin: they lead to a stream that is behind no other. `stdout` may have been set to that
    /// very stream, and which of the variables is the program's cannot be told then: they all count as the program's.
    private func listWords(to streams: [OpenStream], _ words: [(address: UInt64, value: UInt64)]) -> Set<UInt64> {
        let behind = Set(streams.compactMap(\.links.first))
        let behindCommands = Set(streams.flatMap { $0.links.dropFirst() })
        let addresses = Dictionary(grouping: words, by: \.value).mapValues { $0.map(\.address) }
        var result: Set<UInt64> = []
        for stream in streams {
            let isHead = !behind.contains(stream.address)
            let isCommandHead = stream.isCommand && !behindCommands.contains(stream.address)
            let lists = (isHead ? 1 : 0) + (isCommandHead ? 1 : 0)
            if let leading = addresses[stream.address], leading.count == lists { result.formUnion(leading) }
        }
        return result
    }

    /// The words of the library's variables that lead to the start of a block as large as a FILE.
    private func heapWords() -> [(address: UInt64, value: UInt64)] {
        var result: [(UInt64, UInt64)] = []
        let scanner = WordScanner(reader: image.reader, windowBytes: 1 << 16)
        for range in dataRanges() {
            scanner.scan(range, gapsMatter: true) { word, address in
                guard case .start(let block) = index.hit(word), index.usable(block) >= Layout.size else { return }
                result.append((address, word))
            }
        }
        return result
    }

    /// Data and, behind it, what had no value when the program was linked.
    private func dataRanges() -> [AddressRange] {
        var result: [AddressRange] = []
        for mapping in image.mappings where mapping.permissions.isSuperset(of: [.read, .write]) {
            let isData = mapping.file != nil && mapping.file == home.file
            let isBehind = mapping.isAnonymous && !mapping.isHeap && mapping.range.lower == result.last?.upper
            guard isData || isBehind else { continue }
            result.append(
                AddressRange(
                    mapping.range.lower, min(mapping.range.upper, mapping.range.lower + StreamFinder.dataLimit)))
        }
        return result
    }

    /// What lies at `address`: nil for no FILE; a FILE that is no block, or has no descriptor, is only passed.
    private func stream(at address: UInt64) -> (stream: OpenStream?, next: UInt64)? {
        guard address & 7 == 0, let words = image.reader.words(at: address, count: Int(Layout.size / 8)),
            words[0] & 0xffff_0000 == Layout.magic, isTable(words[Int(Layout.table / 8)])
        else { return nil }
        let next = words[Int(Layout.chain / 8)]
        let descriptor = Int32(truncatingIfNeeded: words[Int(Layout.descriptor / 8)])
        guard descriptor >= 0, case .start(let block) = index.hit(address) else { return (nil, next) }
        var links = [next]
        let isCommand =
            words[Int(Layout.lock / 8)] == address &+ Layout.commandLock && index.usable(block) > Layout.commandLock
        if isCommand, let other = image.reader.word(at: address + Layout.next) { links.append(other) }
        let stream = OpenStream(
            block: block, address: address, descriptor: descriptor, isCommand: isCommand, links: links)
        return (stream, next)
    }

    private func isTable(_ word: UInt64) -> Bool {
        guard word & 7 == 0, let mapping = image.mapping(at: word) else { return false }
        return mapping.file != nil && mapping.file == home.file && !mapping.permissions.contains(.execute)
    }
}
