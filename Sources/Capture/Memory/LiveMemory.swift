import Kernel
package import Model

/// A process's memory as it is when it is read, while it runs on: for what stands still by itself, as code and the places of
/// variables do. It holds nothing; after the process's end, or an execve, there is nothing to read.
package final class LiveMemory: MemoryReader {
    private let memory: OpenMemory

    /// - Throws: `.notPermitted`, `.noTarget`.
    package init(of pid: Int32, procFS: ProcFS) throws(Failure) {
        do {
            memory = try OpenMemory(pid, procFS: procFS)
        } catch {
            throw procFS.failure(error, reading: "mem", of: pid)
        }
    }

    package func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        memory.file.read(at: address, into: buffer)
    }

    /// Whoever searches memory must not bring in what the process never touched: its resident set would grow by that.
    package func populated(in range: AddressRange) -> [AddressRange] { memory.pages.pages(.populated, in: range) }

    package func written(in range: AddressRange) -> [AddressRange] { memory.pages.pages(.written, in: range) }

    /// The image of what is written in a process's modules, up to 16 MiB of each: without threads, and not of one moment.
    package static func modules(of process: ProcessIdentity, procFS: ProcFS) throws(Failure) -> MemoryImage {
        let reader = try LiveMemory(of: process.pid, procFS: procFS)
        let servers = FileServers(of: process.pid, procFS: procFS)
        let mappings = try procFS.mappings(of: process.pid).filter {
            ($0.isFileBacked && servers.mayRead($0)) || $0.isAnonymous
        }
        return MemoryImage(
            process: process, mappings: mappings.filter { $0.range.count <= 16 << 20 }, threads: [], reader: reader)
    }
}
