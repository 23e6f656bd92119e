import Glibc
package import Model

/// Takes samples of the memory control groups of several processes: the innermost of each, and every ancestor that has a
/// limit. What a process is moved to later is not followed. Belongs to one thread.
package final class MemoryGroupWatch {
    private struct Group {
        let path: String
        let limit: KeptFile?
        let usage: KeptFile?
        let statistics: KeptFile?
        let events: KeptFile?
        /// The names of what is page cache, and of what is in it but shared memory.
        let isUnified: Bool
    }

    private var groups: [Group] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16 * 1024, alignment: 16)
    private let procfs: ProcFS

    /// More groups than this are not watched: each needs four open files.
    private static let limit = 40

    package init(procfs: ProcFS) { self.procfs = procfs }

    deinit { buffer.deallocate() }

    /// The indexes of the groups of a process, innermost first; those that are not watched yet are added.
    package func add(_ pid: Int32) -> [Int] {
        let all = (try? procfs.memoryCgroups(of: pid)) ?? []
        var indexes: [Int] = []
        for (depth, group) in all.enumerated() where depth == 0 || group.limitBytes != nil {
            if let known = groups.firstIndex(where: { $0.path == group.path }) {
                indexes.append(known)
            } else if groups.count < MemoryGroupWatch.limit {
                indexes.append(groups.count)
                groups.append(MemoryGroupWatch.open(group.path))
            }
        }
        return indexes
    }

    package func sample() -> [MemoryGroupSample] { groups.indices.map(sample) }

    package func sample(_ index: Int) -> MemoryGroupSample {
        let group = groups[index]
        var sample = MemoryGroupSample(path: group.path)
        // "max" is no number; "no limit" of version 1 is LONG_MAX rounded down to a page.
        sample.limitBytes = number(group.limit).flatMap { $0 >= 1 << 62 ? nil : $0 }
        sample.usageBytes = number(group.usage)
        if let bytes = try? group.statistics?.read(into: buffer) {
            let prefix = group.isUnified ? "" : "total_"
            let cache = value(group.isUnified ? "file" : prefix + "cache", in: bytes)
            let shared = value(prefix + "shmem", in: bytes)
            sample.cacheBytes = cache.map { $0 - min($0, shared ?? 0) }
        }
        if let bytes = try? group.events?.read(into: buffer) { sample.outOfMemoryKills = value("oom_kill", in: bytes) }
        return sample
    }

    private static func open(_ path: String) -> Group {
        let isUnified = access(path + "/memory.current", F_OK) == 0
        func file(_ unified: String, _ legacy: String) -> KeptFile? {
            try? KeptFile("\(path)/\(isUnified ? unified : legacy)")
        }
        return Group(
            path: path, limit: file("memory.max", "memory.limit_in_bytes"),
            usage: file("memory.current", "memory.usage_in_bytes"), statistics: file("memory.stat", "memory.stat"),
            events: file("memory.events", "memory.oom_control"), isUnified: isUnified)
    }

    private func number(_ file: KeptFile?) -> UInt64? {
        guard let bytes = try? file?.read(into: buffer) else { return nil }
        var scanner = ByteScanner(bytes)
        return scanner.decimal()
    }

    /// The number behind a name at a line's start.
    private func value(_ name: String, in bytes: UnsafeBufferPointer<UInt8>) -> UInt64? {
        var scanner = ByteScanner(bytes)
        while var line = scanner.line() {
            guard let word = line.word(), word.elementsEqual(name.utf8) else { continue }
            line.skipBlanks()
            return line.decimal()
        }
        return nil
    }
}

extension ProcFS {
    /// SwapTotal of the machine; nil where it cannot be told.
    func swapBytes() -> UInt64? {
        guard let bytes = try? ProcFile.read(root + "/meminfo", limit: Limit.small) else { return nil }
        return bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() { if line.skip("SwapTotal:") { return line.blankThenKilobytes() } }
            return nil
        }
    }
}
