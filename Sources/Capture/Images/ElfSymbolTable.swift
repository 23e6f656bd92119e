/// The functions and variables of one ELF file, found by address. Names stay in the file until they are asked for.
struct ElfSymbolTable {
    struct Match: Hashable {
        /// As the file spells it.
        let name: [UInt8]
        let offset: UInt64
        let isFunction: Bool
    }

    /// Size of a symbol (Elf64_Sym).
    static let entryBytes = 24
    /// Further symbols of a file are not looked at: 24 bytes of memory each.
    static let symbolLimit = 2_000_000
    /// Longer names are cut off here.
    static let nameLimit = 8192
    /// A symbol may lie within another one; so many starts before an address are tried.
    private static let nestingLimit = 16
    private static let windowEntries = 1 << 15

    fileprivate struct Entry: BitwiseCopyable {
        let address: UInt64
        let size: UInt64
        let name: UInt32
        let isFunction: Bool
        /// Of several names for one place the one with the lowest rank is shown: global, weak, local.
        let rank: UInt8
    }

    /// Ascending by address, then by rank.
    private let entries: [Entry]
    private let section: ElfImage.SymbolSection
    private let file: any ImageBytes

    var count: Int { entries.count }

    init(_ section: ElfImage.SymbolSection, of file: some ImageBytes) {
        self.section = section
        self.file = file
        var entries: [Entry] = []
        let total = Int(min(section.count, UInt64(ElfSymbolTable.symbolLimit)))
        let window = UnsafeMutableRawBufferPointer.allocate(
            byteCount: min(total, ElfSymbolTable.windowEntries) * ElfSymbolTable.entryBytes, alignment: 8)
        defer { window.deallocate() }
        var done = 0
        while done < total {
            let wanted = min(ElfSymbolTable.windowEntries, total - done)
            let piece = UnsafeMutableRawBufferPointer(rebasing: window[..<(wanted * ElfSymbolTable.entryBytes)])
            let got = file.read(at: section.offset + UInt64(done * ElfSymbolTable.entryBytes), into: piece)
            let whole = got / ElfSymbolTable.entryBytes
            for number in 0..<whole {
                if let entry = Entry(UnsafeRawBufferPointer(piece), at: number * ElfSymbolTable.entryBytes) {
                    entries.append(entry)
                }
            }
            // The file ends before its header says: what is there counts.
            guard whole == wanted else { break }
            done += wanted
        }
        entries.sort { ($0.address, $0.rank) < ($1.address, $1.rank) }
        self.entries = entries
    }

    /// The symbol that `address` (of the file, without load bias) lies in.
    func match(_ address: UInt64) -> Match? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].address <= address { low = middle + 1 } else { high = middle }
        }
        let first = max(0, low - ElfSymbolTable.nestingLimit)
        var best: Entry?
        for number in stride(from: low - 1, through: first, by: -1) {
            let entry = entries[number]
            // The innermost start wins; behind it only better names for the same place.
            if let best, best.address != entry.address { break }
            // Code written in assembler mostly has no size: it reaches to the next symbol.
            let isUnsized = entry.size == 0 && entry.isFunction && number == low - 1
            if address - entry.address < entry.size || isUnsized { best = entry }
        }
        guard let best, let name = name(best.name) else { return nil }
        return Match(name: name, offset: address - best.address, isFunction: best.isFunction)
    }

    private func name(_ offset: UInt32) -> [UInt8]? {
        guard UInt64(offset) < section.stringsSize else { return nil }
        let limit = Int(min(UInt64(ElfSymbolTable.nameLimit), section.stringsSize - UInt64(offset)))
        var bytes = [UInt8](repeating: 0, count: limit)
        let got = bytes.withUnsafeMutableBytes { file.read(at: section.stringsOffset + UInt64(offset), into: $0) }
        let name = bytes[..<got].prefix { $0 != 0 }
        return name.isEmpty ? nil : Array(name)
    }
}

extension ElfSymbolTable.Entry {
    /// nil for what names neither code nor data: sections, files, thread-local variables (their values are no addresses),
    /// what other files define. `piece` holds a whole symbol at `at`.
    fileprivate init?(_ piece: UnsafeRawBufferPointer, at: Int) {
        let info = piece[at + 4]
        let section = UInt16(littleEndian: piece.loadUnaligned(fromByteOffset: at + 6, as: UInt16.self))
        // SHN_UNDEF is 0, SHN_ABS 0xfff1.
        guard section != 0, section != 0xfff1 else { return nil }
        switch info & 0xf {
        // STT_OBJECT, STT_COMMON
        case 1, 5: isFunction = false
        // STT_FUNC, STT_GNU_IFUNC
        case 2, 10: isFunction = true
        default: return nil
        }
        // STB_GLOBAL, STB_WEAK
        rank = info >> 4 == 1 ? 0 : info >> 4 == 2 ? 1 : 2
        name = UInt32(littleEndian: piece.loadUnaligned(fromByteOffset: at, as: UInt32.self))
        address = UInt64(littleEndian: piece.loadUnaligned(fromByteOffset: at + 8, as: UInt64.self))
        size = UInt64(littleEndian: piece.loadUnaligned(fromByteOffset: at + 16, as: UInt64.self))
        if name == 0 { return nil }
    }
}
