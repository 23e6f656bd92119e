import Model

/// An ELF file's headers (System V ABI, chapter 4; man 5 elf): 64 bits, little-endian, x86-64, a program or a library.
///
/// A file may claim anything: every offset and count is checked against the file or a bound, and a part that is wrong is
/// left out.
struct ElfImage {
    /// A part of the file that is loaded (PT_LOAD).
    struct Segment: Hashable {
        let fileOffset: UInt64
        let fileSize: UInt64
        /// Where it lies in memory before the load bias is added.
        let address: UInt64
        let memorySize: UInt64

        /// Without overflow, whatever the file says.
        func contains(_ address: UInt64) -> Bool { address >= self.address && address - self.address < memorySize }
    }

    /// Where the names are.
    struct SymbolSection: Hashable {
        let offset: UInt64
        let count: UInt64
        let stringsOffset: UInt64
        let stringsSize: UInt64
    }

    let segments: [Segment]
    /// `.symtab`, or `.dynsym` where the file is stripped; nil where it has neither.
    let symbols: SymbolSection?

    private static let segmentLimit = 256
    private static let sectionLimit: UInt64 = 100_000
    private static let headerBytes = 64
    private static let programHeaderBytes = 56
    private static let sectionHeaderBytes = 64
    private static let pageBytes: UInt64 = 4096

    /// nil for a file that is no such ELF file.
    init?(_ file: some ImageBytes) {
        guard let bytes = file.bytes(at: 0, count: ElfImage.headerBytes) else { return nil }
        let header = ElfFields(bytes)
        // 0x7f E L F, 64 bits, little-endian, version 1; e_machine 62 is x86-64; e_type 2 a program, 3 a library or PIE.
        guard header.u32(0) == 0x464c_457f, header.u8(4) == 2, header.u8(5) == 1, header.u8(6) == 1,
            header.u16(18) == 62, let type = header.u16(16), type == 2 || type == 3
        else { return nil }
        segments = ElfImage.segments(file, header)
        guard !segments.isEmpty else { return nil }
        symbols = ElfImage.symbolSection(file, header)
    }

    private static func segments(_ file: some ImageBytes, _ header: ElfFields) -> [Segment] {
        guard let offset = header.u64(32), let size = header.u16(54), Int(size) == programHeaderBytes,
            let count = header.u16(56), count > 0, Int(count) <= segmentLimit,
            let bytes = file.bytes(at: offset, count: Int(count) * programHeaderBytes)
        else { return [] }
        let fields = ElfFields(bytes)
        return (0..<Int(count)).compactMap { number in
            let at = number * programHeaderBytes
            guard fields.u32(at) == 1, let fileOffset = fields.u64(at + 8), let address = fields.u64(at + 16),
                let fileSize = fields.u64(at + 32), let memorySize = fields.u64(at + 40), fileSize <= memorySize,
                !fileOffset.addingReportingOverflow(fileSize).overflow,
                !address.addingReportingOverflow(memorySize).overflow
            else { return nil }
            return Segment(fileOffset: fileOffset, fileSize: fileSize, address: address, memorySize: memorySize)
        }
    }

    private static func symbolSection(_ file: some ImageBytes, _ header: ElfFields) -> SymbolSection? {
        guard let offset = header.u64(40), offset != 0, let size = header.u16(58), Int(size) == sectionHeaderBytes,
            let shortCount = header.u16(60)
        else { return nil }
        var count = UInt64(shortCount)
        // 65,280 sections or more: the number stands in the first section's size.
        if count == 0 {
            guard let first = file.bytes(at: offset, count: sectionHeaderBytes) else { return nil }
            count = ElfFields(first).u64(32) ?? 0
        }
        guard count > 0, count <= sectionLimit,
            let bytes = file.bytes(at: offset, count: Int(count) * sectionHeaderBytes)
        else { return nil }
        let sections = ElfFields(bytes)
        // SHT_SYMTAB is 2, SHT_DYNSYM 11.
        return section(2, sections, Int(count)) ?? section(11, sections, Int(count))
    }

    private static func section(_ type: UInt32, _ sections: ElfFields, _ count: Int) -> SymbolSection? {
        for number in 0..<count {
            let at = number * sectionHeaderBytes
            guard sections.u32(at + 4) == type, let offset = sections.u64(at + 24), let size = sections.u64(at + 32),
                sections.u64(at + 56) == UInt64(ElfSymbolTable.entryBytes), let link = sections.u32(at + 40),
                link < count, !offset.addingReportingOverflow(size).overflow
            else { continue }
            let strings = Int(link) * sectionHeaderBytes
            // SHT_STRTAB is 3.
            guard sections.u32(strings + 4) == 3, let stringsOffset = sections.u64(strings + 24),
                let stringsSize = sections.u64(strings + 32), size >= UInt64(ElfSymbolTable.entryBytes),
                !stringsOffset.addingReportingOverflow(stringsSize).overflow
            else { continue }
            return SymbolSection(
                offset: offset, count: size / UInt64(ElfSymbolTable.entryBytes), stringsOffset: stringsOffset,
                stringsSize: stringsSize)
        }
        return nil
    }

    /// What was added to the file's addresses when it was loaded, from where one of its parts lies; nil where no segment
    /// explains the mapping. Wraps around: a program may be linked higher than it is loaded.
    func bias(of mapping: Mapping) -> UInt64? {
        for segment in segments {
            // The kernel maps whole pages.
            let start = segment.fileOffset & ~(ElfImage.pageBytes - 1)
            guard mapping.fileOffset >= start, mapping.fileOffset < segment.fileOffset + segment.fileSize else {
                continue
            }
            return mapping.range.lower &- (segment.address &+ mapping.fileOffset &- segment.fileOffset)
        }
        return nil
    }

    /// Whether an address of the file is loaded.
    func isLoaded(_ address: UInt64) -> Bool { segments.contains { $0.contains(address) } }
}

/// Little-endian numbers in bytes that came from outside; nil beyond their end.
struct ElfFields {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func u8(_ at: Int) -> UInt8? { load(at) }
    func u16(_ at: Int) -> UInt16? { load(at) }
    func u32(_ at: Int) -> UInt32? { load(at) }
    func u64(_ at: Int) -> UInt64? { load(at) }

    private func load<Number: FixedWidthInteger & BitwiseCopyable>(_ at: Int) -> Number? {
        guard at >= 0, at <= bytes.count - MemoryLayout<Number>.size else { return nil }
        return bytes.withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(fromByteOffset: at, as: Number.self)) }
    }
}
