package import Model

extension AddressSpaceFacts {
    /// The address space of a snapshot that was saved: mappings and threads, without figures, contents or files (which may be
    /// another machine's).
    /// - Parameter mappings: ascending.
    package init(saved path: String, process: ProcessIdentity, mappings: [Mapping], threads: [Thread]) {
        self.init(
            process: process, mappings: mappings.lazy.filter { !$0.range.isEmpty }.map { MappingUse(mapping: $0) })
        source = .saved(path: path)
        self.threads = threads
        var modules = LoadedModules(reader: nil) { _ in nil }
        modules.find(in: self.mappings, entry: nil)
        self.modules = modules.modules
        gaps = [
            Gap(
                what: "what was in memory, which anonymous memory was malloc's, the sections of modules",
                reason: "a saved snapshot holds mappings, blocks and pointers, no contents",
                remedy: "name a process, or a core file: gcore PID makes one")
        ]
    }
}
