import Model

/// Which mappings belong to which program or library.
struct LoadedModules {
    /// Opens the file behind a mapping; nil where that is not possible.
    let open: (Mapping) -> (any ImageBytes)?
    let reader: (any MemoryReader)?
    let isCore: Bool

    private static let limit = 4096

    private(set) var modules: [LoadedModule] = []
    /// Modules whose headers could not be read.
    private(set) var unread = 0

    init(reader: (any MemoryReader)?, isCore: Bool = false, open: @escaping (Mapping) -> (any ImageBytes)?) {
        self.reader = reader
        self.isCore = isCore
        self.open = open
    }

    /// - Parameters:
    ///   - mappings: ascending.
    ///   - entry: the program's entry point; without it the lowest module counts as the program.
    mutating func find(in mappings: [MappingUse], entry: UInt64?) {
        // Opening is for what has code: a file that is only read is data, whatever it holds.
        let isCore = isCore
        let withCode = Set(
            mappings.lazy.map(\.mapping).filter {
                LoadedModules.isFile($0) && LoadedModules.mayHoldCode($0, isCore: isCore)
            }
            .map(ModuleFile.init))
        var headers: [ModuleFile: ModuleHeaders?] = [:]
        var latest: [ModuleFile: Int] = [:]
        for (number, item) in mappings.enumerated() where LoadedModules.isFile(item.mapping) {
            let file = ModuleFile(item.mapping)
            guard withCode.contains(file), modules.count < LoadedModules.limit || latest[file] != nil else { continue }
            let known: ModuleHeaders?
            if let read = headers[file] {
                known = read
            } else {
                known = read(item.mapping, mappings)
                headers[file] = .some(known)
            }
            let biases = known?.biases(of: item.mapping) ?? []
            // The loader keeps the addresses between two segments by a mapping of the file that no segment explains.
            let isHole = item.mapping.permissions.isDisjoint(with: [.read, .write, .execute])
            if let last = latest[file],
                isHole || known == nil || biases.isEmpty || biases.contains(modules[last].bias)
            {
                modules[last].mappings.append(number)
                continue
            }
            latest[file] = modules.count
            modules.append(
                LoadedModule(
                    pathBytes: item.mapping.nameBytes, mappings: [number],
                    bias: biases.first ?? item.mapping.range.lower &- item.mapping.fileOffset, headers: known))
        }
        unread = modules.count { $0.headers == nil }
        markProgram(mappings, entry)
    }

    private mutating func markProgram(_ mappings: [MappingUse], _ entry: UInt64?) {
        let holder = entry.flatMap { mappings.index(at: $0) }
        let program = holder.flatMap { number in modules.firstIndex { $0.mappings.contains(number) } }
        if let program = program ?? modules.indices.first { modules[program].isProgram = true }
    }

    /// A core may have left out a library's code, and with it that it may be run.
    private static func mayHoldCode(_ mapping: Mapping, isCore: Bool) -> Bool {
        if mapping.permissions.contains(.execute) { return true }
        guard isCore else { return false }
        let name = mapping.name.split(separator: "/").last ?? ""
        return name.hasSuffix(".so") || name.contains(".so.")
    }

    private func read(_ first: Mapping, _ mappings: [MappingUse]) -> ModuleHeaders? {
        if let file = open(first), let headers = ModuleHeaders(file) { return headers }
        // The file is gone, or another machine's: its first page mostly lies in memory.
        return reader.flatMap { ModuleHeaders(MappedBytes(first: first, reader: $0)) }
    }

    private static func isFile(_ mapping: Mapping) -> Bool {
        mapping.nameBytes.first == UInt8(ascii: "/") && !mapping.permissions.contains(.shared)
            && (mapping.isFileBacked || !mapping.nameBytes.isEmpty)
    }
}

/// Which file: by number, and by path where the number is not known (core files).
private struct ModuleFile: Hashable {
    let file: Mapping.FileID?
    let path: [UInt8]

    init(_ mapping: Mapping) {
        file = mapping.file
        path = mapping.file == nil ? mapping.nameBytes : []
    }
}

/// A file's beginning as one mapping shows it.
private struct MappedBytes: ImageBytes {
    let first: Mapping
    let reader: any MemoryReader

    func read(at offset: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard first.fileOffset == 0, offset < first.range.count, UInt64(buffer.count) <= first.range.count - offset
        else { return 0 }
        return reader.read(at: first.range.lower + offset, into: buffer)
    }
}
