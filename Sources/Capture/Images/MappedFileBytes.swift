package import Model
import Synchronization

/// The memory of a process as far as it is what its files hold: code, constants, and shared memory. Read from the files, so
/// that the process is not touched, not even by pages that reading its memory would map into it: its resident set would grow.
///
/// Files of memory (memfd, shm_open, anonymous shared) can be opened by those who may use `map_files` alone.
package final class MappedFileBytes: MemoryReader {
    private let pid: Int32
    private let root: String
    private let servers: FileServers
    /// Ascending. Of private mappings those that nobody may write to: in others the process has pages of its own.
    private let mappings: [Mapping]
    /// nil: cannot be opened.
    private let files = Mutex<[Mapping.FileID: ImageFile?]>([:])

    /// Each holds a descriptor.
    private static let fileLimit = 256

    /// - Parameters:
    ///   - mappings: ascending.
    ///   - servers: of the file systems of `pid`.
    package init(of pid: Int32, mappings: [Mapping], procFS: ProcFS, servers: FileServers) {
        self.pid = pid
        self.servers = servers
        root = procFS.root
        self.mappings = mappings.filter {
            $0.isFileBacked && !$0.isDevice && ($0.permissions.contains(.shared) || !$0.permissions.contains(.write))
        }
    }

    package func read(at address: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let mapping = mapping(at: address), let id = mapping.file else { return 0 }
        let file = files.withLock { files in
            if let known = files[id] { return known }
            guard files.count < MappedFileBytes.fileLimit else { return nil }
            let opened = ImageFile(mapping, of: pid, root: root, servers: servers)
            files[id] = .some(opened)
            return opened
        }
        guard let file else { return 0 }
        let inside = address - mapping.range.lower
        let count = min(buffer.count, Int(clamping: mapping.range.count - inside))
        return file.read(
            at: mapping.fileOffset &+ inside, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]))
    }

    private func mapping(at address: UInt64) -> Mapping? {
        var low = 0
        var high = mappings.count
        while low < high {
            let middle = (low + high) / 2
            if mappings[middle].range.upper <= address { low = middle + 1 } else { high = middle }
        }
        return low < mappings.count && mappings[low].range.contains(address) ? mappings[low] : nil
    }
}
