import Glibc
import Kernel
import Model
import SystemPackage

/// What one process has that may be the end of a channel.
struct ProcessChannels: Sendable {
    var identity: ProcessIdentity
    /// 0 where there is none that can be seen.
    var parent: Int32
    var isZombie: Bool
    /// The device number of the controlling terminal, as in `ProcessStat`.
    var terminal: UInt32
    var user: UInt32?
    /// Which network namespace, if it has a socket, and which namespace of System V's objects it lives in; nil where that may
    /// not be read.
    var network: UInt64?
    var ipc: UInt64?
    var descriptors: [ChannelDescriptor] = []
    /// Memory that others may share with it.
    var mappings: [Mapping] = []
    /// Its descriptors may not be read.
    var isRefused = false
    /// Its memory map stayed locked: `mappings` are not known.
    var isLocked = false

    /// Thousands of these are kept: of all that `stat` says, what is needed.
    init(_ stat: ProcessStat) {
        identity = ProcessIdentity(pid: stat.pid, startTicks: stat.startTicks, commandBytes: stat.commandBytes)
        (parent, isZombie, terminal) = (stat.parent, stat.isZombie, stat.terminal)
    }

    var pid: Int32 { identity.pid }
    var hasSockets: Bool { descriptors.contains { if case .socket = $0.thing { true } else { false } } }
}

extension ProcFS {
    /// Looks at every process once, kernel threads left out; in ascending order.
    /// - Parameters:
    ///   - own: nusu's number: of its own descriptors only those count that it was started with.
    ///   - patience: seconds that a locked memory map is waited for.
    func processChannels(own: Int32, patience: Double) throws(Failure) -> [ProcessChannels] {
        let procfs = self
        var steps = ProcessWalk<ProcessChannels>.Steps { process, reader in
            guard let record = reader.record(.owner, process: process), !record.stat.isKernelThread else { return nil }
            var result = ProcessChannels(record.stat)
            result.user = record.owner?.user
            guard !record.stat.isZombie else { return result }
            result.ipc = reader.namespace("ns/ipc")
            do throws(Errno) {
                result.descriptors = try procfs.channelDescriptors(of: process, .all)
            } catch {
                guard error != .noSuchFileOrDirectory, error != .noSuchProcess else { return nil }
                result.isRefused = true
            }
            if result.hasSockets { result.network = reader.namespace("ns/net") }
            if process == own { result.descriptors.removeAll { $0.number > 2 } }
            return result
        }
        // The kernel takes the process's memory lock for its mappings.
        steps.wait = { channels, _ in
            guard !channels.isRefused, !channels.isZombie, channels.pid != own else { return }
            channels.mappings = procfs.sharedMappings(of: channels.pid)
        }
        steps.giveUp = { $0.isLocked = true }
        return try walk(try processIDs(), steps, patience: patience)
    }

    /// The mappings of a process that other processes may share, and see each other's writes in; devices left out. Empty where
    /// they may not be read.
    private func sharedMappings(of pid: Int32) -> [Mapping] {
        let path = path(of: pid) + "/maps"
        do throws(Errno) {
            return try queriedMappings(path)
        } catch {
            // A kernel that cannot be asked, or a fixture.
            guard let bytes = try? ProcFile.read(path, limit: Limit.maps) else { return [] }
            return Mapping.parse(sharedIn: bytes)
        }
    }

    func queriedMappings(_ path: String) throws(Errno) -> [Mapping] {
        let query = try SharedMappingQuery(path)
        var result: [Mapping] = []
        var address: UInt64 = 0
        while let mapping = try query.next(from: address), mapping.range.upper > address {
            if mapping.isMeetingPlace { result.append(mapping) }
            address = mapping.range.upper
        }
        return result
    }
}

extension Mapping {
    /// Of `/proc/PID/maps` the lines of memory that is shared and has a file of memory or disk behind it.
    static func parse(sharedIn bytes: [UInt8]) -> [Mapping] {
        var result: [Mapping] = []
        bytes.withUnsafeBufferPointer { buffer in
            var previous: [UInt8] = []
            var scanner = ByteScanner(buffer)
            while var line = scanner.line() {
                // Few lines are: the fourth letter of the permissions decides, before anything is parsed.
                let text = line.rest
                guard let blank = text.firstIndex(of: UInt8(ascii: " ")), text.count > blank + 4,
                    text[blank + 4] == UInt8(ascii: "s"),
                    let mapping = Mapping(line: &line, previousName: &previous), mapping.isMeetingPlace
                else { continue }
                result.append(mapping)
            }
        }
        return result
    }

    /// Sockets and anonymous inodes have names without a slash; devices and rings of asynchronous input are no memory.
    fileprivate var isMeetingPlace: Bool {
        // The first segment of a namespace has the number 0.
        guard inode != 0 || isSegment, nameBytes.first == UInt8(ascii: "/") else { return false }
        if nameBytes.starts(with: "/[".utf8) { return false }
        guard nameBytes.starts(with: "/dev/".utf8) else { return true }
        return ["/dev/shm/", "/dev/zero", "/dev/hugepages/"].contains { nameBytes.starts(with: $0.utf8) }
    }
}

extension ProcessReader {
    /// The number in "net:[4026531840]"; nil where it may not be read.
    fileprivate func namespace(_ file: StaticString) -> UInt64? {
        guard case .success(let bytes) = link(file) else { return nil }
        var scanner = ByteScanner(bytes)
        return scanner.upTo(UInt8(ascii: "[")) == nil ? nil : scanner.decimal()
    }
}
