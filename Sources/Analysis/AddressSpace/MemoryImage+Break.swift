package import Model

extension MemoryImage {
    /// A core does not say which mapping is the break's: the one that holds the top of the main arena.
    package func namingBreak() -> MemoryImage {
        namingBreak(of: ArenaFinder(image: self).rings().map { $0.arenas[0] })
    }

    func namingBreak(of main: [Arena]) -> MemoryImage {
        guard !self.mappings.contains(where: \.isHeap) else { return self }
        let tops = main.filter(\.isContiguous).map(\.top)
        let mappings = self.mappings.map { mapping in
            guard mapping.isAnonymous, !mapping.isMainStack, tops.contains(where: mapping.range.contains) else {
                return mapping
            }
            return Mapping(range: mapping.range, permissions: mapping.permissions, nameBytes: Array("[heap]".utf8))
        }
        return MemoryImage(process: process, mappings: mappings, threads: threads, reader: reader, gaps: gaps)
    }
}
