import Glibc
import Kernel
package import Model
import SystemPackage

/// Takes samples of several processes again and again, without stopping them and with few system calls each.
///
/// `stat` and `statm` are held open and read with one call each; `status`, the dearest, is read for swap only where the
/// machine has any. Belongs to one thread.
package final class ProcessWatch {
    private struct Entry {
        let identity: ProcessIdentity
        let stat: KeptFile
        let statm: KeptFile
        let status: KeptFile?
        let folder: String
        var heap: HeapWatch?
    }

    private var entries: [Entry] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * 1024, alignment: 16)
    private let procfs: ProcFS
    private let pageBytes: UInt64
    private let hasSwap: Bool
    private let counting: Counting

    /// How descriptors are counted.
    private enum Counting {
        /// The size of the folder `fd` is their number (Linux 6.2): for everybody to see.
        case size
        /// The folder is listed: for its owner.
        case listing
    }

    /// More would need more open files than processes may have by default (1,024).
    package static let limit = 200

    package init(procfs: ProcFS) {
        self.procfs = procfs
        pageBytes = UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))
        hasSwap = procfs.swapBytes() != 0
        counting = ProcessWatch.size(of: procfs.path(of: getpid()) + "/fd") ?? 0 > 0 ? .size : .listing
    }

    deinit { buffer.deallocate() }

    /// Watches one more process; its index is the number of those before it.
    /// - Throws: `.noTarget` when it is gone, or another process has its number by now.
    package func add(_ identity: ProcessIdentity) throws(Failure) {
        let folder = procfs.path(of: identity.pid)
        do throws(Errno) {
            let entry = Entry(
                identity: identity, stat: try KeptFile(folder + "/stat"), statm: try KeptFile(folder + "/statm"),
                status: hasSwap ? try KeptFile(folder + "/status") : nil, folder: folder)
            // The number was this process's when it was resolved and is now: so it was when the files were opened.
            guard let stat = ProcessStat(parsing: try entry.stat.read(into: buffer)),
                stat.startTicks == identity.startTicks
            else { throw .noSuchProcess }
            entries.append(entry)
        } catch {
            throw procfs.failure(error, reading: "stat", of: identity.pid)
        }
    }

    /// One sample of each, in the order in which they were added; nil for those that have ended.
    package func sample() -> [ProcessSample?] { entries.indices.map(sample) }

    /// Reads malloc's counts of this process from now on, where that is permitted.
    package func follow(_ counters: HeapCounters, _ index: Int) {
        entries[index].heap = HeapWatch(counters, pid: entries[index].identity.pid, root: procfs.root)
    }

    private func sample(_ index: Int) -> ProcessSample? {
        let entry = entries[index]
        guard let bytes = try? entry.stat.read(into: buffer), let stat = ProcessStat(parsing: bytes) else { return nil }
        var sample = ProcessSample()
        sample.threads = UInt64(max(stat.threadCount, 0))
        sample.minorFaults = stat.minorFaults
        sample.majorFaults = stat.majorFaults
        // Where the first thread has ended before others the kernel shows no memory.
        guard !stat.isZombie else { return stat.threadCount > 1 ? sample : nil }
        if let bytes = try? entry.statm.read(into: buffer) { readMemory(bytes, &sample) }
        sample.swappedBytes = hasSwap ? swapped(entry) : 0
        sample.descriptors = descriptors(entry)
        sample.heapBytes = entry.heap?.bytes()
        return sample
    }

    /// man 5 proc_pid_statm: size, resident, shared (files and shared memory), in pages.
    private func readMemory(_ bytes: UnsafeBufferPointer<UInt8>, _ sample: inout ProcessSample) {
        var scanner = ByteScanner(bytes)
        func next() -> UInt64? {
            scanner.skipBlanks()
            return scanner.decimal()
        }
        // All zeros: its memory is being taken apart.
        guard let size = next(), size > 0, let resident = next(), let shared = next(), resident < 1 << 48 else {
            return
        }
        sample.residentBytes = resident * pageBytes
        sample.anonymousBytes = (resident - min(resident, shared)) * pageBytes
    }

    private func swapped(_ entry: Entry) -> UInt64? {
        guard let bytes = try? entry.status?.read(into: buffer) else { return nil }
        var scanner = ByteScanner(bytes)
        while var line = scanner.line() { if line.skip("VmSwap:") { return line.blankThenKilobytes() } }
        return nil
    }

    private func descriptors(_ entry: Entry) -> UInt64? {
        switch counting {
        case .size: return ProcessWatch.size(of: entry.folder + "/fd")
        case .listing:
            let names = try? ProcFile.entries(entry.folder + "/fd", limit: ProcFS.Limit.descriptors)
            return names.map { UInt64($0.count) }
        }
    }

    /// The corresponding C function is `fstatat`.
    private static func size(of path: String) -> UInt64? {
        var entry = stat()
        guard fstatat(AT_FDCWD, path, &entry, 0) == 0 else { return nil }
        return UInt64(max(entry.st_size, 0))
    }
}

/// Malloc's own counts, read from a running process: single words, each whole in itself.
private final class HeapWatch {
    private let counters: HeapCounters
    private let memory: MemoryFile

    /// glibc makes at most 8 arenas per processor; this bounds a ring that was tampered with.
    private static let arenaLimit = 4096
    private static let plausibleBytes: UInt64 = 1 << 47

    /// nil where the process's memory may not be read.
    init?(_ counters: HeapCounters, pid: Int32, root: String) {
        guard let memory = try? MemoryFile(pid, root: root) else { return nil }
        self.counters = counters
        self.memory = memory
    }

    /// nil where the counts make no sense: the program was replaced by another (execve).
    func bytes() -> UInt64? {
        var sum: UInt64 = 0
        if let address = counters.mappedBytes {
            guard let mapped = memory.word(at: address), mapped < HeapWatch.plausibleBytes else { return nil }
            sum = mapped
        }
        let count = Int(counters.systemMemoryOffset - counters.nextOffset) + 8
        var arena = counters.mainArena
        for _ in 0..<HeapWatch.arenaLimit {
            guard let bytes = memory.bytes(at: arena &+ counters.nextOffset, count: count) else { return nil }
            let (next, system) = bytes.withUnsafeBytes {
                ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
            }
            guard system < HeapWatch.plausibleBytes else { return nil }
            sum += system
            arena = next
            if arena == counters.mainArena { return sum }
        }
        return nil
    }
}
