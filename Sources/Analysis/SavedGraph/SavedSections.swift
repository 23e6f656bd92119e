import Model

/// The sections of a saved graph that are read one by one: the inverse of what `SavedGraphWriter` writes.
extension SavedGraphReader {
    struct Head {
        var process: ProcessIdentity
        var summary: HeapSummary
        var exact: Bool
        var unconfirmed: Int
        var gaps: [Gap]
        /// Number of blocks, large ones included.
        var blocks: Int
    }

    static func head(_ cursor: inout ByteCursor) throws(DamagedBytes) -> Head {
        let process = ProcessIdentity(
            pid: Int32(bitPattern: try cursor.word32()), startTicks: try cursor.number(),
            commandBytes: try cursor.blob())
        let (allocator, version) = (try cursor.text(), try cursor.optionalText())
        let arenas = try cursor.number(below: .max)
        let live = Tally(blocks: try cursor.number(below: .max), bytes: try cursor.number())
        var summary = HeapSummary(
            allocator: allocator, version: version, arenas: arenas, live: live, freeBytes: try cursor.number(),
            populatedBytes: try cursor.number())
        summary.isSwiftOnly = try cursor.flag()
        let exact = try cursor.flag()
        let unconfirmed = try cursor.number(below: .max)
        var gaps: [Gap] = []
        for _ in 0..<(try cursor.count(ofBytes: 3)) {
            gaps.append(Gap(what: try cursor.text(), reason: try cursor.text(), remedy: try cursor.optionalText()))
        }
        return Head(
            process: process, summary: summary, exact: exact, unconfirmed: unconfirmed, gaps: gaps,
            blocks: try cursor.number(below: Int(BlockID.max)))
    }

    static func maps(_ cursor: inout ByteCursor) throws(DamagedBytes) -> [Mapping] {
        var mappings: [Mapping] = []
        var last: UInt64 = 0
        for _ in 0..<(try cursor.count(ofBytes: 8)) {
            let (lower, early) = last.addingReportingOverflow(try cursor.number())
            let (upper, late) = lower.addingReportingOverflow(try cursor.number())
            guard !early, !late else { throw DamagedBytes() }
            last = upper
            mappings.append(
                Mapping(
                    range: AddressRange(lower, upper), permissions: .init(rawValue: try cursor.byte()),
                    fileOffset: try cursor.number(), deviceMajor: try cursor.word32(),
                    deviceMinor: try cursor.word32(), inode: try cursor.number(), nameBytes: try cursor.blob()))
        }
        return mappings
    }

    /// Registers are not saved.
    static func threads(_ cursor: inout ByteCursor) throws(DamagedBytes) -> [ThreadState] {
        var threads: [ThreadState] = []
        for _ in 0..<(try cursor.count(ofBytes: 5)) {
            threads.append(
                ThreadState(
                    tid: Int32(bitPattern: try cursor.word32()), nameBytes: try cursor.blob(),
                    stackPointer: try cursor.number(), instructionPointer: try cursor.number(),
                    threadPointer: try cursor.number(), generalRegisters: [], vectorState: []))
        }
        return threads
    }

    static func types(_ cursor: inout ByteCursor) throws(DamagedBytes) -> [TypeTable.Entry] {
        var entries = [TypeTable.Entry.none]
        for _ in 0..<(try cursor.count(ofBytes: 4)) {
            let name = try cursor.text()
            guard let kind = TypeTable.Kind(rawValue: try cursor.byte()) else { throw DamagedBytes() }
            entries.append(
                .init(
                    name: name, kind: kind, head: try cursor.number(), instanceSize: try cursor.number(),
                    control: kind == .cxx ? ControlBlock(name: name) : nil))
        }
        return entries
    }

    static func large(_ cursor: inout ByteCursor, blocks: Int) throws(DamagedBytes) -> [BlockIndex.Large] {
        var large: [BlockIndex.Large] = []
        for _ in 0..<(try cursor.count(ofBytes: 4)) {
            let lower = try cursor.number()
            let (upper, overflow) = lower.addingReportingOverflow(try cursor.number())
            let (start, usable) = (try cursor.number(), try cursor.number())
            let extent = AddressRange(lower, upper)
            guard !overflow, lower & 4095 == 0, upper & 4095 == 0, extent.contains(start), usable <= upper - start
            else { throw DamagedBytes() }
            large.append(.init(start: start, usable: usable, extent: extent))
        }
        guard large.count <= blocks else { throw DamagedBytes() }
        return large
    }

    static func roots(_ cursor: inout ByteCursor, blocks: Int) throws(DamagedBytes) -> [RootEdge] {
        var edges: [RootEdge] = []
        var last: Int64 = 0
        for _ in 0..<(try cursor.count(ofBytes: 4)) {
            let target = BlockID(try cursor.number(below: blocks))
            let offset = try cursor.word32()
            guard let kind = RootKind(code: try cursor.byte()) else { throw DamagedBytes() }
            last &+= try cursor.signed()
            guard UInt64(bitPattern: last) < SavedGraphReader.addressLimit else { throw DamagedBytes() }
            edges.append(RootEdge(target: target, offset: offset, kind: kind, address: UInt64(bitPattern: last)))
        }
        return edges
    }

    static func words(_ cursor: inout ByteCursor) throws(DamagedBytes) -> [SavedWords.Word] {
        var words: [SavedWords.Word] = []
        var last: UInt64 = 0
        for _ in 0..<(try cursor.count(ofBytes: 2)) {
            last &+= try cursor.number()
            guard last < SavedGraphReader.addressLimit else { throw DamagedBytes() }
            words.append(.init(address: last, value: try cursor.number()))
        }
        return words
    }

    static func facts(_ cursor: inout ByteCursor) throws(DamagedBytes) -> SavedFacts {
        let seconds = try cursor.signed()
        guard let method = SnapshotMethod(rawValue: try cursor.text()) else { throw DamagedBytes() }
        let pause = Double(try cursor.number()) / 1e9
        let snapshot = SnapshotFacts(
            method: method, pauseSeconds: pause, threads: try cursor.number(below: Int(Int32.max)))
        let attempts = try cursor.number(below: Int(Int32.max))
        let isKnown = try cursor.flag()
        let resident = try cursor.number()
        var symbols: [UInt64: Symbol] = [:]
        for _ in 0..<(try cursor.count(ofBytes: 5)) {
            symbols[try cursor.number()] = Symbol(
                name: try cursor.text(), module: try cursor.text(), offset: try cursor.number(),
                isFunction: try cursor.flag())
        }
        var classes: [String: [FieldNames.Field]] = [:]
        for _ in 0..<(try cursor.count(ofBytes: 2)) {
            let name = try cursor.text()
            var fields: [FieldNames.Field] = []
            for _ in 0..<(try cursor.count(ofBytes: 3)) {
                fields.append(.init(offset: try cursor.number(), size: try cursor.number(), name: try cursor.text()))
            }
            classes[name] = fields
        }
        return SavedFacts(
            secondsSince1970: seconds, snapshot: snapshot, attempts: attempts,
            residentBytes: isKnown ? resident : nil, symbols: symbols, fields: FieldNames(classes))
    }
}
