import Glibc
import Kernel
import Model

extension WaitLook {
    /// A wait for one descriptor.
    /// - Parameters:
    ///   - purpose: nil where the call neither reads nor writes.
    ///   - call: of connect, whose address tells to whom where the socket does not yet.
    func take(
        _ descriptor: Int32?, _ purpose: SocketWait.Purpose?, _ reason: inout WaitReason,
        _ call: ProcFS.SystemCall? = nil
    ) {
        reason.descriptor = descriptor
        let pid = reason.process.pid
        guard let descriptor, let target = try? ProcFile.link("\(procfs.path(of: pid))/fd/\(descriptor)") else {
            return
        }
        reason.cause = .descriptor(target: target)
        if let inode = ProcFS.inode("pipe", target), let purpose {
            let isReading = purpose == .receive
            let others = pipeHolders(inode, writing: isReading)
            takeOthers(others, &reason)
            reason.cause = .pipe(inode: inode, isReading: isReading, isOwn: others == [pid])
        } else if let inode = ProcFS.inode("socket", target) {
            takeSocket(inode, purpose ?? .receive, &reason, call)
        } else if let purpose, let file = fifo(descriptor, target, of: pid) {
            let isReading = purpose == .receive
            let others = able(fifoHolders[file], writing: isReading)
            takeOthers(others, &reason)
            reason.cause = .fifo(path: target, isReading: isReading, isOwn: others == [pid])
        }
    }

    private func takeOthers(_ pids: [Int32], _ reason: inout WaitReason) {
        let pid = reason.process.pid
        reason.awaited = awaited(pids.filter { $0 != pid })
        reason.ownThreadsToo = pids.contains(pid)
    }

    private func pipeHolders(_ inode: UInt64, writing: Bool) -> [Int32] {
        able(holders.pipes[inode], writing: writing)
    }

    private func able(_ holders: [ChannelHolders.Holder]?, writing: Bool) -> [Int32] {
        Set((holders ?? []).filter { writing ? $0.writes : $0.reads }.map(\.pid)).sorted()
    }

    /// nil where the descriptor is none of a FIFO.
    func fifo(_ descriptor: Int32, _ target: [UInt8], of pid: Int32) -> Mapping.FileID? {
        guard target.first == UInt8(ascii: "/"),
            let facts = FileFacts(folder: AT_FDCWD, name: "\(procfs.path(of: pid))/fd/\(descriptor)"),
            mode_t(facts.type) == S_IFIFO
        else { return nil }
        return Mapping.FileID(deviceMajor: facts.deviceMajor, deviceMinor: facts.deviceMinor, inode: facts.inode)
    }

    private func takeSocket(
        _ inode: UInt64, _ purpose: SocketWait.Purpose, _ reason: inout WaitReason, _ call: ProcFS.SystemCall?
    ) {
        let pid = reason.process.pid
        let table = sockets(of: pid)
        var wait = SocketWait(purpose, socket: table[inode])
        defer { reason.cause = .socket(wait) }
        guard let socket = wait.socket else { return }
        wait.name = socket.transport.isUnix ? socket.local : socket.remote
        if socket.state == .listening {
            (wait.purpose, wait.name) = (.accept, socket.local)
            return
        }
        if socket.state == .connecting { wait.purpose = .connect }
        wait.isServer = table.isServer(socket)
        var peer = table.peer(of: inode)
        if peer == nil, purpose == .connect, let call, let name = unixName(givenTo: call, of: pid) {
            // Until the listener has room, the kernel knows of the connection only as the call's argument.
            wait.name = name
            peer = SocketTable.Peer(meant(table.bound(to: name), by: name, of: pid, table), isAccepted: false)
        }
        guard let peer, !peer.inodes.isEmpty else { return }
        wait.isPending = !peer.isAccepted
        if let other = peer.inodes.first.flatMap({ table[$0] }) {
            if peer.isAccepted { wait.unreadBytes = other.receiveQueue }
            if wait.name == .unnamed { wait.name = other.local }
        }
        let pids = holders.processes(ofSockets: peer.inodes)
        takeOthers(pids, &reason)
        wait.isOwn = pids == [pid]
    }

    /// Of sockets with one name those that it leads the process to: in another mount namespace, or below another root, the same
    /// path is another file.
    private func meant(_ inodes: [UInt64], by name: SocketAddress, of pid: Int32, _ table: SocketTable) -> [UInt64] {
        guard inodes.count > 1, case .path(let bytes) = name, Set(inodes.map { table[$0]?.file }).count > 1 else {
            return inodes
        }
        let start = bytes.first == UInt8(ascii: "/") ? "root" : "cwd/"
        let path = "\(procfs.path(of: pid))/\(start)\(String(decoding: bytes, as: UTF8.self))"
        guard let facts = FileFacts(folder: AT_FDCWD, name: path) else { return inodes }
        // The kernel tells half of a socket's inode (struct unix_diag_vfs).
        let file = Mapping.FileID(
            deviceMajor: facts.deviceMajor, deviceMinor: facts.deviceMinor, inode: facts.inode & 0xffff_ffff)
        let found = inodes.filter { table[$0]?.file == file }
        return found.isEmpty ? inodes : found
    }

    /// connect's second argument: sa_family_t, then `sun_path` (man 7 unix).
    private func unixName(givenTo call: ProcFS.SystemCall, of pid: Int32) -> SocketAddress? {
        guard call.arguments.count >= 3, let length = Int(exactly: call.arguments[2]), (3...110).contains(length),
            let bytes = memory(of: pid, at: call.arguments[1], count: length), bytes[0] == 1, bytes[1] == 0
        else { return nil }
        return SocketAddress(unixName: Array(bytes[2...]))
    }

    func memory(of pid: Int32, at address: UInt64, count: Int) -> [UInt8]? {
        try? ProcFile.read(procfs.path(of: pid) + "/mem", at: address, count: count)
    }
}
