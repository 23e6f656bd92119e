import Glibc
import Kernel
package import Model
import SystemPackage

extension ProcFS {
    /// How much of a look at a process's descriptors is wanted.
    package enum DescriptorDepth: Sendable {
        /// What they are: enough to see which were opened and closed.
        case own
        /// Also who is at the other end of what has one, which takes a look at all processes.
        case otherEnds
    }

    /// The open descriptors of a process. What may not be seen stands in `gaps`.
    /// - Throws: `.noTarget` when it is gone.
    package func descriptorTable(of identity: ProcessIdentity, _ depth: DescriptorDepth) throws(Failure)
        -> DescriptorTable
    {
        let pid = identity.pid
        let stat = try stat(of: pid)
        guard stat.startTicks == identity.startTicks else {
            throw Failure(
                .noTarget, what: "\(identity) ended, and another process has its number now",
                subject: identity.description, remedy: "look for it with: nusu ps")
        }
        var table = DescriptorTable(process: identity)
        table.isZombie = stat.isZombie
        let limit = try? openFilesLimit(of: pid)
        (table.softLimit, table.hardLimit) = (limit?.soft, limit?.hard)
        if stat.isZombie {
            table.total = 0
            return table
        }
        do {
            table.descriptors = try descriptors(of: pid)
            table.total = table.descriptors.count
        } catch {
            switch error {
            case .noSuchFileOrDirectory, .noSuchProcess: throw failure(error, reading: "fd", of: pid)
            default:
                table.total = descriptorCount(of: pid)
                table.gaps.append(
                    Gap(
                        what: "which descriptors these are",
                        reason: "that needs the process's own user, or CAP_SYS_PTRACE",
                        remedy: "sudo nusu fds \(pid)"))
            }
        }
        if depth == .otherEnds, !table.descriptors.isEmpty {
            var ends = DescriptorEnds(self, of: table)
            ends.join(&table)
        }
        return table
    }

    /// The numbers of the open descriptors of a process and nothing else; nil where they may not be seen.
    package func openDescriptors(of pid: Int32) -> Set<Int32>? {
        guard let names = try? ProcFile.entries(path(of: pid) + "/fd", limit: Limit.descriptors) else { return nil }
        return Set(names.compactMap { Int32(String(decoding: $0, as: UTF8.self)) })
    }

    /// Everybody may know how many there are: the length of the folder (Linux 6.2). nil before that.
    private func descriptorCount(of pid: Int32) -> Int? {
        guard let facts = FileFacts(folder: AT_FDCWD, name: path(of: pid) + "/fd"), facts.sizeBytes > 0 else {
            return nil
        }
        return Int(exactly: facts.sizeBytes)
    }

    /// `Max open files            1024                 524288               files`; both nil where there is none.
    private func openFilesLimit(of pid: Int32) throws(Failure) -> (soft: UInt64?, hard: UInt64?) {
        let bytes = try read("limits", of: pid, limit: Limit.small)
        return bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                guard line.skip("Max open files ") else { continue }
                let soft = line.word().flatMap { UInt64(String(decoding: $0, as: UTF8.self)) }
                let hard = line.word().flatMap { UInt64(String(decoding: $0, as: UTF8.self)) }
                return (soft, hard)
            }
            return (nil, nil)
        }
    }

    private func descriptors(of pid: Int32) throws(Errno) -> [Descriptor] {
        let folder = path(of: pid) + "/fd"
        var result: [Descriptor] = []
        try ProcFile.eachLink(folder, limit: Limit.descriptors) { number, target, _ in
            result.append(ProcFS.descriptor(number, target))
        }
        let links = try ProcFolder(folder)
        let infos = try ProcFolder(path(of: pid) + "/fdinfo")
        for index in result.indices {
            let descriptor = result[index]
            if descriptor.target.first == UInt8(ascii: "/"), let facts = links.facts(descriptor.number) {
                result[index].take(facts)
            }
            let info = infos.read(descriptor.number, limit: Limit.names) {
                DescriptorInfo(parsing: $0, kind: result[index].kind)
            }
            guard let info else { continue }
            result[index].flags = info.flags
            result[index].offset = info.offset
            result[index].locks = info.locks
            result[index].detail = info.detail
        }
        result.sort { $0.number < $1.number }
        return result
    }

    /// What the link alone says.
    static func descriptor(_ number: Int32, _ target: UnsafeBufferPointer<UInt8>) -> Descriptor {
        var scanner = ByteScanner(target)
        var descriptor = Descriptor(number: number, kind: .other, target: Array(target))
        if scanner.skip("anon_inode:") {
            _ = scanner.skip("[")
            descriptor.kind = anonymousKind(scanner.rest)
        } else if scanner.skip("socket:[") {
            descriptor.kind = .socket
        } else if scanner.skip("pipe:[") {
            descriptor.kind = .pipe
        } else if scanner.skip("pidfd:[") {
            // Since Linux 6.9 they have a file system of their own.
            descriptor.kind = .pidfd
        } else if scanner.skip("/memfd:") {
            descriptor.kind = .memfd
            descriptor.dropMark()
        } else if scanner.skip("/") {
            descriptor.kind = .file
            descriptor.isDeleted = descriptor.dropMark()
        }
        return descriptor
    }

    private static func anonymousKind(_ name: UnsafeBufferPointer<UInt8>) -> Descriptor.Kind {
        let known: [(StaticString, Descriptor.Kind)] = [
            ("eventpoll", .epoll), ("eventfd", .eventfd), ("timerfd", .timerfd), ("signalfd", .signalfd),
            ("inotify", .inotify), ("fanotify", .fanotify), ("pidfd", .pidfd), ("io_uring", .ioUring),
        ]
        return known.first { entry in
            var scanner = ByteScanner(name)
            return scanner.skip(entry.0) && (scanner.isAtEnd || scanner.peek == UInt8(ascii: "]"))
        }?.1 ?? .other
    }
}

extension Descriptor {
    /// What the kernel puts behind a name that was removed. A file may be called so, too.
    private static let mark = Array(" (deleted)".utf8)

    /// Takes the mark off; true where there was one.
    @discardableResult
    fileprivate mutating func dropMark() -> Bool {
        let mark = Descriptor.mark
        guard target.count > mark.count, target.suffix(mark.count).elementsEqual(mark) else { return false }
        target.removeLast(mark.count)
        return true
    }

    fileprivate mutating func take(_ facts: FileFacts) {
        file = Mapping.FileID(deviceMajor: facts.deviceMajor, deviceMinor: facts.deviceMinor, inode: facts.inode)
        if kind == .file, isDeleted, facts.links > 0 {
            // It has another name still, or this one.
            isDeleted = false
            target += Descriptor.mark
        }
        switch mode_t(facts.type) {
        case S_IFDIR: kind = .directory
        case S_IFIFO: kind = .fifo
        case S_IFSOCK: kind = .socket
        case S_IFBLK: kind = .device
        case S_IFCHR: kind = Descriptor.isTerminal(target) ? .terminal : .device
        default:
            sizeBytes = facts.sizeBytes
            diskBytes = facts.diskBytes
        }
    }

    private static func isTerminal(_ path: [UInt8]) -> Bool {
        ["/dev/pts/", "/dev/tty", "/dev/ptmx", "/dev/console", "/dev/hvc"].contains { path.starts(with: $0.utf8) }
    }
}
