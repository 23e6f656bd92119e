package import Model

extension ProcFS {
    /// Which other processes have one of these files mapped, as far as their maps may be read; lowest number first.
    ///
    /// Reads the maps of every process that can be seen, so only for those who found something shared.
    package func holders(
        of files: Set<Mapping.FileID>, except pid: Int32
    ) -> [Mapping.FileID: [ProcessIdentity]] {
        var result: [Mapping.FileID: [ProcessIdentity]] = [:]
        for other in (try? processIDs()) ?? [] where other != pid {
            guard let mappings = try? mappings(of: other) else { continue }
            let held = Set(mappings.compactMap(\.file)).intersection(files)
            guard !held.isEmpty, let identity = try? identity(of: other) else { continue }
            for file in held { result[file, default: []].append(identity) }
        }
        return result
    }
}
