import Kernel
package import Model

/// The memory of a process that runs on while it is read: for what stands still by itself, as the places of variables do.
package struct LiveMemory: MemoryReader {
    private final class File: Sendable {
        let memory: MemoryFile
        init(_ memory: consuming MemoryFile) { self.memory = memory }
    }

    private let file: File

    /// - Throws: `.notPermitted`, `.noTarget`.
    package init(of pid: Int32, procfs: ProcFS) throws(Failure) {
        do {
            file = File(try MemoryFile(pid, root: procfs.root))
        } catch {
            throw procfs.failure(error, reading: "mem", of: pid)
        }
    }

    package func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        file.memory.read(at: address, into: buffer)
    }

    /// The image of what is written in a process's modules, up to 16 MiB of each: without threads, and not of one moment.
    package static func modules(of process: ProcessIdentity, procfs: ProcFS) throws(Failure) -> MemoryImage {
        let reader = try LiveMemory(of: process.pid, procfs: procfs)
        let mappings = try procfs.mappings(of: process.pid).filter { $0.isFileBacked || $0.isAnonymous }
        return MemoryImage(
            process: process, mappings: mappings.filter { $0.range.count <= 16 << 20 }, threads: [], reader: reader)
    }
}
