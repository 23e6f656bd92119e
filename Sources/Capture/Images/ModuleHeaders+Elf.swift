import Model

extension ModuleHeaders {
    private static let segmentLimit = 256
    private static let sectionLimit = 4096
    private static let programHeaderBytes = 56
    private static let sectionHeaderBytes = 64
    private static let nameLimit = 64
    private static let namesLimit: UInt64 = 1 << 20

    /// The headers of a program or library for x86-64 (man 5 elf); nil for a file that is none. Section headers that are
    /// missing or wrong are left out.
    init?(_ file: some ImageBytes) {
        guard let bytes = file.bytes(at: 0, count: 64) else { return nil }
        let header = ElfFields(bytes)
        // 0x7f E L F, 64 bits, little-endian; e_machine 62 is x86-64; e_type 2 a program, 3 a library or PIE.
        guard header.u32(0) == 0x464c_457f, header.u8(4) == 2, header.u8(5) == 1, header.u16(18) == 62,
            let type = header.u16(16), type == 2 || type == 3, let offset = header.u64(32),
            Int(header.u16(54) ?? 0) == ModuleHeaders.programHeaderBytes, let count = header.u16(56),
            Int(count) <= ModuleHeaders.segmentLimit,
            let table = file.bytes(at: offset, count: Int(count) * ModuleHeaders.programHeaderBytes)
        else { return nil }
        self.init(segments: [])
        let fields = ElfFields(table)
        for number in 0..<Int(count) { take(fields, at: number * ModuleHeaders.programHeaderBytes) }
        guard !segments.isEmpty else { return nil }
        sections = ModuleHeaders.sections(file, header)
    }

    private mutating func take(_ fields: ElfFields, at: Int) {
        guard let type = fields.u32(at), let flags = fields.u32(at + 4), let fileOffset = fields.u64(at + 8),
            let address = fields.u64(at + 16), let fileSize = fields.u64(at + 32), let size = fields.u64(at + 40),
            !address.addingReportingOverflow(size).overflow, !fileOffset.addingReportingOverflow(fileSize).overflow
        else { return }
        switch type {
        case 1 where fileSize <= size:
            var permissions: Mapping.Permissions = []
            // PF_X 1, PF_W 2, PF_R 4.
            if flags & 4 != 0 { permissions.insert(.read) }
            if flags & 2 != 0 { permissions.insert(.write) }
            if flags & 1 != 0 { permissions.insert(.execute) }
            segments.append(
                Segment(
                    range: AddressRange(address, address + size), fileEnd: address + fileSize, fileOffset: fileOffset,
                    permissions: permissions))
        // PT_TLS
        case 7:
            threadLocalBytes = size
            threadLocalAlignment = max(1, fields.u64(at + 48) ?? 1)
        // PT_GNU_RELRO
        case 0x6474_e552: relro = AddressRange(address, address + size)
        default: break
        }
    }

    private static func sections(_ file: some ImageBytes, _ header: ElfFields) -> [Section] {
        guard let offset = header.u64(40), offset != 0, Int(header.u16(58) ?? 0) == sectionHeaderBytes,
            let count = header.u16(60), count > 0, Int(count) <= sectionLimit, let names = header.u16(62),
            names < count, let bytes = file.bytes(at: offset, count: Int(count) * sectionHeaderBytes)
        else { return [] }
        let fields = ElfFields(bytes)
        let strings = Int(names) * sectionHeaderBytes
        guard let stringsOffset = fields.u64(strings + 24), let stringsSize = fields.u64(strings + 32),
            stringsSize <= namesLimit, let text = file.bytes(at: stringsOffset, count: Int(stringsSize))
        else { return [] }
        var result: [Section] = []
        for number in 0..<Int(count) {
            let at = number * sectionHeaderBytes
            guard let name = fields.u32(at), let type = fields.u32(at + 4), let flags = fields.u64(at + 8),
                let address = fields.u64(at + 16), let size = fields.u64(at + 32), size > 0,
                !address.addingReportingOverflow(size).overflow
            else { continue }
            // SHF_WRITE 1, SHF_ALLOC 2, SHF_EXECINSTR 4, SHF_TLS 0x400; SHT_NOBITS 8. The zeroed part of thread-local
            // storage (.tbss) occupies no memory of the module.
            guard flags & 2 != 0, !(flags & 0x400 != 0 && type == 8), UInt64(name) < stringsSize else { continue }
            let spelled = text[Int(name)...].prefix(nameLimit).prefix { $0 != 0 }
            result.append(
                Section(
                    name: String(decoding: spelled, as: UTF8.self), range: AddressRange(address, address + size),
                    isCode: flags & 4 != 0, isWritable: flags & 1 != 0, isZeroed: type == 8))
        }
        return result.sorted { ($0.range.lower, $0.range.upper) < ($1.range.lower, $1.range.upper) }
    }

    /// What was added to the file's addresses, for each segment that explains the mapping: neighbouring segments share a
    /// page of the file.
    func biases(of mapping: Mapping) -> [UInt64] {
        segments.compactMap { segment in
            let start = segment.fileOffset & ~4095
            let end = segment.fileOffset &+ (segment.fileEnd &- segment.range.lower)
            guard mapping.fileOffset >= start, mapping.fileOffset < end else { return nil }
            return mapping.range.lower &- (segment.range.lower &+ mapping.fileOffset &- segment.fileOffset)
        }
    }
}
