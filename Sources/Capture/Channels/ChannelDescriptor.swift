import Glibc
import Kernel
import Model
import SystemPackage

/// A descriptor that may be the end of a channel, as its link and what is behind it tell.
struct ChannelDescriptor: Hashable, Sendable {
    enum Thing: Hashable, Sendable {
        case pipe(inode: UInt64)
        case socket(inode: UInt64)
        indirect case fifo(NamedFile)
        /// `index`: N of /dev/pts/N.
        indirect case master(index: UInt32, NamedFile)
        indirect case slave(index: UInt32, NamedFile)
        /// /dev/tty: whichever terminal controls the process.
        case controllingTerminal
        indirect case queue(NamedFile)
        /// A file below /dev/shm, or of memfd_create.
        indirect case memory(NamedFile, isMemfd: Bool)
        case event(id: UInt64, value: UInt64)
        /// What has no number of its own. `contents`: of those that are the same two may be one, after a fork.
        indirect case unnumbered(Unnumbered)
        /// A file that is open for writing: whoever watches it is told.
        indirect case written(NamedFile)
        case process(Int32)
    }

    struct Unnumbered: Hashable, Sendable {
        var kind: Channel.Kind
        var contents: Int
        /// Of an epoll: descriptors of the same process.
        var watched: [Int32] = []
        /// Of an inotify.
        var files: [Mapping.FileID] = []
    }

    /// A file by which processes meet.
    struct NamedFile: Hashable, Sendable {
        var file: Mapping.FileID
        var path: [UInt8]
        var isDeleted = false
        var sizeBytes: UInt64
        /// When it was last read or written, and changed in any way: seconds since 1970.
        var used: Double
        var changed: Double
    }

    var number: Int32
    /// O_RDONLY 0, O_WRONLY 1, O_RDWR 2; nil where that could not be told.
    var access: UInt8?
    var thing: Thing
}

extension ProcFS {
    enum ChannelDepth {
        /// By their links alone.
        case pipesAndSockets
        /// Also what is met by a path: FIFOs, terminals, queues, memory.
        case paths
        case all
    }

    /// The descriptors of a process that may be ends of channels, in the kernel's order.
    ///
    /// Throws EACCES where they may not be read, ENOENT or ESRCH where the process is gone.
    func channelDescriptors(of pid: Int32, _ depth: ChannelDepth) throws(Errno) -> [ChannelDescriptor] {
        var result: [ChannelDescriptor] = []
        let path = path(of: pid)
        try ProcFile.eachLink(path + "/fd", limit: Limit.descriptors) { number, target, folder in
            let thing: ChannelDescriptor.Thing?
            var scanner = ByteScanner(target)
            if scanner.skip("socket:["), let inode = scanner.decimal() {
                // Sockets go both ways.
                result.append(ChannelDescriptor(number: number, access: 2, thing: .socket(inode: inode)))
                return
            } else if scanner.skip("pipe:["), let inode = scanner.decimal() {
                thing = .pipe(inode: inode)
            } else if depth == .pipesAndSockets {
                return
            } else if target.first == UInt8(ascii: "/") {
                thing = named(number, target, folder, path)
            } else {
                thing = depth == .all ? anonymous(number, target, path) : nil
            }
            guard let thing else { return }
            var access = ProcFile.accessMode(ofLink: number, in: folder)
            if access == nil {
                access = info(number, path, .pipe)?.flags.map { UInt8($0 & 3) }
            }
            result.append(ChannelDescriptor(number: number, access: access, thing: thing))
        }
        return result
    }

    private func info(_ number: Int32, _ path: String, _ kind: Descriptor.Kind) -> DescriptorInfo? {
        guard let bytes = try? ProcFile.read("\(path)/fdinfo/\(number)", limit: Limit.small) else { return nil }
        return bytes.withUnsafeBufferPointer { DescriptorInfo(parsing: $0, kind: kind) }
    }

    /// Files that no channel is made of, and that nearly every process has open.
    private static let others: [StaticString] = [
        "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random", "/proc/", "/sys/",
    ]

