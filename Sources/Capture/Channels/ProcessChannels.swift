import Glibc
import Kernel
import Model
import SystemPackage

/// What one process has that may be the end of a channel.
struct ProcessChannels: Sendable {
    var stat: ProcessStat
    var user: UInt32?
    /// Which network namespace and which namespace of System V's objects it lives in; nil where that may not be read.
    var network: UInt64?
    var ipc: UInt64?
    var descriptors: [ChannelDescriptor] = []
    /// Memory that others may share with it.
    var mappings: [Mapping] = []
    /// Its descriptors may not be read.
    var isRefused = false
    /// Its memory map stayed locked: `mappings` are not known.
    var isLocked = false

    var pid: Int32 { stat.pid }
    var identity: ProcessIdentity {
        ProcessIdentity(pid: stat.pid, startTicks: stat.startTicks, commandBytes: stat.commandBytes)
    }
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
            var result = ProcessChannels(stat: record.stat, user: record.owner?.user)
            guard !record.stat.isZombie else { return result }
            result.network = reader.namespace("ns/net")
            result.ipc = reader.namespace("ns/ipc")
            do throws(Errno) {
                result.descriptors = try procfs.channelDescriptors(of: process, .all)
            } catch {
                guard error != .noSuchFileOrDirectory, error != .noSuchProcess else { return nil }
                result.isRefused = true
            }
            if process == own { result.descriptors.removeAll { $0.number > 2 } }
            return result
        }
        // The kernel takes the process's memory lock for its mappings.
        steps.wait = { channels, _ in
            guard !channels.isRefused, !channels.stat.isZombie, channels.pid != own else { return }
            channels.mappings = procfs.sharedMappings(of: channels.pid)
        }
        steps.giveUp = { $0.isLocked = true }
        return try walk(try processIDs(), steps, patience: patience)
    }

    /// The mappings of a process that other processes may share, and see each other's writes in; devices left out. Empty where
    /// they may not be read.
    private func sharedMappings(of pid: Int32) -> [Mapping] {
        guard let bytes = try? ProcFile.read(path(of: pid) + "/maps", limit: Limit.maps) else { return [] }
        return Mapping.parse(sharedIn: bytes)
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
    private var isMeetingPlace: Bool {
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
