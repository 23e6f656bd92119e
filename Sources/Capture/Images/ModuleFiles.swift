package import Model

/// The files with a process's code, open: what is read of them is what was mapped, whatever their paths lead to by now.
package struct ModuleFiles: Sendable {
    private let files: [ImageFile]

    /// The program and this many libraries.
    private static let limit = 200

    /// - Parameter mappings: ascending, as a snapshot has them.
    package init(of pid: Int32, mappings: [Mapping], procFS: ProcFS) {
        var known: Set<UInt64> = []
        var files: [ImageFile] = []
        for mapping in mappings where mapping.isFileBacked && mapping.permissions.contains(.execute) {
            guard files.count < ModuleFiles.limit, known.insert(mapping.inode).inserted,
                let file = ImageFile(mapping, of: pid, root: procFS.root)
            else { continue }
            files.append(file)
        }
        self.files = files
    }

    /// Calls `body` with a descriptor for each file; they are closed when this value is gone.
    package func withDescriptors<Result>(_ body: ([Int32]) -> Result) -> Result {
        withExtendedLifetime(files) { body(files.map(\.descriptor)) }
    }
}