    private func named(
        _ number: Int32, _ target: UnsafeBufferPointer<UInt8>, _ folder: Int32, _ path: String
    ) -> ChannelDescriptor.Thing? {
        for other in ProcFS.others {
            var scanner = ByteScanner(target)
            if scanner.skip(other) { return nil }
        }
        guard let facts = FileFacts(folder: folder, name: "\(number)") else { return nil }
        var file = ChannelDescriptor.NamedFile(
            file: Mapping.FileID(deviceMajor: facts.deviceMajor, deviceMinor: facts.deviceMinor, inode: facts.inode),
            path: Array(target), isDeleted: facts.links == 0, sizeBytes: facts.sizeBytes,
            used: max(facts.accessed, facts.modified), changed: facts.changed)
        if file.isDeleted { file.path = ProcFS.withoutMark(file.path) }
        switch mode_t(facts.type) {
        case S_IFIFO: return .fifo(file)
        case S_IFCHR:
            // Documentation/admin-guide/devices.txt: 5:0 /dev/tty, 5:2 /dev/ptmx, 136 to 143 the slaves.
            switch (facts.specialMajor, facts.specialMinor) {
            case (5, 0): return .controllingTerminal
            case (5, 2):
                guard case .master(let index)? = info(number, path, .terminal)?.detail else { return nil }
                return .master(index: index, file)
            case (136...143, let minor): return .slave(index: (facts.specialMajor - 136) << 20 | minor, file)
            default: return nil
            }
        case S_IFREG:
            if target.starts(with: "/memfd:".utf8) { return .memory(file, isMemfd: true) }
            if target.starts(with: "/dev/shm/".utf8) { return .memory(file, isMemfd: false) }
            if isQueue(file, number, path) { return .queue(file) }
            return ProcFile.accessMode(ofLink: number, in: folder) ?? 0 == 0 ? nil : .written(file)
        default: return nil
        }
    }

    /// A message queue's link shows its name alone, as that of a file in the root folder, since mq_open goes by a file system
    /// that is mounted nowhere; one that was opened as a file shows where it is mounted, mostly /dev/mqueue.
    private func isQueue(_ file: ChannelDescriptor.NamedFile, _ number: Int32, _ path: String) -> Bool {
        guard file.file.deviceMajor == 0 else { return false }
        let isAlone = !file.path.dropFirst().contains(UInt8(ascii: "/"))
        guard isAlone || file.path.starts(with: "/dev/mqueue/".utf8) else { return false }
        return FileSystem.kind("\(path)/fd/\(number)") == FileSystem.messageQueues
    }

    private func anonymous(_ number: Int32, _ target: UnsafeBufferPointer<UInt8>, _ path: String)
        -> ChannelDescriptor.Thing?
    {
        let kind = ProcFS.descriptor(number, target).kind
        switch kind {
        case .eventfd:
            guard case .event(let id?, let value) = info(number, path, kind)?.detail else { return nil }
            return .event(id: id, value: value)
        case .pidfd:
            guard case .process(let pid?) = info(number, path, kind)?.detail else { return nil }
            return .process(pid)
        case .epoll: return unnumbered(.epoll, number, path, kind)
        case .signalfd: return unnumbered(.signalfd, number, path, kind)
        case .inotify: return unnumbered(.inotify, number, path, kind)
        default: return nil
        }
    }

    private func unnumbered(_ channel: Channel.Kind, _ number: Int32, _ path: String, _ kind: Descriptor.Kind)
        -> ChannelDescriptor.Thing?
    {
        guard let bytes = try? ProcFile.read("\(path)/fdinfo/\(number)", limit: Limit.small) else { return nil }
        return bytes.withUnsafeBufferPointer { buffer in
            var hasher = Hasher()
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                // O_CLOEXEC among the flags is the descriptor's, not the open file's; an event's number changes.
                if line.skip("pos:") || line.skip("flags:") { continue }
                hasher.combine(bytes: UnsafeRawBufferPointer(line.rest))
            }
            var result = ChannelDescriptor.Unnumbered(kind: channel, contents: hasher.finalize())
            if case .watched(let numbers, _) = DescriptorInfo(parsing: buffer, kind: kind).detail {
                result.watched = numbers
            }
            if kind == .inotify { result.files = ProcFS.watchedFiles(buffer) }
            return .unnumbered(result)
        }
    }

    /// `inotify wd:2 ino:7ef82a sdev:800001 mask:800afff …` (man 5 proc_pid_fdinfo): the device as the kernel keeps it.
    private static func watchedFiles(_ bytes: UnsafeBufferPointer<UInt8>) -> [Mapping.FileID] {
        var result: [Mapping.FileID] = []
        var scanner = ByteScanner(bytes)
        while var line = scanner.line() {
            guard line.skip("inotify wd:"), line.word() != nil, line.skip(" ino:"), let inode = line.hexadecimal(),
                line.skip(" sdev:"), let device = line.hexadecimal(), device <= UInt32.max
            else { continue }
            result.append(
                Mapping.FileID(
                    deviceMajor: UInt32(device >> 20), deviceMinor: UInt32(device & 0xfffff), inode: inode))
        }
        return result
    }

    /// Without what the kernel puts behind a name that was removed.
    static func withoutMark(_ path: [UInt8]) -> [UInt8] {
        let mark = " (deleted)".utf8
        return path.count > mark.count && path.suffix(mark.count).elementsEqual(mark)
            ? Array(path.dropLast(mark.count)) : path
    }
}
