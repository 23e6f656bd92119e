package import Model

/// The files with a process's code, open: what is read of them is what was mapped, whatever their paths lead to by now.
package struct ModuleFiles: Sendable {
    package struct Module: Sendable {
        package let descriptor: Int32
        /// What was added to the file's addresses when it was loaded; nil where it is no ELF file.
        package let bias: UInt64?
    }

    private let files: [(file: ImageFile, bias: UInt64?)]

    /// The program and this many libraries.
    private static let limit = 200

    /// - Parameter mappings: ascending, as a snapshot has them.
    package init(of pid: Int32, mappings: [Mapping], procFS: ProcFS) {
        let servers = FileServers(of: pid, procFS: procFS)
        var known: Set<UInt64> = []
        var files: [(ImageFile, UInt64?)] = []
        for mapping in mappings where mapping.isFileBacked && mapping.permissions.contains(.execute) {
            guard files.count < ModuleFiles.limit, known.insert(mapping.inode).inserted,
                let file = ImageFile(mapping, of: pid, root: procFS.root, servers: servers)
            else { continue }
            files.append((file, ElfImage(file)?.bias(of: mapping)))
        }
        self.files = files
    }

    /// Calls `body` with a descriptor for each file; they are closed when this value is gone.
    package func withModules<Result>(_ body: ([Module]) -> Result) -> Result {
        withExtendedLifetime(files) { body(files.map { Module(descriptor: $0.file.descriptor, bias: $0.bias) }) }
    }
}
