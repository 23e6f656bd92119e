import Kernel
package import Model
import Synchronization

/// Which files of a process come from a file system that a program (FUSE) or another machine serves.
///
/// To open such a file, or to read a page of it that is not in memory, waits for the server: for ever where that is dead,
/// or is the very process that stands still for nusu. Files that a program serves are therefore never touched, those of
/// another machine only after it has answered in time. All is told by `/proc/PID/mountinfo` (man 5 proc_pid_mountinfo),
/// which asks no server.
package final class FileServers: Sendable {
    enum Server: Hashable {
        case program
        case machine
    }

    struct Mount: Hashable {
        let server: Server
        /// "fuse.sshfs", as whoever mounted it chose to call it.
        let type: String
        /// Empty where it is not known.
        let pointBytes: [UInt8]
    }

    private struct Device: Hashable {
        let major: UInt32
        let minor: UInt32
    }

    private let pid: Int32
    private let root: String
    /// Only those that are served.
    private let mounts: [Device: Mount]
    /// Those of machines that were asked, and whether they answered.
    private let answers = Mutex<[Device: Bool]>([:])

    private static let mountLimit = 1 << 16
    private static let connections = "/sys/fs/fuse/connections"
    private static let machineTypes: Set<String> = [
        "9p", "afs", "beegfs", "ceph", "cifs", "coda", "lustre", "nfs", "nfs4", "orangefs", "smb3", "virtiofs",
    ]

    /// Reads the mounts of the process and, for files that it has from elsewhere, nusu's own and the kernel's list of what
    /// programs serve (fusectl), which has those that were unmounted while in use. Mounts that none of them tells of count as
    /// served by nobody.
    package init(of pid: Int32, procFS: ProcFS) {
        self.pid = pid
        root = procFS.root
        var mounts: [Device: Mount] = [:]
        let connections =
            (try? ProcFile.entries(procFS.systemRoot + FileServers.connections, limit: FileServers.mountLimit)) ?? []
        for minor in connections.compactMap({ UInt32(String(decoding: $0, as: UTF8.self)) }) {
            mounts[Device(major: 0, minor: minor)] = Mount(server: .program, type: "fuse", pointBytes: [])
        }
        for folder in ["self", "\(pid)"] {
            let bytes = (try? ProcFile.read("\(root)/\(folder)/mountinfo", limit: ProcFS.Limit.maps)) ?? []
            FileServers.parse(bytes) { mounts[$0] = $1 }
        }
        self.mounts = mounts
    }

    /// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
    private static func parse(_ bytes: [UInt8], _ body: (Device, Mount) -> Void) {
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = ByteScanner(buffer)
            var count = 0
            while var line = scanner.line(), count < mountLimit {
                count += 1
                guard line.word() != nil, line.word() != nil else { continue }
                line.skipBlanks()
                guard let major = line.decimal(), line.skip(UInt8(ascii: ":")), let minor = line.decimal(),
                    line.word() != nil, let point = line.word()
                else { continue }
                var isBeforeType = true
                while isBeforeType, let word = line.word() { isBeforeType = !word.elementsEqual("-".utf8) }
                guard let type = line.word().map({ String(decoding: $0, as: UTF8.self) }),
                    let server = server(ofType: type)
                else { continue }
                body(
                    Device(major: UInt32(truncatingIfNeeded: major), minor: UInt32(truncatingIfNeeded: minor)),
                    Mount(server: server, type: type, pointBytes: undoingOctalEscapes(point)))
            }
        }
    }

    private static func server(ofType type: String) -> Server? {
        if type == "fuse" || type == "fuseblk" || type.hasPrefix("fuse.") || type.hasPrefix("fuseblk.") {
            return .program
        }
        return machineTypes.contains(type) ? .machine : nil
    }

    private func mount(of mapping: Mapping) -> (device: Device, mount: Mount)? {
        guard !mounts.isEmpty, mapping.isFileBacked else { return nil }
        let device = Device(major: mapping.deviceMajor, minor: mapping.deviceMinor)
        return mounts[device].map { (device, $0) }
    }

    /// Whether the file behind a mapping may be touched. Asks a machine, once, and waits for it for a bounded time.
    package func mayRead(_ mapping: Mapping) -> Bool {
        guard let (device, mount) = mount(of: mapping) else { return true }
        guard mount.server == .machine else { return false }
        if let known = answers.withLock({ $0[device] }) { return known }
        let (pid, root) = (pid, root)
        // The file is opened and read, and forgotten: a thread that hangs owns what it works on.
        let thread = try? WatchedThread {
            _ = ImageFile(mapping, of: pid, root: root, servers: nil)?.bytes(at: 0, count: 1)
        }
        let answered = thread?.waitForEnd(seconds: FileServers.patienceSeconds) ?? false
        answers.withLock { $0[device] = answered }
        return answered
    }

    private static let patienceSeconds = 2.0

    /// Whether a path leads through a file system that a program serves, wherever that path ended when it was mapped.
    func isServed(pathBytes: [UInt8]) -> Bool {
        mounts.values.contains { mount in
            mount.server == .program && !mount.pointBytes.isEmpty && pathBytes.starts(with: mount.pointBytes)
                && (pathBytes.count == mount.pointBytes.count || mount.pointBytes == [UInt8(ascii: "/")]
                    || pathBytes[mount.pointBytes.count] == UInt8(ascii: "/"))
        }
    }

    /// What is not known for want of these files; nil where none of them is left out.
    package func gap(of mappings: [Mapping]) -> Gap? {
        let left = mappings.filter { !mayRead($0) }
        let files = Set(left.compactMap(\.file)).count
        guard files > 0 else { return nil }
        let types = Set(left.compactMap { mount(of: $0)?.mount.type }).sorted()
        return Gap(
            what: files == 1 ? "a file that it has mapped" : "\(Units.grouped(files)) files that it has mapped",
            reason: "served by a program or another machine that may never answer (\(types.joined(separator: ", "))): "
                + "not opened")
    }
}
