package import Model
import Synchronization

/// Names for the addresses of one process, from the symbol tables of the files that it has mapped.
///
/// A file is opened when the first address in it is asked for. What cannot be opened, or is no ELF file, has no names.
package struct ModuleSymbols: SymbolSource {
    private let pid: Int32
    private let root: String
    private let mappings: [Mapping]
    private let cache = Cache()
    private let servers: FileServers

    /// Mappings that are looked at below an address to find where its file begins.
    private static let mappingsBack = 64

    /// - Parameter mappings: ascending, as a snapshot has them.
    package init(of pid: Int32, mappings: [Mapping], procFS: ProcFS) {
        self.pid = pid
        self.root = procFS.root
        servers = FileServers(of: pid, procFS: procFS)
        self.mappings = mappings
    }

    package func symbol(at address: UInt64) -> Symbol? {
        guard let number = mappingNumber(of: address), let part = filePart(number), let first = firstPart(part) else {
            return nil
        }
        let mapping = mappings[first]
        return cache.withModule(
            ModuleKey(mapping), open: { ImageFile(mapping, of: pid, root: root, servers: servers) }
        ) { module in
            guard let bias = module.image.bias(of: mapping), module.image.isLoaded(address &- bias),
                let match = module.table?.match(address &- bias)
            else { return nil }
            return Symbol(
                name: String(decoding: match.name, as: UTF8.self), module: ModuleSymbols.fileName(mapping),
                offset: match.offset, isFunction: match.isFunction)
        }
    }

    private func mappingNumber(of address: UInt64) -> Int? {
        var low = 0
        var high = mappings.count
        while low < high {
            let middle = (low + high) / 2
            if mappings[middle].range.upper <= address { low = middle + 1 } else { high = middle }
        }
        return low < mappings.count && mappings[low].range.contains(address) ? low : nil
    }

    /// The mapping itself, or the file's part right below it: variables without a value in the file (bss) lie in anonymous
    /// memory behind its data.
    private func filePart(_ number: Int) -> Int? {
        var at = number
        for _ in 0..<4 {
            let mapping = mappings[at]
            if mapping.isFileBacked { return mapping.nameBytes.first == UInt8(ascii: "/") ? at : nil }
            guard mapping.isAnonymous, !mapping.isHeap, !mapping.isMainStack, at > 0,
                mappings[at - 1].range.upper == mapping.range.lower
            else { return nil }
            at -= 1
        }
        return nil
    }

    /// Where the same loading of the file begins. A file may be loaded twice (dlmopen): the nearest start below counts.
    private func firstPart(_ part: Int) -> Int? {
        let key = ModuleKey(mappings[part])
        var lowest = part
        var at = part
        while at >= 0, part - at < ModuleSymbols.mappingsBack {
            if ModuleKey(mappings[at]) == key {
                lowest = at
                if mappings[at].fileOffset == 0 { return at }
            }
            at -= 1
        }
        return lowest
    }

    private static func fileName(_ mapping: Mapping) -> String {
        var name = mapping.nameBytes.split(separator: UInt8(ascii: "/")).last.map(Array.init) ?? []
        let deleted = Array(" (deleted)".utf8)
        if name.count > deleted.count, name.suffix(deleted.count) == deleted[...] { name.removeLast(deleted.count) }
        return String(decoding: name, as: UTF8.self)
    }
}

/// A file, whatever its name is.
private struct ModuleKey: Hashable {
    let major: UInt32
    let minor: UInt32
    let inode: UInt64

    init(_ mapping: Mapping) {
        major = mapping.deviceMajor
        minor = mapping.deviceMinor
        inode = mapping.inode
    }
}

private struct Module {
    let image: ElfImage
    let table: ElfSymbolTable?
}

/// The files that were read. When they hold too many symbols together, all are given up and read again as they are needed.
private final class Cache: Sendable {
    private struct State {
        /// nil: the file cannot be read, or is no ELF file.
        var modules: [ModuleKey: Module?] = [:]
        var symbols = 0
    }

    private let state = Mutex(State())

    private static let symbolLimit = 4_000_000
    /// Each holds a descriptor.
    private static let moduleLimit = 256

    func withModule(_ key: ModuleKey, open: () -> ImageFile?, _ body: (Module) -> Symbol?) -> Symbol? {
        state.withLock { state in
            if let known = state.modules[key] { return known.flatMap(body) }
            if state.modules.count >= Cache.moduleLimit || state.symbols >= Cache.symbolLimit { state = State() }
            let module = open().flatMap { file in
                ElfImage(file).map { image in
                    Module(image: image, table: image.symbols.map { ElfSymbolTable($0, of: file) })
                }
            }
            state.modules[key] = .some(module)
            state.symbols += module?.table?.count ?? 0
            return module.flatMap(body)
        }
    }
}
