import Kernel
import Model

/// A process's memory as it is when it is read: for what does not change. It holds nothing; after the process's end, or an
/// execve, there is nothing to read.
package final class LiveMemory: MemoryReader {
    private let file: MemoryFile

    /// nil where the process is gone, or may not be looked into.
    package init?(of pid: Int32, procFS: ProcFS) {
        guard let file = try? MemoryFile(pid, root: procFS.root) else { return nil }
        self.file = file
    }

    package func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        file.read(at: address, into: buffer)
    }
}
