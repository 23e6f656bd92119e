package import Model
import SystemPackage

extension ProcFS {
    /// As much of an environment as is read: more than the kernel takes with the usual limit of stacks, a quarter of 8 MiB.
    private static let environmentLimit = 4 * 1024 * 1024

    /// The environment that a process was started with. What it has set since then stands elsewhere in its memory.
    /// - Throws: `.noTarget`, `.notPermitted`.
    package func environment(of process: ProcessIdentity) throws(Failure) -> ProcessDetails {
        var details = ProcessDetails()
        let stat = try stat(of: process.pid)
        // Those that have no memory of their own have none. Without its main thread a process has it through any other.
        let others = stat.isZombie ? (try? threadIDs(of: process.pid))?.filter { $0 != process.pid } : nil
        let hasNone = stat.isKernelThread || stat.isZombie && others?.isEmpty != false
        let bytes =
            hasNone
            ? [] : try read("environ", of: process.pid, thread: others?.last, limit: ProcFS.environmentLimit + 1)
        try check(process)
        details.isEnvironmentCut = bytes.count > ProcFS.environmentLimit
        details.environmentBytes = Array(bytes.prefix(ProcFS.environmentLimit))
        return details
    }

    /// Locks of files that a process has, by the descriptors that they were taken with, and those that it waits for.
    /// - Throws: `.noTarget`.
    package func fileLocks(of process: ProcessIdentity) throws(Failure) -> ProcessDetails {
        var details = ProcessDetails()
        let all = FileLock.parse((try? ProcFile.read(root + "/locks", limit: Limit.maps)) ?? [])
        let table = try descriptorTable(of: process, .own)
        // Who may not see the descriptors sees in the list of all what the process took itself.
        var locks =
            table.isListed
            ? held(table) : all.filter { !$0.isWaiting && $0.owner == process.pid }
        let numbers = Dictionary(all.map { ($0.itself, $0.number) }) { first, _ in first }
        let waiting = Dictionary(grouping: all.filter(\.isWaiting), by: \.number)
        let had = Dictionary(grouping: all.filter { !$0.isWaiting }, by: \.number)
        for index in locks.indices {
            // A lock of an open file has no owner there, and fdinfo counts by itself.
            guard let number = numbers[locks[index].itself] else { continue }
            locks[index].number = number
            locks[index].others = (waiting[number] ?? []).compactMap(owner)
        }
        for var lock in all where lock.isWaiting && lock.owner == process.pid {
            lock.others = (had[lock.number] ?? []).compactMap(owner)
            let open = table.descriptors.filter { $0.file?.inode == lock.file.inode }
            // File systems of several devices have another number there than stat tells.
            if let place = open.first(where: { $0.file == lock.file }) ?? (open.count == 1 ? open.first : nil) {
                lock.descriptor = place.number
                lock.path = ProcFS.path(place)
            }
            locks.append(lock)
        }
        details.locks = locks
        if !table.isListed, !table.isZombie {
            details.gaps.append(
                Gap(
                    what: "where the files are, and locks that it shares by an open file",
                    reason: "that needs the process's own user, or CAP_SYS_PTRACE",
                    remedy: "sudo nusu show \(process.pid) --locks"))
        }
        return details
    }

    private func check(_ process: ProcessIdentity) throws(Failure) {
        guard (try? stat(of: process.pid))?.startTicks == process.startTicks else {
            throw Failure(
                .noTarget, what: "\(process) ended while it was looked at", subject: process.description,
                remedy: "look for it with: nusu ps")
        }
    }

    private func owner(_ lock: FileLock) -> ProcessIdentity? {
        lock.owner.flatMap { $0 > 0 ? try? identity(of: $0) : nil }
    }

    private func held(_ table: DescriptorTable) -> [FileLock] {
        guard let infos = try? ProcFolder(path(of: table.process.pid) + "/fdinfo") else { return [] }
        var result: [FileLock] = []
        var seen: Set<FileLock> = []
        for descriptor in table.descriptors where descriptor.locks > 0 {
            let locks = infos.read(descriptor.number, limit: Limit.names) { bytes -> [FileLock] in
                var scanner = ByteScanner(bytes)
                var locks: [FileLock] = []
                while var line = scanner.line() {
                    guard line.skip("lock:") else { continue }
                    line.skipBlanks()
                    if let lock = FileLock(parsing: &line) { locks.append(lock) }
                }
                return locks
            }
            for var lock in locks ?? [] where !lock.isWaiting {
                lock.descriptor = descriptor.number
                lock.path = ProcFS.path(descriptor)
                // After dup and fork several descriptors lead to one open file: it is one lock.
                if seen.insert(lock.itself).inserted { result.append(lock) }
            }
        }
        return result
    }

    private static func path(_ descriptor: Descriptor) -> [UInt8] {
        descriptor.target + (descriptor.isDeleted ? Array(" (deleted)".utf8) : [])
    }
}

extension FileLock {
    /// `/proc/locks`; lines of other kinds are left out.
    static func parse(_ bytes: [UInt8]) -> [FileLock] {
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            var result: [FileLock] = []
            while var line = scanner.line() { if let lock = FileLock(parsing: &line) { result.append(lock) } }
            return result
        }
    }

    /// `1: FLOCK  ADVISORY  WRITE 812 fe:00:16220202 0 EOF`, and `1: -> FLOCK …` for who waits (fs/locks.c, lock_get_status).
    init?(parsing line: inout ByteScanner) {
        guard let number = line.decimal(), line.skip(UInt8(ascii: ":")), var kind = line.word() else { return nil }
        let isWaiting = kind.elementsEqual("->".utf8)
        if isWaiting {
            guard let word = line.word() else { return nil }
            kind = word
        }
        guard let kind = Kind(rawValue: String(decoding: kind, as: UTF8.self)), line.word() != nil,
            let access = line.word(), let owner = line.signedWord(), let file = line.word().flatMap(FileLock.file),
            let first = line.word().flatMap(FileLock.number), let last = line.word()
        else { return nil }
        self.init(
            kind: kind, isShared: access.elementsEqual("READ".utf8), isWaiting: isWaiting,
            owner: owner > 0 ? owner : nil, file: file, first: first,
            last: last.elementsEqual("EOF".utf8) ? nil : FileLock.number(last), number: number)
    }

    /// `fe:00:16220202`: major and minor in hexadecimal, the inode.
    private static func file(_ word: UnsafeBufferPointer<UInt8>) -> Mapping.FileID? {
        var scanner = ByteScanner(word)
        guard let major = scanner.hexadecimal(), scanner.skip(UInt8(ascii: ":")), let minor = scanner.hexadecimal(),
            scanner.skip(UInt8(ascii: ":")), let inode = scanner.decimal(), scanner.isAtEnd
        else { return nil }
        return Mapping.FileID(
            deviceMajor: UInt32(truncatingIfNeeded: major), deviceMinor: UInt32(truncatingIfNeeded: minor),
            inode: inode)
    }

    private static func number(_ word: UnsafeBufferPointer<UInt8>) -> UInt64? {
        var scanner = ByteScanner(word)
        guard let value = scanner.decimal(), scanner.isAtEnd else { return nil }
        return value
    }

    /// What makes it the same lock, wherever the kernel tells of it: without its number, and without what nusu adds.
    fileprivate var itself: FileLock {
        FileLock(
            kind: kind, isShared: isShared, isWaiting: isWaiting, owner: owner, file: file, first: first, last: last,
            number: 0)
    }
}

extension ByteScanner {
    fileprivate mutating func signedWord() -> Int32? {
        guard let word = word() else { return nil }
        var scanner = ByteScanner(word)
        return scanner.signedDecimal().flatMap { Int32(exactly: $0) }
    }
}
